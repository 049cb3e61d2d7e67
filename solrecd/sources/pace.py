"""How often a source looks at a console that prints. Pure."""

from __future__ import annotations

from typing import Final

COLLECT: Final = 0.03
"""Seconds between two looks while output comes: a machine prints byte by byte, and each
look costs more than its bytes. The first byte after a silence is not kept waiting."""

FLOOD: Final = 0.004
"""Seconds between two looks while there is always more than one takes: 1 MB/s leave
the neighbours their time, and hold up the machine that prints faster."""

LONGEST: Final = 0.12
"""Seconds between two looks at most, at a console that goes on printing: a serial line
of 115200 baud fills a third of what one look takes, for a quarter of the looks."""

ROOM_EVERY: Final = 0.05
"""Seconds between two looks whether the journal has room again."""


class Pace:
    """When to look at one console again.

    A console that goes on printing is looked at less and less often, so that each look
    finds more; one that prints more than a look takes is looked at more often. After a
    silence it begins anew: what answers a person who types is seen at once.

    Args:
        most: bytes that one look takes.
    """

    __slots__ = ("_few", "_little", "_many", "_pause")

    def __init__(self, most: int) -> None:
        self._little = most // 32
        self._few = most // 4
        self._many = most * 3 // 8
        self._pause = COLLECT

    def after(self, size: int) -> float:
        """Return seconds to the next look, after one that found so many bytes."""
        pause = self._pause
        if size >= self._many:
            self._pause = max(pause / 2, FLOOD)
        elif size < self._little:
            self._pause = pause = COLLECT
        elif size < self._few:
            self._pause = min(pause * 1.5, LONGEST)
        return pause if size < self._many else self._pause

    def silence(self) -> None:
        """Note that a look found nothing."""
        self._pause = COLLECT
