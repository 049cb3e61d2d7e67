"""The same thing on the same console is told once in a while, with what was held back.

A console's output is hostile: a machine may print a thousand different crashes a
minute, each with a signature of its own. So not only the same thing is held back: a
console has `DIFFERENT` things to tell in a window, and those beyond are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from solrecd.alerts.alert import Key

DIFFERENT = 16
"""Different things that one console may tell in one window."""


@dataclass(slots=True)
class _Mark:
    """When something was told last, and what was held back since."""

    told: float
    held: int = 0


@dataclass(slots=True)
class _DampedConsole:
    marks: dict[Key, _Mark] = field(default_factory=dict)
    beyond: int = 0
    """Held back because the console had so many different things to tell."""


class Damper:
    """Says what is told now and what is held back.

    Args:
        window: seconds; 0: nothing is held back but what is beyond `DIFFERENT`.
    """

    def __init__(self, window: float) -> None:
        self.window = window
        self._consoles: dict[str, _DampedConsole] = {}

    def admits(self, key: Key, now: float) -> bool:
        """Whether it would be told now."""
        console = self._consoles.get(key.console)
        return console is None or self._admits(console, key, now)

    def take(self, key: Key, now: float) -> int | None:
        """Tell or hold back; return how many were held back before, None when it is."""
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

    def told(self, key: Key, now: float) -> None:
        """Note that somebody else has told it, an earlier daemon."""
        self._consoles.setdefault(key.console, _DampedConsole()).marks[key] = _Mark(now)

    def due(self, key: Key) -> float:
        """Return when it may be told again."""
        console = self._consoles.get(key.console)
        if console is None:
            return 0.0
        mark = console.marks.get(key)
        if mark is not None:
            return mark.told + self.window
        if len(console.marks) < DIFFERENT:
            return 0.0
        return min(one.told for one in console.marks.values()) + self._interval

    def forget(self, console: str) -> None:
        """Drop what is known of a console that was removed."""
        self._consoles.pop(console, None)

    @property
    def _interval(self) -> float:
        """Seconds until another different thing may take a mark's place."""
        return max(self.window, 1.0)

    def _admits(self, console: _DampedConsole, key: Key, now: float) -> bool:
        mark = console.marks.get(key)
        if mark is not None:
            return now >= mark.told + self.window
        if len(console.marks) < DIFFERENT:
            return True
        return now >= min(m.told for m in console.marks.values()) + self._interval

    @staticmethod
    def _hold(console: _DampedConsole, key: Key) -> None:
        mark = console.marks.get(key)
        if mark is not None:
            mark.held += 1
        else:
            console.beyond += 1

    def _make_room(self, console: _DampedConsole, now: float) -> None:
        """Forget what is long told; what was held back of it counts on."""
        for key, mark in list(console.marks.items()):
            is_old = now >= mark.told + self._interval
            if is_old and (not mark.held or len(console.marks) >= DIFFERENT):
                console.beyond += mark.held
                del console.marks[key]
