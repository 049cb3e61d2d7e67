"""What a terminal would show after some bytes: pyte's screen, which no bytes can break.

For people who want to see a BIOS set-up or a boot menu as it stands. Nothing else
needs a whole screen, so only `emulator` knows pyte.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from solrecd.storage.history.files import Report, read_blocks
from solrecd.storage.history.segments import Segment

TAIL = 128 * 1024
"""Bytes before the end that make the screen: menus are redrawn within a few KiB, and
these take pyte 0.1 s."""

_ESCAPE = re.compile(r"(?=\x1b)")


class Cursor(NamedTuple):
    """A place on the screen, counted from 1 as terminals do."""

    row: int
    column: int


class Shown(NamedTuple):
    """A screen."""

    lines: list[str]
    """As many as it has rows, without blanks at their ends."""
    cursor: Cursor
    title: str
    """The window's, where one was set."""


def read_tail(segments: Sequence[Segment], size: int, report: Report) -> bytes:
    """Return the last bytes that a console printed.

    Args:
        segments: of the console in stream order.
        size: how many at most.
        report: told what could not be read.
    """
    pieces: deque[bytes] = deque()
    missing = size
    for segment in reversed(segments):
        path = segment.files.get("raw")
        if path is None or missing <= 0:
            continue
        found = b""
        for block in read_blocks(path, report):
            found = (found + block)[-missing:]
        pieces.appendleft(found)
        missing -= len(found)
    return b"".join(pieces)


def show(data: bytes, *, columns: int, rows: int) -> Shown:
    """Return what a terminal of that size shows after these bytes.

    Whatever the bytes are: an escape sequence that pyte stumbles over is left out.
    """
    # Imported here: the other commands about the past start without it.
    from solrecd.storage.history import emulator  # noqa: PLC0415

    screen = emulator.Screen(columns, rows)
    stream = emulator.Stream(screen)
    text = emulator.without_stray(data.decode("utf-8", "replace"))
    for piece in _ESCAPE.split(text):
        try:
            stream.feed(piece)
        except Exception:  # noqa: BLE001 - bytes of a console; its parser has ended
            stream = emulator.Stream(screen)
    lines = screen.rows()
    cursor = Cursor(screen.cursor.y + 1, screen.cursor.x + 1)
    return Shown(lines, cursor, screen.title)
