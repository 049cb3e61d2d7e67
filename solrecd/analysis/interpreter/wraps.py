"""Lines that a firmware's terminal broke at its last column. Pure.

BIOS and UEFI redirect a screen of 80 columns. What is longer goes on in the next row,
and the reason of a failure stands at the end of such lines. A row that is full may be
full by chance: what two of them say together counts only where neither says anything
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from solrecd.analysis.boot.detector import Marker

COLUMNS: Final = 80

ROWS: Final = 8
"""Rows that are put together at most."""


class Wraps:
    """Finds the markers that only broken lines have when they are put together.

    Args:
        scan: finds the markers in lines, in order.
    """

    __slots__ = ("_before", "_scan", "_was_marked")

    def __init__(self, scan: Callable[[Sequence[str]], Iterator[Marker]]) -> None:
        self._scan = scan
        # A full row at the end of what was looked at, with those before it, and
        # whether it said something alone.
        self._before = ""
        self._was_marked = False

    def scan(self, texts: Sequence[str]) -> Iterable[Marker]:
        """Return the markers in rows, in order."""
        if not self._before and COLUMNS not in map(len, texts):
            return self._scan(texts)
        markers = list(self._scan(texts))
        marked = {marker.line for marker in markers}
        marked |= {-1} if self._was_marked else set()
        for index, text in self._joined(texts).items():
            if index not in marked and index - 1 not in marked:
                markers += [m._replace(line=index) for m in self._scan([text])]
        self._was_marked = len(texts) - 1 in marked
        return sorted(markers, key=lambda marker: marker.line)

    def _joined(self, texts: Sequence[str]) -> Mapping[int, str]:
        """Return rows with those before them that they go on from, by index."""
        joined = {}
        before, self._before = self._before, ""
        if before and texts[0]:
            joined[0] = before + texts[0]
        for index in _full(texts):
            so_far = joined.get(index, texts[index])
            if len(so_far) > ROWS * COLUMNS:
                continue
            if index + 1 == len(texts):
                self._before = so_far
            elif texts[index + 1]:
                joined[index + 1] = so_far + texts[index + 1]
        return joined


def _full(texts: Sequence[str]) -> Iterator[int]:
    """Yield the indexes of rows that may go on in the next one.

    Kernels do not break lines, and the rows of a menu are filled with blanks.
    """
    for index, size in enumerate(map(len, texts)):
        if size != COLUMNS:
            continue
        if texts[index][0] not in "[<" and not texts[index].endswith("  "):
            yield index
