"""Frames of a compressed file, and the seek table that finds them (seekable zstd)."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

FRAME_SIZE = 1 << 20
"""Bytes of text in one zstd frame: `rg -z` loses nothing, one frame costs 1.6 ms."""


def split_frames(data: bytes, *, final: bool) -> tuple[list[bytes], bytes]:
    """Cut text into frames of whole lines, about `FRAME_SIZE` each.

    Returns:
        The frames, and what has to wait for more text (nothing when ``final``).
    """
    frames = []
    start = 0
    while len(data) - start >= FRAME_SIZE:
        end = data.rfind(b"\n", start, start + FRAME_SIZE) + 1
        if end == 0:
            end = start + FRAME_SIZE
        frames.append(data[start:end])
        start = end
    rest = data[start:]
    if final and rest:
        return [*frames, rest], b""
    return frames, rest


_SKIPPABLE = 0x184D2A5E
_SEEKABLE = 0x8F92EAB1
_ENTRY = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")
SEEK_TABLE_FOOTER = _FOOTER.size
"""Bytes at the end of a file that tell whether it has a seek table."""


class Frame(NamedTuple):
    """One entry of a seek table, bytes."""

    compressed: int
    size: int


def encode_seek_table(frames: Sequence[Frame]) -> bytes:
    """Return the skippable frame that ends a seekable zstd file.

    zstd's contrib/seekable_format: entries without checksums, then the number of
    frames, a descriptor and a magic number.
    """
    body = b"".join(_ENTRY.pack(*frame) for frame in frames)
    body += _FOOTER.pack(len(frames), 0, _SEEKABLE)
    return _ENTRY.pack(_SKIPPABLE, len(body)) + body


def seek_table_size(footer: bytes) -> int | None:
    """Return how many bytes at a file's end are the seek table, from its last nine."""
    if len(footer) != _FOOTER.size:
        return None
    count, descriptor, magic = _FOOTER.unpack(footer)
    if magic != _SEEKABLE or descriptor & 0x7C:
        return None
    entry = 12 if descriptor & 0x80 else 8
    return _ENTRY.size + int(count) * entry + _FOOTER.size


def decode_seek_table(table: bytes) -> list[Frame]:
    """Return the frames that a seek table lists.

    Args:
        table: the last `seek_table_size` bytes of a file.

    Raises:
        ValueError: it is damaged.
    """
    if seek_table_size(table[-_FOOTER.size :]) != len(table):
        raise ValueError("no seek table")
    if _ENTRY.unpack_from(table) != (_SKIPPABLE, len(table) - _ENTRY.size):
        raise ValueError("a seek table of another length")
    count, descriptor, _ = _FOOTER.unpack(table[-_FOOTER.size :])
    width = 12 if descriptor & 0x80 else 8
    return [Frame(*_ENTRY.unpack_from(table, 8 + width * n)) for n in range(count)]


def read_seek_table(file: BinaryIO) -> list[Frame]:
    """Return the frames of a seekable file.

    Raises:
        ValueError: it has no seek table, or a damaged one.
        OSError: of reading.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - SEEK_TABLE_FOOTER))
    size = seek_table_size(file.read())
    if size is None or size > end:
        raise ValueError("no seek table")
    file.seek(end - size)
    return decode_seek_table(file.read())
