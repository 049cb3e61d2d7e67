"""The text of a ``.log``: stamp, mark, what the console printed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from solrecd.process.stamps import SECOND, format_stamp, parse_stamp

if TYPE_CHECKING:
    from solrecd.events.lines import Line

LINE_MARK = ord("|")
NOTE_MARK = ord("#")
MARK_POSITION = 28
"""Index of the mark in a text line, behind the stamp and a space."""

_NOTE = b"Z %c " % NOTE_MARK
"""What every note has behind its stamp, and hardly any output."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class TextFormat:
    """Formats text lines; one per writer, because it remembers the last second.

    Consecutive lines mostly share it, and `format_stamp` costs five times as much.
    """

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def stamp(self, at: int) -> str:
        """Return what `format_stamp` returns."""
        second, micro = divmod(at, SECOND)
        if second != self._second:
            self._turn(second)
        return f"{self._prefix}{micro:06d}Z"

    def unfinished(self, line: Line) -> bytes:
        """Return a line of console output without its end."""
        return f"{self.stamp(line.at)} | {line.text}".encode(
            "utf-8", "backslashreplace"
        )

    def lines(self, lines: Iterable[Line]) -> bytes:
        """Return lines of console output; `stamp` written out, for it runs per line."""
        done = []
        for at, _, text in lines:
            second, micro = divmod(at, SECOND)
            if second != self._second:
                self._turn(second)
            done.append(f"{self._prefix}{micro:06d}Z | {text}\n")
        return "".join(done).encode("utf-8", "backslashreplace")

    def _turn(self, second: int) -> None:
        self._prefix = format_stamp(second * SECOND)[:20]
        self._second = second

    def note(self, at: int, text: str) -> bytes:
        r"""Return a note as one line; control characters become ``\xNN``."""
        clean = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
        return f"{self.stamp(at)} # {clean}\n".encode("utf-8", "backslashreplace")


def whole_lines(log: bytes) -> list[bytes]:
    """Return the lines of a log that are ended, without their ends."""
    return log.split(b"\n")[:-1]


def line_mark(line: bytes) -> int:
    """Return `LINE_MARK` or `NOTE_MARK`; 0 for a line that is none of ours."""
    return line[MARK_POSITION] if len(line) > MARK_POSITION else 0


def line_stamp(line: bytes) -> int:
    """Return a text line's stamp; 0 where it has none."""
    try:
        return parse_stamp(line[: MARK_POSITION - 1].decode("ascii", "replace"))
    except ValueError:
        return 0


def count_output(text: bytes) -> int:
    """Return how many whole lines of a log's text are console output, not notes."""
    notes = 0
    if _NOTE in text:
        lines = text.split(b"\n")[:-1]
        notes = sum(line_mark(line) == NOTE_MARK for line in lines)
    return text.count(b"\n") - notes
