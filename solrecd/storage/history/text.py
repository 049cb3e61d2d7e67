"""The text lines of segments: time, mark, text, number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from solrecd.storage.formats.lines import LINE_MARK, MARK_POSITION, NOTE_MARK, line_mark
from solrecd.storage.history.files import Fault, Report, read_blocks
from solrecd.storage.history.segments import Segment

MAX_LINE = 64 * 1024
"""Bytes of a line that are kept; the recorder cuts at 8 KiB, a damaged file may not."""

_TEXT_POSITION = MARK_POSITION + 2


class TextLine(NamedTuple):
    """One line of a ``.log``."""

    time: str
    """The contract's text of its stamp; sorts as time does. Empty on a damaged line."""
    note: bool
    """A note of solrecd's, not console output."""
    text: str
    number: int = 0
    """1-based number of the console line in the boot; a note has the one before."""


def read_lines(segments: Sequence[Segment], report: Report) -> Iterator[TextLine]:
    """Yield the lines of one boot's segments; faults are reported and passed over."""
    number = 0
    for line in _whole_lines(segments, report):
        parsed = parse_line(line)
        number += not parsed.note
        yield parsed._replace(number=number)


def between(
    lines: Iterable[TextLine], since: str | None, until: str | None
) -> Iterator[TextLine]:
    """Yield the lines from one time to another; both the contract's text."""
    for line in lines:
        if since is not None and line.time < since:
            continue
        if until is not None and line.time >= until:
            return
        yield line


def parse_line(line: bytes) -> TextLine:
    """Return a line of a ``.log`` without its number; it need not be one of ours."""
    text, mark = line.decode("utf-8", "replace"), line_mark(line)
    if mark not in (LINE_MARK, NOTE_MARK):
        return TextLine("", note=False, text=text)
    note = mark == NOTE_MARK
    return TextLine(text[: MARK_POSITION - 1], note, text[_TEXT_POSITION:])


def _whole_lines(segments: Sequence[Segment], report: Report) -> Iterator[bytes]:
    for segment in segments:
        if "log" in segment.files:
            yield from _Lines(segment, report).read()
        else:
            path = next(segment.files.paths)
            report(Fault(path, 0, "its text (.log) is gone; log --raw has the bytes"))


class _Lines:
    """Cuts one log file into lines; a fault in the file ends the line it is in."""

    def __init__(self, segment: Segment, report: Report) -> None:
        self._path = segment.files["log"]
        self._report = report
        self._rest = b""
        self._broken = False

    def read(self) -> Iterator[bytes]:
        """Yield lines without their ends; the last one may be unfinished."""
        for block in read_blocks(self._path, self._note):
            if self._broken:
                yield from self._take_rest()
            *lines, self._rest = (self._rest + block).split(b"\n")
            yield from lines
            self._rest = self._rest[:MAX_LINE]
        yield from self._take_rest()

    def _note(self, fault: Fault) -> None:
        self._broken = True
        self._report(fault)

    def _take_rest(self) -> Iterator[bytes]:
        rest, self._rest = self._rest, b""
        self._broken = False
        if rest:
            yield rest
