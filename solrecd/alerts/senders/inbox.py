"""Events of the consoles, until the task that handles them runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import structlog
import trio

from solrecd.events.boots import Boot
from solrecd.events.event import Event, Kind

SIZE: Final = 10_000
"""Events that may wait: 5 MB. A fleet of thousands may fail at once."""

_ALWAYS: Final = frozenset({Kind.SESSION})
"""Kinds that end alerts, whether a receiver selects them or not."""

log = structlog.get_logger()


class Inbox:
    """A bounded buffer: `offer` and `forget` never wait and never raise."""

    def __init__(self) -> None:
        self.wanted = trio.Event()
        """Set while something waits."""
        self.dropped = 0
        """Events that had to go, the oldest first."""
        self._kinds: frozenset[Kind] = frozenset()
        self._events: deque[Event] = deque()
        self._boots: dict[str, Boot] = {}
        self._removed: dict[str, None] = {}
        self._overflowing = False

    def listen_to(self, kinds: Iterable[Kind]) -> None:
        """Take events of these kinds only; of none: nothing at all."""
        chosen = frozenset(kinds)
        self._kinds = chosen | _ALWAYS if chosen else chosen

    def offer(self, events: Iterable[Event], boots: Iterable[Boot] = ()) -> None:
        """Take events, and what is known of boots: of a console the newest counts."""
        if not self._kinds:
            return
        for event in events:
            if event.kind in self._kinds:
                self._keep(event)
        for boot in boots:
            self._boots[boot.console] = boot
            self.wanted.set()

    def _keep(self, event: Event) -> None:
        if len(self._events) >= SIZE:
            self._events.popleft()
            self.dropped += 1
            if not self._overflowing:
                log.warning("alerts.overflow", waiting=SIZE)
            self._overflowing = True
        self._events.append(event)
        self.wanted.set()

    def forget(self, console: str) -> None:
        """Take note that a console was removed."""
        self._boots.pop(console, None)
        if self._kinds:
            self._removed[console] = None
            self.wanted.set()

    # For the task that empties it.

    def take_events(self, limit: int) -> list[Event]:
        """Remove and return the oldest events."""
        events = self._events
        return [events.popleft() for _ in range(min(limit, len(events)))]

    def take_rest(self) -> tuple[list[Boot], list[str]]:
        """Remove and return the boots, and the names of removed consoles."""
        boots, removed = list(self._boots.values()), list(self._removed)
        self._boots.clear()
        self._removed.clear()
        self._overflowing = False
        return boots, removed
