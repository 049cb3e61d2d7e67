"""Alerts, from the consoles' side: events go in, and no console waits.

`AlertSink.offer` is all that a console's path has to do with alerts: it appends to a
bounded buffer. The rest is done `SETTLE` seconds later, for many events at once: by
then the archive has the lines that go with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import trio

from solrecd.alerts import Alert, Notice, Phase
from solrecd.alerts.payload import TEST
from solrecd.alerts.senders.dispatcher import Dispatcher
from solrecd.alerts.senders.firing_file import FiringFile
from solrecd.alerts.senders.inbox import Inbox
from solrecd.alerts.senders.members import Member
from solrecd.alerts.senders.sender import Receipt, ReceiverStatistics, Tools
from solrecd.config import Config
from solrecd.events.event import Event, Kind, Severity

SETTLE: Final = 0.3
"""Seconds from an event to the reading of its lines: the archive writes every 0.25."""

TICK: Final = 1.0
"""Seconds between two looks at the clock while something fires."""

RECEIVERS: Final = 1000
"""Receivers that may wait to be started."""


class AlertSink:
    """Notifies all receivers.

    Args:
        log_dir: the archive; excerpts come from there.
        tools: of the machine.
    """

    def __init__(self, log_dir: Path, tools: Tools) -> None:
        self._tools = tools
        self._inbox = Inbox()
        self.offer = self._inbox.offer
        self.forget = self._inbox.forget
        self._dispatcher = Dispatcher(self._inbox, log_dir, tools)
        self._file = FiringFile(tools.folder, self._firing)
        self._members: dict[str, Member] = {}
        self._closed = trio.Event()
        self._to_start, self._starting = trio.open_memory_channel[Member](RECEIVERS)

    @property
    def dropped(self) -> int:
        """Events that found the buffer full."""
        return self._inbox.dropped

    def configure(self, config: Config) -> None:
        """Take the receivers of a configuration, and the labels of its consoles."""
        before, self._members = self._members, {}
        for name, receiver in config.alerts.items():
            member = Member.of(receiver, before.get(name), self._tools)
            self._members[name] = member
            if member is not before.get(name):
                self._to_start.send_nowait(member)
        for name, member in before.items():
            if self._members.get(name) is not member:
                member.scope.cancel()
        self._dispatcher.members = self._members
        self._dispatcher.consoles = config.consoles
        selections = [receiver.selection for receiver in config.alerts.values()]
        self._inbox.listen_to(kind for one in selections for kind in one.kinds)

    def statistics(self) -> Mapping[str, ReceiverStatistics]:
        """Return the numbers of all receivers, by name."""
        return {name: member.statistics() for name, member in self._members.items()}

    async def test(self, name: str | None) -> Sequence[Receipt]:
        """Send a test to one receiver, or to all of them.

        Raises:
            KeyError: there is no such receiver.
        """
        members = (
            list(self._members.values()) if name is None else [self._members[name]]
        )
        receipts: dict[str, Sequence[Receipt]] = {}

        async def ask(member: Member) -> None:
            receipts[member.config.name] = await member.test(self._test_notice())

        async with trio.open_nursery() as nursery:
            for member in members:
                nursery.start_soon(ask, member)
        return [one for m in members for one in receipts[m.config.name]]

    def _test_notice(self) -> Notice:
        at = self._tools.wall_clock()
        host = self._tools.host
        event = Event(
            time=at,
            console=host,
            kind=Kind.OPERATOR,
            name=TEST,
            severity=Severity.INFO,
            title=f"Test of alerts from solrecd on {host}",
        )
        return Notice(Phase.TEST, Alert(event, at), at)

    # Its task.

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Deliver until closed.

        Returns: when `close` was called, what waited was given to the senders, and what
        these have to keep is on the disk.
        Errors: none; the failure of a receiver is logged, and it is tried again.
        """
        await self._restore()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._start_members, nursery)
            nursery.start_soon(self._file.run)
            task_status.started()
            while not self._closed.is_set():
                await self._wait()
                await self._work()
            await self._work()
            async with trio.open_nursery() as finishing:
                for member in self._members.values():
                    finishing.start_soon(member.finish)
            nursery.cancel_scope.cancel()
        if self._members:
            await self._file.write()

    def close(self) -> None:
        """No more events will come: `run` keeps what must be kept, and returns."""
        self._closed.set()

    async def _start_members(self, nursery: trio.Nursery) -> None:
        async for member in self._starting:
            nursery.start_soon(member.run)

    async def _restore(self) -> None:
        """Continue with what an earlier daemon sent."""
        if not self._members:
            return
        saved = await self._file.read()
        for name, alerts in saved.items():
            if name in self._members:
                self._members[name].restore(alerts, self._dispatcher.moment())
        consoles = {one.event.console for its in saved.values() for one in its}
        for console in consoles - self._dispatcher.consoles.keys():
            self.forget(console)

    async def _wait(self) -> None:
        """Wait for events and for their lines, or for the clock, or for the end."""
        fires = any(len(member.watch) for member in self._members.values())
        with trio.move_on_after(TICK if fires else math.inf) as timeout:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._end_wait, timeout)
                await self._inbox.wanted.wait()
                # They have come: a tick in between would only be early.
                timeout.deadline = math.inf
                await trio.sleep(SETTLE)
                nursery.cancel_scope.cancel()

    async def _end_wait(self, scope: trio.CancelScope) -> None:
        await self._closed.wait()
        scope.cancel()

    async def _work(self) -> None:
        self._inbox.wanted = trio.Event()
        if await self._dispatcher.work():
            self._file.changed()

    def _firing(self) -> Mapping[str, Iterable[Alert]]:
        return {name: member.watch.firing for name, member in self._members.items()}
