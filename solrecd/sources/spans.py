"""How people say how long something took."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


def ago(microseconds: int) -> str:
    """Return a duration in the largest unit of which it is at least two."""
    seconds = max(microseconds // 1_000_000, 0)
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
