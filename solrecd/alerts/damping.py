"""Holds back repeats of an alert, and counts them for the next notice of it.

A console's output is hostile: a machine may print a thousand different crashes a
minute, each with a signature of its own. So not only repeats are held back: a console
may have notices of `DIFFERENT` alerts in a window, and those beyond are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from solrecd.alerts.alert import AlertKey

DIFFERENT = 16
"""Different alerts that one console may have sent in one window."""


@dataclass(slots=True)
class _Mark:
    """When an alert was sent last, and how many were held back since."""

    sent: float
    held: int = 0


@dataclass(slots=True)
class _DampedConsole:
    marks: dict[AlertKey, _Mark] = field(default_factory=dict)
    beyond: int = 0
    """Held back because the console had `DIFFERENT` alerts already."""


class Damper:
    """Decides what is sent now and what is held back.

    Args:
        window: seconds; 0: nothing is held back but what is beyond `DIFFERENT`.
    """

    def __init__(self, window: float) -> None:
        self.window = window
        self._consoles: dict[str, _DampedConsole] = {}

    def admits(self, key: AlertKey, now: float) -> bool:
        """Whether it would be sent now."""
        console = self._consoles.get(key.console)
        return console is None or self._admits(console, key, now)

    def take(self, key: AlertKey, now: float) -> int | None:
        """Send or hold back; return how many were held back before, None when it is."""
        console = self._consoles.setdefault(key.console, _DampedConsole())
        if not self._admits(console, key, now):
            self._hold(console, key)
            return None
        mark = console.marks.pop(key, None)
        held = (mark.held if mark else 0) + console.beyond
        console.beyond = 0
        self._make_room(console, now)
        console.marks[key] = _Mark(now)
        return held

    def note_sent(self, key: AlertKey, now: float) -> None:
        """Note that an earlier daemon has sent it."""
        self._consoles.setdefault(key.console, _DampedConsole()).marks[key] = _Mark(now)

    def due(self, key: AlertKey) -> float:
        """Return when it may be sent again."""
        console = self._consoles.get(key.console)
        if console is None:
            return 0.0
        mark = console.marks.get(key)
        if mark is not None:
            return mark.sent + self.window
        if len(console.marks) < DIFFERENT:
            return 0.0
        return min(one.sent for one in console.marks.values()) + self._interval

    def forget(self, console: str) -> None:
        """Drop what is known of a console that was removed."""
        self._consoles.pop(console, None)

    @property
    def _interval(self) -> float:
        """Seconds until another different thing may take a mark's place."""
        return max(self.window, 1.0)

    def _admits(self, console: _DampedConsole, key: AlertKey, now: float) -> bool:
        mark = console.marks.get(key)
        if mark is not None:
            return now >= mark.sent + self.window
        if len(console.marks) < DIFFERENT:
            return True
        return now >= min(m.sent for m in console.marks.values()) + self._interval

    @staticmethod
    def _hold(console: _DampedConsole, key: AlertKey) -> None:
        mark = console.marks.get(key)
        if mark is not None:
            mark.held += 1
        else:
            console.beyond += 1

    def _make_room(self, console: _DampedConsole, now: float) -> None:
        """Forget old marks; what was held back of them still counts."""
        for key, mark in list(console.marks.items()):
            is_old = now >= mark.sent + self._interval
            if is_old and (not mark.held or len(console.marks) >= DIFFERENT):
                console.beyond += mark.held
                del console.marks[key]
