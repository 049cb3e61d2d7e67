"""Passes events from the inbox to the watches, and their notices to the senders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import trio

from solrecd.alerts import Moment, Notice, Watch
from solrecd.alerts.alert import Context
from solrecd.alerts.senders.excerpts import Wanted, read_excerpts
from solrecd.alerts.senders.inbox import Inbox
from solrecd.alerts.senders.members import Member
from solrecd.alerts.senders.sender import Tools
from solrecd.config import ConsoleConfig
from solrecd.events.boots import Boot
from solrecd.events.event import Event
from solrecd.process.threads import Job, in_thread

BATCH: Final = 200
"""Events whose excerpts are read together."""

TURN: Final = 20
"""Events or boots that are looked at before other tasks run: a millisecond."""

TIMEOUT: Final = 2.0
"""Seconds that a batch waits for its excerpts: a disk that hangs delays no alert."""

_READ: Final = Job("the lines around an alert", "it went out without them")

Excerpts = Mapping[int, str]
"""By the number of lines before the event."""


class Dispatcher:
    """Asks each receiver's watch about each event.

    Args:
        inbox: what happened.
        log_dir: the archive; excerpts come from there.
        tools: of the machine.
    """

    def __init__(self, inbox: Inbox, log_dir: Path, tools: Tools) -> None:
        self.members: Mapping[str, Member] = {}
        self.consoles: Mapping[str, ConsoleConfig] = {}
        self._inbox = inbox
        self._log_dir = log_dir
        self._tools = tools
        self._boots: dict[str, Boot] = {}
        """The newest of each console: most events do not know their kernel."""
        self._reader = trio.CapacityLimiter(1)
        self._looked_at = 0

    def moment(self) -> Moment:
        """Return now."""
        return Moment(trio.current_time(), self._tools.wall_clock())

    async def work(self) -> bool:
        """Empty the inbox; return whether any receiver was notified."""
        boots, removed = self._inbox.take_rest()
        self._boots.update((boot.console, boot) for boot in boots)
        notified = False
        while events := self._inbox.take_events(BATCH):
            notified |= await self._take(events)
        for boot in boots:
            notified |= await self._ask(partial(Watch.take_boot, boot=boot))
        for console in removed:
            self._boots.pop(console, None)
            notified |= await self._ask(partial(Watch.forget, console=console))
        return await self._ask(Watch.tick) or notified

    async def _take(self, events: Sequence[Event]) -> bool:
        excerpts = await self._excerpts(events)
        notified = False
        for event, found in zip(events, excerpts, strict=True):
            context = self._context(event)
            for member in self.members.values():
                excerpt = found.get(member.config.excerpt or 0, "")
                its = context._replace(excerpt=excerpt)
                notices = member.watch.take(event, its, self.moment())
                member.sender.offer(notices)
                notified |= bool(notices)
            await self._let_others()
        return notified

    async def _ask(self, question: Callable[..., list[Notice]]) -> bool:
        """Ask all watches the same; return whether any receiver was notified."""
        notified = False
        for member in self.members.values():
            notices = question(member.watch, moment=self.moment())
            member.sender.offer(notices)
            notified |= bool(notices)
        await self._let_others()
        return notified

    async def _let_others(self) -> None:
        self._looked_at += 1
        if self._looked_at % TURN == 0:
            await trio.lowlevel.checkpoint()

    def _context(self, event: Event) -> Context:
        console, boot = self.consoles.get(event.console), self._boots.get(event.console)
        kernel = event.fields.get("kernel")
        if kernel is None and boot is not None and boot.boot == event.boot:
            kernel = boot.kernel
        return Context({} if console is None else console.labels, str(kernel or ""))

    async def _excerpts(self, events: Sequence[Event]) -> Sequence[Excerpts]:
        """Read what goes with notices of the events; nothing where the disk hangs."""
        wanted = [Wanted(event, self._sizes(event)) for event in events]
        asked = [one for one in wanted if one.sizes]
        found: Sequence[Excerpts] = []
        # An earlier batch still hangs in there: do not wait behind it.
        if asked and not self._reader.borrowed_tokens:
            with trio.move_on_after(TIMEOUT):
                found = await in_thread(
                    _READ, read_excerpts, self._log_dir, asked, limiter=self._reader
                )
        by_event = {id(one.event): its for one, its in zip(asked, found, strict=False)}
        return [by_event.get(id(event), {}) for event in events]

    def _sizes(self, event: Event) -> frozenset[int]:
        """Return how many lines those receivers want that an event will be sent to."""
        context, now = self._context(event), trio.current_time()
        return frozenset(
            member.config.excerpt
            for member in self.members.values()
            if member.config.excerpt and member.watch.wants(event, context, now)
        )
