"""What an earlier daemon left in a console's folder, and how to go on from it.

``.raw`` is the truth. What a kill -9 (or a power cut) left undone behind it is made
good from the journal and from a replay by the interpreter; nothing is written here,
so that a start succeeds on a full disk: what is to be cut off or appended becomes
part of the recovered segment, and the writer thread's business.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from solrecd.events.lines import Chunk
from solrecd.process.plain_files import open_plain, set_aside
from solrecd.storage.archive.files import FileSystem
from solrecd.storage.archive.recovery_line import cut_chunks, read_earlier
from solrecd.storage.archive.segment import Segment
from solrecd.storage.formats.lines import (
    LINE_MARK,
    MARK_POSITION,
    NOTE_MARK,
    TextFormat,
    line_mark,
    line_stamp,
    whole_lines,
)
from solrecd.storage.formats.names import SegmentFile, SegmentName, parse_file_name
from solrecd.storage.formats.recovered import JournalNote, Recovered
from solrecd.storage.formats.seektable import read_seek_table
from solrecd.storage.formats.timing import (
    Packet,
    Timing,
    TimingHeader,
    TimingMark,
    encode_packets,
)

TIMING_TAIL = 12 * 1024
"""Bytes read from a timing file's end; normally there are several marks in it."""

_HEADER_SIZE = 4096
"""Bytes at a timing file's begin that hold its header."""

_MARK = b"\nH 0.000000 SOLRECD_MARK "


@dataclass(slots=True)
class Folder:
    """What lies in a console's folder."""

    open: SegmentName | None = None
    """The newest segment, when it was not closed."""
    last: SegmentName | None = None
    """The newest segment."""
    unfinished: list[SegmentName] = field(default_factory=list)
    """Older ones with files that still have to be compressed."""
    aside: list[Path] = field(default_factory=list)
    """What lay there under the name of a file of ours and was none, renamed."""


def look_into(folder: Path) -> Folder:
    """List a console's segments; set aside what is not a file. None is an empty folder.

    Raises:
        OSError: it cannot be read.
    """
    plain: set[SegmentName] = set()
    closed: set[SegmentName] = set()
    aside: list[Path] = []
    for file in _segment_files(folder, aside):
        (closed if file.closed else plain).add(file.segment)
    last = max(plain | closed, default=None)
    while last in plain - closed and not _is_begun(folder, last):
        # Left alone: the same cut will soon begin it again, under the same name.
        plain.remove(last)
        last = max(plain | closed, default=None)
    is_open = last is not None and last not in closed
    unfinished = sorted(plain - {last}) if is_open else sorted(plain)
    return Folder(last if is_open else None, last, unfinished, aside)


def _segment_files(folder: Path, aside: list[Path]) -> Iterator[SegmentFile]:
    """Yield a folder's files by their names; set aside what is there and no file.

    Args:
        folder: of a console.
        aside: gets what was set aside.

    Raises:
        OSError: it cannot be read.
    """
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        aside.append(set_aside(folder))
        return
    with entries:
        for entry in entries:
            file = parse_file_name(entry.name)
            if file is None:
                continue
            if entry.is_file() or not Path(entry.path).exists():
                yield file
            else:
                aside.append(set_aside(Path(entry.path)))


def _is_begun(folder: Path, name: SegmentName) -> bool:
    """Whether a segment got as far as its header; else its predecessor goes on."""
    head = Timing.parse(_read(folder / name.file("timing"), 0, _HEADER_SIZE))
    return head.header is not None or _size(folder / name.file("raw")) > 0


def end_of_closed(folder: Path, name: SegmentName) -> int:
    """Return the stream offset behind a compressed segment; 0 when it cannot be read.

    Normally a newer, open segment is there to tell; not when someone removed it.
    """
    try:
        with open_plain(folder / name.file("timing", closed=True)) as file:
            head = zstandard.ZstdDecompressor().stream_reader(file).read(_HEADER_SIZE)
        with open_plain(folder / name.file("raw", closed=True)) as file:
            frames = read_seek_table(file)
    except (OSError, ValueError, zstandard.ZstdError):
        return 0
    header = Timing.parse(head).header
    return 0 if header is None else header.offset + sum(f.size for f in frames)


@dataclass(slots=True)
class Restored:
    """An open segment, ready to go on."""

    segment: Segment
    chunks: list[Chunk]
    """The bytes behind the last mark: what the interpreter has to see again."""
    offset: int
    """Stream offset of the first of them."""
    skip: int
    """Lines of their replay that the log already holds."""
    last_line: bytes
    """The line of the log behind them, cut off: a replay normally brings it again."""
    notes: list[JournalNote]
    """Notes that stand behind the first line that it does not; without offsets."""
    torn: int
    """Bytes that the timing tells of and the raw file does not have."""


def restore(
    files: FileSystem,
    folder: Path,
    name: SegmentName,
    journal: Recovered,
    text: TextFormat,
) -> Restored:
    """Make an open segment whole again.

    Args:
        files: for the segment.
        folder: of the console.
        name: of the open segment.
        text: for the segment.
        journal: what the journal holds of this console; it knows stamps that did not
            get into the timing.

    Raises:
        OSError: a file cannot be read.
    """
    size = _size(folder / name.file("raw"))
    timing = _read_timing(folder / name.file("timing"))
    header = timing.parsed.header or _guess_header(name, journal, size)
    segment = Segment(files, folder, name, header.offset, noted=header.noted, text=text)
    segment.raw.size = size
    segment.end = segment.confirmed = header.offset + size
    torn = max(0, timing.parsed.offset - segment.end)
    packets = _complete_timing(segment, timing, header, journal)
    log = folder / name.file("log")
    mark = _find_mark(timing, header, log)
    offset, chunks = _read_bytes(folder, name, header, mark.line_offset, packets)
    is_cut = offset > mark.line_offset
    skip, last, notes = _read_log(segment, mark, log, is_cut=is_cut)
    return Restored(segment, chunks, offset, skip, last, notes, torn)


@dataclass(slots=True)
class _TimingFile:
    """The end of a timing file."""

    parsed: Timing
    before: int
    """Bytes of the file before the text that was parsed."""


def _read_timing(path: Path) -> _TimingFile:
    """Read the header and the end of a timing file."""
    size = _size(path)
    start = max(0, size - TIMING_TAIL)
    text = _read(path, start)
    if start:
        mark = text.find(_MARK) + 1
        # Where no mark is, the text begins anywhere, also in the midst of the header.
        parsed = Timing.parse(text[mark:] if mark else b"")
        head = Timing.parse(_read(path, 0, _HEADER_SIZE))
        if mark and parsed.marks and head.header:
            parsed.header = head.header
            return _TimingFile(parsed, start + mark)
        text = _read(path, 0)
    return _TimingFile(Timing.parse(text), 0)


def _guess_header(name: SegmentName, journal: Recovered, size: int) -> TimingHeader:
    """Replace a header that is gone: the raw file then ends where the journal begins.

    That may repeat what was written last; it cannot lose anything.
    """
    offset = max(0, journal.offset - size) if journal.chunks else 0
    return TimingHeader(name.started, offset, 0)


def _complete_timing(
    segment: Segment, file: _TimingFile, header: TimingHeader, journal: Recovered
) -> list[Packet]:
    """Make the timing end where the raw file ends; return its packets."""
    timing, end = file.parsed, segment.end
    packets = timing.packets
    size = timing.size
    if timing.header is None:
        segment.begin()
        size = 0
    while packets and packets[-1].offset + packets[-1].size > end:
        size = packets.pop().position
    segment.timing.size = file.before + size
    timing.marks = [mark for mark in timing.marks if mark.offset <= end]
    known = _behind(packets, timing.marks, header)
    segment.stamp = known.at
    missing = _missing_packets(known, end, journal)
    lines, segment.stamp = encode_packets(
        [Chunk(packet.at, bytes(packet.size)) for packet in missing], segment.stamp
    )
    segment.timing.add(lines)
    return packets + missing


def _behind(
    packets: list[Packet], marks: list[TimingMark], header: TimingHeader
) -> Packet:
    """Return the place behind the last packet that is in the timing."""
    place = Packet(header.offset, 0, header.started, 0)
    if marks:
        place = Packet(marks[-1].offset, 0, marks[-1].at, 0)
    if packets and packets[-1].offset + packets[-1].size >= place.offset:
        last = packets[-1]
        place = Packet(last.offset + last.size, 0, last.at, 0)
    return place


def _missing_packets(known: Packet, end: int, journal: Recovered) -> list[Packet]:
    """Return packets for raw bytes that the timing does not have.

    Their stamps come from the journal; where it has none they keep the last one.
    """
    packets = []
    offset, at = known.offset, known.at
    for place, chunk in journal.placed():
        start, stop = max(place, offset), min(place + len(chunk.data), end)
        if start > offset and offset < stop:
            packets.append(Packet(offset, min(start, end) - offset, at, 0))
            offset = min(start, end)
        if offset < stop:
            at = chunk.at
            packets.append(Packet(offset, stop - offset, at, 0))
            offset = stop
    if offset < end:
        packets.append(Packet(offset, end - offset, at, 0))
    return packets


def _find_mark(timing: _TimingFile, header: TimingHeader, log: Path) -> TimingMark:
    """Return the last place to start reading from that the log confirms."""
    size = _size(log)
    for mark in reversed(timing.parsed.marks):
        if mark.log_size <= size and _is_line_end(log, mark.log_size):
            return mark
    begun = header.offset if header.begun is None else header.begun
    return TimingMark(header.offset, header.started, begun, 0, header.noted)


def _read_log(
    segment: Segment, mark: TimingMark, path: Path, *, is_cut: bool
) -> tuple[int, bytes, list[JournalNote]]:
    """Keep whole lines of the log from a mark on.

    Returns:
        How many lines of a replay it has, the line behind these, and the notes behind
        that one.
    """
    lines = whole_lines(_read(path, mark.log_size))
    keep = _settled(lines, is_cut=is_cut)
    # Those behind may be written into the next part.
    notes = [line for line in lines[:keep] if line_mark(line) == NOTE_MARK]
    segment.noted = line_stamp(notes[-1]) if notes else mark.noted
    segment.log.size = mark.log_size + sum(len(line) + 1 for line in lines[:keep])
    skip = sum(1 for line in lines[:keep] if line_mark(line) == LINE_MARK)
    last = b"".join(line + b"\n" for line in lines[keep : keep + 1])
    return skip, last, [_parse_note(line) for line in lines[keep + 1 :]]


def _settled(lines: list[bytes], *, is_cut: bool) -> int:
    """Return how many lines are certain to stay as they are.

    The last line of output is written again, with the notes behind it: it may have
    been unfinished, and ended only to make room for them. Not so a first line whose
    begin is gone with the segment before: a replay would bring less of it.
    """
    output = [n for n, line in enumerate(lines) if line_mark(line) == LINE_MARK]
    if not output or (is_cut and len(output) == 1):
        return len(lines)
    return output[-1]


def _parse_note(line: bytes) -> JournalNote:
    text = line[MARK_POSITION + 2 :].decode("utf-8", "replace")
    return JournalNote(0, line_stamp(line), text)


def _is_line_end(path: Path, position: int) -> bool:
    return position == 0 or _read(path, position - 1, 1) == b"\n"


def _read_bytes(
    folder: Path,
    name: SegmentName,
    header: TimingHeader,
    begin: int,
    packets: list[Packet],
) -> tuple[int, list[Chunk]]:
    """Read the bytes from a stream offset on, also from the segments before.

    Returns:
        The stream offset of the first, the segment's own where earlier ones are gone;
        and the bytes with the packets' stamps.
    """
    earlier = []
    if begin < header.offset:
        earlier = read_earlier(folder, name, begin, header.offset)
    own = max(begin, header.offset)
    data = _read(folder / name.file("raw"), own - header.offset)
    return begin if earlier else own, earlier + cut_chunks(data, packets, own)


def pending_chunks(journal: Recovered, end: int) -> list[Chunk]:
    """Return what the journal holds beyond the archive's end."""
    pending: list[Chunk] = []
    for place, chunk in journal.placed():
        known = max(0, end - place)
        if known < len(chunk.data):
            pending.append(Chunk(chunk.at, chunk.data[known:]) if known else chunk)
    return pending


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, position: int, size: int = -1) -> bytes:
    try:
        with open_plain(path) as file:
            file.seek(position)
            return file.read(size)
    except FileNotFoundError:
        return b""
