"""Takes a zstd frame apart into blocks: each becomes 128 KiB of text at most.

A decompressor that is given bytes gives back all that they stand for, and 64 KiB may
stand for gigabytes. Given one block at a time (RFC 8878 §3.1.1) it cannot.
"""

from __future__ import annotations

from typing import BinaryIO

MAX_WINDOW = 8 << 20
"""Bytes that a frame may refer back to, and so has to be held in memory: what zstd
makes without ``--long`` and ``--ultra``."""

_BLOCK_HEADER = 3
_RLE = 1
"""A block that is one byte, repeated."""

_CHECKSUM = 4
_SHORTEST_HEADER = 5
_SKIPPABLE_HEADER = 8
_DICTIONARY = (0, 1, 2, 4)
_CONTENT = (0, 2, 4, 8)


def read_block(file: BinaryIO, *, is_first: bool) -> bytes:
    """Return the next block of a frame with its header, and what surrounds it.

    Args:
        file: where a block begins, or a frame; afterwards, behind that block.
        is_first: a frame begins: its header comes with its first block.

    Returns:
        Bytes for a decompressor. Behind the last block they are a checksum, or the
        begin of what follows: the decompressor leaves that.

    Raises:
        EOFError: the file ends before the block does.
    """
    head = _read_header(file) if is_first else b""
    block = _read(file, _BLOCK_HEADER)
    fields = int.from_bytes(block, "little")
    is_last, kind, size = fields & 1, fields >> 1 & 3, fields >> 3
    body = _read(file, 1 if kind == _RLE else size)
    return head + block + body + (file.read(_CHECKSUM) if is_last else b"")


def skippable_size(file: BinaryIO) -> int:
    """Return the bytes of a frame that holds no text (RFC 8878 §3.1.2), in all.

    Raises:
        EOFError: the file ends before that is told.
    """
    return _SKIPPABLE_HEADER + int.from_bytes(_read(file, 8)[4:], "little")


def _read_header(file: BinaryIO) -> bytes:
    """Read a frame's header: magic number, descriptor, window, dictionary, size."""
    head = _read(file, _SHORTEST_HEADER)
    descriptor = head[-1]
    is_single = bool(descriptor & 0x20)
    content = _CONTENT[descriptor >> 6] or int(is_single)
    return head + _read(file, (not is_single) + _DICTIONARY[descriptor & 3] + content)


def _read(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes, or raise `EOFError`."""
    found = file.read(size)
    if len(found) < size:
        raise EOFError
    return found
