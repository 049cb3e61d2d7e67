"""The receivers as they are configured now, each with its watch and its sender."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
import trio

from solrecd.alerts import Alert, Moment, Notice, Phase, Watch
from solrecd.alerts.senders.sender import (
    RETRY_LAST,
    Health,
    Receipt,
    ReceiverStatistics,
    Sender,
    Tools,
)
from solrecd.alerts.senders.table import sender_for
from solrecd.config import ReceiverConfig

FINISH: Final = 3.0
"""Seconds that a sender has to keep what it must when the daemon stops."""

log = structlog.get_logger()


@dataclass(slots=True)
class Member:
    """A receiver."""

    config: ReceiverConfig
    watch: Watch
    sender: Sender
    before: Member | None = None
    """The one with the earlier configuration, until it has ended: it uses the files."""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    gone: trio.Event = field(default_factory=trio.Event)

    @classmethod
    def of(cls, config: ReceiverConfig, before: Member | None, tools: Tools) -> Member:
        """Return a receiver; the alerts of the one before it go on.

        Args:
            config: of the receiver.
            before: the one of this name until now; it stays where nothing changed.
            tools: of the machine.
        """
        if before is None:
            return cls(config, Watch(config), sender_for(config, tools))
        if before.config == config:
            return before
        before.watch.configure(config)
        member = cls(config, before.watch, sender_for(config, tools), before)
        member.sender.tally = before.sender.tally
        member.sender.follow(before.sender)
        member.sender.resume(member._notices(tools.wall_clock()))
        return member

    def restore(self, alerts: Iterable[Alert], moment: Moment) -> None:
        """Continue with alerts that an earlier daemon sent."""
        self.watch.restore(alerts, moment)
        self.sender.resume(self._notices(moment.at))

    def _notices(self, at: int) -> Iterable[Notice]:
        return [Notice(Phase.FIRING, alert, at) for alert in self.watch.firing]

    async def run(self) -> None:
        """Deliver until cancelled; neither a bug nor a missing file is raised."""
        if self.before is not None:
            await self.before.gone.wait()
            self.before = None
        try:
            with self.scope:
                await self._deliver()
        finally:
            self.gone.set()

    async def _deliver(self) -> None:
        health = Health(self.config.name, "")
        while True:
            try:
                await self.sender.run()
            except OSError as error:
                health.bad(str(error))
            except Exception:
                log.exception("alerts.crashed", receiver=self.config.name)
            await trio.sleep(RETRY_LAST)

    async def finish(self) -> None:
        """Have the sender store what must not be lost."""
        with trio.move_on_after(FINISH):
            await self.sender.finish()

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Send a notice at once, and return the result."""
        try:
            return await self.sender.test(notice)
        except OSError as error:
            return [Receipt(self.config.name, "", ok=False, answer=str(error))]

    def statistics(self) -> ReceiverStatistics:
        """Return its numbers."""
        tally = self.sender.tally
        return ReceiverStatistics(
            delivered=tally.delivered,
            failed=tally.failed,
            dropped=tally.dropped + self.watch.crowded_out,
            held_back=self.watch.held_back,
            waiting=self.sender.waiting,
            firing=len(self.watch),
            works=self.sender.works,
        )
