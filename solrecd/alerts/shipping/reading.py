"""What a console's text segments hold behind a position.

The recorder rewrites the end of an open segment while its last line has no end: the
line, and the notes behind it, may still change. Such a loose end is given out only once
it has rested (`REST`); its lines are remembered by their digests, so that afterwards
only what became different is given out again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from solrecd.process.plain_files import open_plain
from solrecd.storage.formats.lines import NOTE_MARK, line_mark, line_stamp
from solrecd.storage.formats.names import parse_stem
from solrecd.storage.formats.seektable import read_seek_table
from solrecd.storage.history.files import Fault, read_blocks
from solrecd.storage.history.segments import Archive, NoArchiveError, Segment
from solrecd.storage.history.text import MAX_LINE, parse_line

REST = 2.0
"""Seconds without a change after which a loose end is given out: the interpreter looks
at what came after 0.2 s, and the archive is written 0.25 s later."""

_REPEATS = 999
"""Entries of one microsecond that get a nanosecond of their own: Loki takes the same
text at the same time for one entry. A packet has at most 255 lines."""


class Position(NamedTuple):
    """How far a console was read."""

    segment: str = ""
    """Stem of the segment; empty: before the first."""
    offset: int = 0
    """Bytes of its text, decompressed."""
    stamp: int = 0
    """Of the last entry."""
    repeats: int = 0
    """Entries before that one with the same stamp."""
    loose: tuple[str, ...] = ()
    """Digests of lines behind `offset` that were given out already."""


class Entry(NamedTuple):
    """One line, as Loki gets it."""

    ns: int
    """Nanoseconds since 1970."""
    text: str
    boot: int
    is_note: bool


class Piece(NamedTuple):
    """What was read, and where to go on once it has been taken."""

    entries: list[Entry]
    position: Position


class Reader:
    """Reads the text of consoles; blocks, so it belongs into a thread.

    Args:
        archive: the folder of all consoles.
    """

    def __init__(self, archive: Path) -> None:
        self._archive = Archive(archive)
        self._folder = archive

    def change(self, console: str) -> tuple[int, int, int, int] | None:
        """Return what differs when a console's text has changed; None without any."""
        try:
            found = (self._folder / console / "current.log").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def newest(self, console: str) -> Position:
        """Return the beginning of a console's newest segment."""
        segments = self._segments(console)
        return Position(segments[-1].stem) if segments else Position()

    def read(self, console: str, start: Position, limit: int, now: float) -> Piece:
        """Return at most about ``limit`` bytes of entries.

        Args:
            console: whose.
            start: where to begin.
            limit: bytes of text, at least a line.
            now: Unix time.
        """
        segments = self._segments(console)
        begin = parse_stem(start.segment)
        entries: list[Entry] = []
        position = start
        for segment in segments:
            if begin is not None and segment.name < begin:
                continue
            if segment.stem != position.segment:
                position = position._replace(segment=segment.stem, offset=0, loose=())
            is_open = segment is segments[-1]
            lines, position, ended = _lines(
                segment, position, limit, now, is_open=is_open
            )
            limit -= sum(map(len, lines))
            for line in lines:
                entry, position = _entry(line, segment.name.boot, position)
                entries.append(entry)
            if not ended or limit <= 0:
                break
        return Piece(entries, position)

    def _segments(self, console: str) -> Sequence[Segment]:
        try:
            return [it for it in self._archive.segments(console) if "log" in it.files]
        except NoArchiveError:
            return ()


def _lines(
    segment: Segment, start: Position, limit: int, now: float, *, is_open: bool
) -> tuple[list[bytes], Position, bool]:
    """Return lines of a segment, where to go on, and whether it has no more."""
    wanted = limit + MAX_LINE
    try:
        rested = now - segment.files["log"].stat().st_mtime >= REST
        data = _text(segment.files["log"], start.offset, wanted)
    except OSError:
        # The recorder has just compressed or removed it: the next look finds out.
        return [], start, False
    *lines, rest = data.split(b"\n")
    at_end = len(data) < wanted
    known = Counter(start.loose)
    if at_end and not is_open:
        lines += [rest] if rest else []
        end = start._replace(offset=start.offset + len(data), loose=())
        return _fresh(lines, known), end, True
    if not at_end and not lines:
        # No line of ours is that long: damage. It is passed on as it is.
        return [rest], start._replace(offset=start.offset + len(rest)), False
    count = len(lines) - (_count_loose(lines) if at_end else 0)
    solid, loose = lines[:count], lines[count:]
    fresh = _fresh(solid, known)
    if rested:
        fresh += _fresh(loose, known)
        known = Counter(map(_digest, loose))
    size = sum(map(len, solid)) + len(solid)
    position = start._replace(offset=start.offset + size, loose=tuple(known.elements()))
    return fresh, position, False


def _count_loose(lines: Sequence[bytes]) -> int:
    """Return how many lines at the end may still change: notes, and the line before."""
    notes = 0
    while notes < len(lines) and line_mark(lines[-1 - notes]) == NOTE_MARK:
        notes += 1
    return min(len(lines), notes + 1) if notes else 0


def _fresh(lines: Iterable[bytes], known: Counter[str]) -> list[bytes]:
    """Return lines without those that were given out, which are taken off ``known``."""
    fresh = []
    for line in lines:
        digest = _digest(line) if known.total() else ""
        if known.get(digest, 0) > 0:
            known[digest] -= 1
        else:
            fresh.append(line)
    return fresh


def _digest(line: bytes) -> str:
    return hashlib.blake2b(line, digest_size=8).hexdigest()


def _entry(line: bytes, boot: int, position: Position) -> tuple[Entry, Position]:
    parsed = parse_line(line)
    stamp = line_stamp(line) or position.stamp
    repeats = position.repeats + 1 if stamp == position.stamp else 0
    ns = stamp * 1000 + min(repeats, _REPEATS)
    entry = Entry(ns, parsed.text, boot, parsed.note)
    return entry, position._replace(stamp=stamp, repeats=repeats)


def _text(path: Path, offset: int, size: int) -> bytes:
    """Return text of a segment from an offset, be it compressed or not.

    Raises:
        OSError: the file is not there any more.
    """
    if path.suffix != ".zst":
        with open_plain(path) as file:
            file.seek(offset)
            return file.read(size)
    start, skip = _frame(path, offset)
    return _taken(read_blocks(path, _ignore, start), skip, size)


def _frame(path: Path, offset: int) -> tuple[int, int]:
    """Return where the frame with an offset begins, and how far into it that is."""
    start = 0
    with open_plain(path) as file:
        try:
            frames = read_seek_table(file)
        except ValueError:
            return 0, offset
    for frame in frames:
        if frame.size > offset:
            break
        offset -= frame.size
        start += frame.compressed
    return start, offset


def _taken(blocks: Iterator[bytes], skip: int, size: int) -> bytes:
    found = bytearray()
    for block in blocks:
        found += block
        if len(found) >= skip + size:
            break
    return bytes(found[skip : skip + size])


def _ignore(_fault: Fault) -> None:
    """Problems of reading are reported by the archive's own readers."""
