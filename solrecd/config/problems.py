"""Many mistakes in files, as people read them: a line each, and not all of a flood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MAX_SHOWN: Final = 50
"""Problems: one wrong line can concern thousands of consoles, a file of another kind
is wrong in each of its own; such a list is never read."""


def placed(file: str, line: int | None, *parts: str) -> str:
    """Return ``file:line: part: part``, without what is empty or not known."""
    place = file if line is None else f"{file}:{line}"
    return ": ".join(part for part in (place, *parts) if part)


def in_lines(problems: Sequence[object]) -> str:
    """Return a line for each problem; beyond `MAX_SHOWN` only how many there are."""
    shown = [str(problem) for problem in problems[:MAX_SHOWN]]
    hidden = len(problems) - len(shown)
    if hidden:
        shown.append(f"... and {hidden} more")
    return "\n".join(shown)
