"""Seekable zstd: 1 MiB frames and a seek table; zstdcat, zstdgrep and rg -z read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import zstandard

from solrecd.archive.seektable import (
    FRAME_SIZE,
    SEEK_TABLE_FOOTER,
    Frame,
    decode_seek_table,
    encode_seek_table,
    seek_table_size,
    split_frames,
)

LEVEL = 3
"""zstd's default: -10 saves another 12 % and takes six times as long."""


class InterruptedCloseError(Exception):
    """Compressing was stopped half-way; the original is untouched."""


def compress(source: Path, target: Path, stop: Callable[[], bool]) -> None:
    """Write a seekable copy of a file and force it to the disk.

    Frames hold whole lines where the file has any. The copy gets the source's mode and
    times, appears under its name only when it is complete, and is then the file.

    Args:
        source: file to copy; it stays.
        target: name of the copy; an unfinished one has ``.tmp`` behind it.
        stop: asked before each frame; True gives up.

    Raises:
        InterruptedCloseError: ``stop`` said so.
        OSError: of reading or writing.
    """
    temporary = target.with_name(f"{target.name}.tmp")
    try:
        with source.open("rb") as plain, temporary.open("wb") as copy:
            _copy_frames(plain, copy, stop)
            copy.flush()
            status = os.fstat(plain.fileno())
            os.fchmod(copy.fileno(), status.st_mode & 0o777)
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(copy.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _copy_frames(plain: BinaryIO, copy: BinaryIO, stop: Callable[[], bool]) -> None:
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    frames: list[Frame] = []
    rest = b""
    final = False
    while not final:
        if stop():
            raise InterruptedCloseError
        read = plain.read(FRAME_SIZE)
        final = not read
        ready, rest = split_frames(rest + read, final=final)
        for frame in ready:
            packed = compressor.compress(frame)
            copy.write(packed)
            frames.append(Frame(len(packed), len(frame)))
    if not frames:
        # An empty file is still a zstd file.
        packed = compressor.compress(b"")
        copy.write(packed)
        frames.append(Frame(len(packed), 0))
    copy.write(encode_seek_table(frames))


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
