"""How wide the columns of a table are on a terminal that is too narrow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Need(NamedTuple):
    """What a column would like to have, and what it can do with."""

    width: int
    """Characters of its longest cell."""
    least: int
    """Characters that it may be cut to; its width, if it must not be."""
    spare: int = 0
    """Columns are left out by this number, the highest first; 0: never."""


def fit(needs: Sequence[Need], room: int) -> list[int]:
    """Return the width of each column but the last; 0: the column is left out.

    First go the columns that can be spared, one by one, until the rest fits; then the
    widest of those that may be cut are. Where that is not enough, rows are longer than
    the terminal is wide.

    Args:
        needs: of all columns, each with the gap behind it; the last one has what the
            others leave.
        room: characters of a row.
    """
    *most, last = needs
    widths = [need.width for need in most]
    for place in sorted(range(len(most)), key=lambda each: -most[each].spare):
        if most[place].spare and sum(widths) + last.least > room:
            widths[place] = 0
    for _ in range(sum(widths) + last.least - room):
        wide = [n for n, need in enumerate(most) if widths[n] > need.least]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths
