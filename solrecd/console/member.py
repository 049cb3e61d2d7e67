"""A console of the set: what is recorded, the way to it, and what contains its bugs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from solrecd.console.console import Console
from solrecd.console.guard import ConsoleGuard
from solrecd.console.unopened import Unopened
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.sources.base import Source
from solrecd.sources.guard import Part


@dataclass(slots=True)
class Member:
    """A console of the set."""

    console: Console
    source: Source
    guard: ConsoleGuard
    opened_at: int
    """Stamp."""

    @property
    def state(self) -> SessionState:
        """Of its session."""
        return self.guard.call(
            Part.STATUS, lambda: self.console.session_state, SessionState.DOWN
        )

    def summary(self) -> dict[str, Any]:
        """Return the contract's ``ls`` object, however little can be told."""
        found = self.guard.call(Part.STATUS, self.console.summary, None)
        return found or self._unknown.summary()

    def details(self) -> dict[str, Any]:
        """Return the ``status`` object, however little can be told."""
        details = self.guard.call(Part.STATUS, self.console.details, None)
        source = self.guard.call(Part.STATUS, self.source.details, None)
        return (details or self._unknown.details()) | dict(source or {})

    @property
    def _unknown(self) -> Unopened:
        """What is told where a bug keeps the console from telling."""
        return Unopened(
            self.console.config, self.opened_at, self.guard.error or "unknown"
        )

    async def keep_open(self) -> None:
        """Keep the way to a console open; after a bug, again when it has rested."""
        guard = self.guard
        while True:
            with guard.containing(Part.SESSION):
                await self.source.run()
            lost = Lost(LostReason.CRASHED, "a bug in solrecd; see its log")
            pause = guard.pause(Part.SESSION)
            with guard.containing(Part.EVENTS):
                self.console.session_changed(SessionState.DOWN, lost, pause)
            await guard.rest(Part.SESSION)
