"""The bytes of a segment's first line that lie in the segments before it.

A part begins where the one before is full, and a boot's segment where bytes were
already written: in the midst of a line, as likely as not. The log has that line whole,
so a replay of it has to begin where the line does.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import zstandard

from solrecd.events.lines import Chunk
from solrecd.process.plain_files import open_plain
from solrecd.storage.formats.names import SegmentName, parse_file_name
from solrecd.storage.formats.timing import Packet, Timing
from solrecd.storage.formats.zstdblocks import MAX_WINDOW

EARLIER_SIZE = 1 << 20
"""Bytes before a segment that are read at most; the interpreter ends lines earlier."""


TIMING_SIZE = 64 << 20
"""Bytes of a timing that are read at most: what is longer tells of none of these."""


def read_earlier(folder: Path, name: SegmentName, begin: int, end: int) -> list[Chunk]:
    """Return the bytes between two stream offsets from the segments before one.

    Args:
        folder: of the console.
        name: the segment that begins at ``end``.
        begin: where its first line begins.
        end: where its bytes begin.

    Returns:
        All of them with their stamps; nothing when some are gone (retention, a gap).
    """
    if end - begin > EARLIER_SIZE:
        return []
    found: list[Chunk] = []
    for earlier in _segments_before(folder, name):
        if end <= begin:
            break
        try:
            start, chunks = _read_end(folder, earlier, begin, end)
        except (OSError, EOFError, ValueError, zstandard.ZstdError):
            return []
        found[:0] = chunks
        end = start
    return found if end <= begin else []


def _segments_before(folder: Path, name: SegmentName) -> list[SegmentName]:
    """Return the older segments, newest first."""
    files = [parse_file_name(path.name) for path in folder.iterdir()]
    segments = {file.segment for file in files if file is not None}
    return sorted((s for s in segments if s < name), reverse=True)


def _read_end(
    folder: Path, name: SegmentName, begin: int, end: int
) -> tuple[int, list[Chunk]]:
    """Return what one segment has of a range that ends with it, and from where on.

    Raises:
        OSError: a file cannot be read.
        ValueError: the segment does not end there, or its timing makes no sense.
    """
    with _open(folder, name, "timing") as file:
        timing = Timing.parse(file.read(TIMING_SIZE))
    if timing.header is None:
        raise ValueError("no header")
    start = max(begin, timing.header.offset)
    with _open(folder, name, "raw") as file:
        file.seek(start - timing.header.offset)
        data = file.read(end - start + 1)
    if len(data) != end - start:
        raise ValueError("it does not end there")
    return start, cut_chunks(data, timing.packets, start)


def _open(folder: Path, name: SegmentName, kind: str) -> BinaryIO:
    """Open a segment's file, compressed or not."""
    try:
        return open_plain(folder / name.file(kind))
    except FileNotFoundError:
        file = open_plain(folder / name.file(kind, closed=True))
        decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        reader = decompressor.stream_reader(file, read_across_frames=True, closefd=True)
        return io.BufferedReader(reader)


def cut_chunks(data: bytes, packets: Iterable[Packet], offset: int) -> list[Chunk]:
    """Return bytes as the packets that they came in.

    Args:
        data: the bytes.
        packets: their places and stamps.
        offset: stream offset of the first byte.
    """
    chunks = []
    for packet in packets:
        start = max(packet.offset - offset, 0)
        piece = data[start : max(packet.offset + packet.size - offset, 0)]
        if piece:
            chunks.append(Chunk(packet.at, piece))
    return chunks
