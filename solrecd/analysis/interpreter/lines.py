"""Numbers of lines, and lines that were cut at their limit. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from solrecd.analysis.text import LINE_LIMIT
from solrecd.events.lines import Line, Lines

OVERLAP: Final = 256
"""Characters of a line cut at its limit that are looked at again with the next one,
so that a marker across the cut is seen."""


class LineCount:
    """Counts the lines of a boot.

    Indexes are those of the reading that `turn` began; the unfinished line after it
    has the index `size`.

    Args:
        locate: maps a stream offset to a line number; for input that has line numbers
            of its own.
    """

    __slots__ = ("_before", "_before_all", "_locate", "size")

    def __init__(self, locate: Callable[[int], int] | None = None) -> None:
        self._locate = locate
        # Lines before the reading: of this boot, negative when it began within the
        # reading, and of all boots.
        self._before = 0
        self._before_all = 0
        self.size = 0
        """Lines of the reading."""

    def turn(self, size: int) -> None:
        """Go on to a reading of so many lines."""
        self._before += self.size
        self._before_all += self.size
        self.size = size

    def cut(self, index: int) -> None:
        """Begin a boot with a line."""
        self._before = -index

    def number(self, index: int, line: Line) -> int:
        """Return the 1-based number of a line."""
        if self._locate is not None:
            return self._locate(line.offset)
        return self._before + index + 1

    def absolute(self, index: int) -> int:
        """Return how many lines, of all boots, were before this one."""
        return self._before_all + index


class Overlap:
    """Repeats the end of each cut line before its rest."""

    __slots__ = ("_carry",)

    def __init__(self) -> None:
        self._carry = ""

    def texts(self, lines: Lines) -> list[str]:
        """Return the texts to look at, one for each of the lines (at least one)."""
        carry, self._carry = self._carry, ""
        if not carry and max(map(len, lines.texts)) < LINE_LIMIT:
            return lines.texts
        texts = lines.texts.copy()
        texts[0] = carry + texts[0]
        for index, text in enumerate(lines.texts):
            if len(text) < LINE_LIMIT:
                continue
            end = text[-OVERLAP:]
            if index + 1 < len(texts):
                texts[index + 1] = end + texts[index + 1]
            else:
                self._carry = end
        return texts
