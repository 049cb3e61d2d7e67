"""Console output without the cursor: what was printed, in the order it was. Pure.

What is left of output that is too dense to follow (see `density`): control sequences
are removed with all that they meant, and so are CR, backspace and NUL. All of it is
done to many bytes at once.
"""

from __future__ import annotations

import re
from typing import Final

from solrecd.analysis.text.visible import without_controls

# Unlike the tokens of `assembler`, a sequence need not be complete: whatever begins
# with ESC costs one match. Printable ASCII alone, so that bytes count like characters.
_SEQUENCE: Final = re.compile(
    r"""
      \x1b+
      (?: \[ [0-?]{0,32} [ -/]{0,4} [@-~]?
        | [\]P^_X] [ -~]{0,256} (?:\x07|\x1b\\)?
        | [ -/]{0,2} [0-~]? )
    """,
    re.VERBOSE,
)

_UNFINISHED: Final = re.compile(
    rb"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}|[\]P^_X][ -~]{0,256}|[ -/]{0,2})\Z"
)

_ROW_ENDS: Final = bytes.maketrans(b"\x0b\x0c", b"\n\n")
_DROPPED: Final = "\x00\x08\r\x0e\x0f"

LONGEST_TOKEN: Final = 300
"""Bytes that `unfinished` may hold back, at most."""

# The start of a UTF-8 character whose rest may still come.
CUT_UTF8: Final = re.compile(
    rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)


def unfinished(data: bytes) -> int:
    """Return where a token begins whose rest may still come; the end without one."""
    found = _UNFINISHED.match(data, max(data.rfind(b"\x1b"), 0))
    found = found or CUT_UTF8.search(data, max(len(data) - 3, 0))
    return len(data) if found is None else found.start()


def row_sizes(data: bytes) -> list[int]:
    """Return how many bytes each row is made of: LF, VT and FF end one."""
    return [*map(len, data.translate(_ROW_ENDS).split(b"\n"))]


def stripped_rows(data: bytes) -> list[str]:
    """Return what bytes print, row by row.

    Control characters that steer nothing are written out, a tab is a space. What else
    cannot be seen is left out: hostile bytes have a hundred thousand kinds of it.
    """
    text = data.translate(_ROW_ENDS).decode("utf-8", "replace")
    if "\x1b" in text:
        text = _SEQUENCE.sub("", text)
    for dropped in _DROPPED:
        text = text.replace(dropped, "")
    return [
        row
        if row.isascii() or row.isprintable()
        else "".join(filter(str.isprintable, row))
        for row in without_controls(text.replace("\t", " ")).split("\n")
    ]
