"""How long to wait before something that failed is tried once more; pure."""

from __future__ import annotations

from typing import Protocol


class Chance(Protocol):
    """What `Backoff` needs of a `random.Random`."""

    def uniform(self, a: float, b: float) -> float:
        """Return a number between two."""


class Backoff:
    """Seconds to wait between tries: doubling, capped, and half of each left to chance.

    Chance spreads out many that failed at the same time: they do not come back at the
    same time.

    Args:
        chance: of the jitter.
        first: the longest that the first wait may be, seconds.
        last: the longest that any wait may be.
    """

    def __init__(self, chance: Chance, first: float, last: float) -> None:
        self._chance = chance
        self._first = self._ceiling = first
        self._last = last

    def next(self) -> float:
        """Return the next wait and double the one after it."""
        wait = self._chance.uniform(self._ceiling / 2, self._ceiling)
        self._ceiling = min(self._ceiling * 2, self._last)
        return wait

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self._ceiling = self._first
