"""Writes the vocabulary beside a console's closed segments (`solrecd.storage.formats`).

It is worth nothing by itself: whatever is missing in it, or damaged, is read in the
logs instead. So nothing here is forced to the disk, and a torn end is cut off by the
next one who writes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from solrecd.process.plain_files import make_way, read_plain
from solrecd.storage.formats.vocabulary import (
    FILE_NAME,
    SegmentWords,
    Writer,
    decode,
    read_last_chapter,
    read_records,
)

GONE = 64
"""Records of removed segments that stay, so that retention does not rewrite the
whole file with each segment it removes."""


def append(folder: Path, segment: SegmentWords) -> None:
    """Add a segment to its console's vocabulary.

    Raises:
        OSError: of reading or writing.
    """
    path = folder / FILE_NAME
    data = _read(path)
    records, good = read_last_chapter(data)
    writer = Writer()
    writer.resume(records)
    with path.open("r+b" if data else "wb") as file:
        if good < len(data):
            file.truncate(good)
        file.seek(good)
        file.write(writer.encode(segment))


def rewrite(folder: Path, segments: Sequence[SegmentWords]) -> None:
    """Rewrite a console's vocabulary.

    Raises:
        OSError: of writing.
    """
    path = folder / FILE_NAME
    make_way(path)
    temporary = path.with_name(f"{FILE_NAME}.tmp")
    make_way(temporary)
    writer = Writer()
    temporary.write_bytes(b"".join(map(writer.encode, segments)))
    temporary.replace(path)


def forget(folder: Path, stored: Collection[str]) -> None:
    """Drop the records of removed segments, once there are many.

    Args:
        folder: of the console.
        stored: stems of the segments that are still there.

    Raises:
        OSError: of reading or writing.
    """
    records = list(read_records(_read(folder / FILE_NAME)))
    gone = sum(record.name not in stored for record in records)
    if gone >= max(GONE, len(records) - gone):
        known = {segment.name: segment for segment in decode(records)}
        rewrite(folder, [known[name] for name in known if name in stored])


def _read(path: Path) -> bytes:
    make_way(path)
    try:
        return read_plain(path)
    except FileNotFoundError:
        return b""
