"""Writes small archives as the recorder does, for tests that only read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zstandard

from solrecd.events.lines import Chunk, Line
from solrecd.storage.formats.lines import TextFormat
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.seektable import Frame, encode_seek_table
from solrecd.storage.formats.timing import TimingHeader, encode_packets


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that a console printed, or a note of the recorder's."""

    at: int
    text: str
    note: bool = False


def write_segment(
    archive: Path,
    console: str,
    lines: Sequence[Printed],
    *,
    boot: int = 1,
    part: int = 1,
    offset: int = 0,
    closed: bool = False,
) -> SegmentName:
    """Write the three files of a segment; the first line's time names it."""
    folder = archive / console
    folder.mkdir(parents=True, exist_ok=True)
    name = SegmentName(boot, part, lines[0].at)
    chunks = [Chunk(it.at, f"{it.text}\r\n".encode()) for it in lines if not it.note]
    header = TimingHeader(name.started, offset, 0)
    timing, _ = encode_packets(chunks, name.started)
    _write(folder, name, "raw", [chunk.data for chunk in chunks], closed=closed)
    _write(folder, name, "timing", [header.encode() + timing], closed=closed)
    _write(folder, name, "log", [_text(line) for line in lines], closed=closed)
    if not closed:
        link = folder / "current.log"
        link.unlink(missing_ok=True)
        link.symlink_to(name.file("log"))
    return name


def _text(line: Printed) -> bytes:
    form = TextFormat()
    if line.note:
        return form.note(line.at, line.text)
    return form.lines([Line(line.at, 0, line.text)])


def _write(
    folder: Path, name: SegmentName, kind: str, pieces: list[bytes], *, closed: bool
) -> None:
    path = folder / name.file(kind, closed=closed)
    if not closed:
        path.write_bytes(b"".join(pieces))
        return
    frames: list[bytes] = [zstandard.compress(piece) for piece in pieces]
    table = [Frame(len(f), len(p)) for f, p in zip(frames, pieces, strict=True)]
    path.write_bytes(b"".join(frames) + encode_seek_table(table))
