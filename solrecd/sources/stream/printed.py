"""What a program printed, as messages quote it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_LINE: Final = 200
"""Characters of a line in a message."""

ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-_])")
"""What moves the cursor and the like (ECMA-48 §5.4)."""
_LINE_ENDS: Final = re.compile(rb"[\r\n]+")


def lines(output: bytes) -> Sequence[str]:
    """Return output as lines that are safe to show; the last may be unfinished."""
    return [_shown(line) for line in _LINE_ENDS.split(ESCAPES.sub(b"", output))]


def last_line(output: bytes) -> str:
    """Return the last line that says something; safe to show."""
    return next((line[-_LINE:] for line in reversed(lines(output)) if line), "")


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace")
    return "".join(c if c.isprintable() else " " for c in text).strip()
