"""Seekable zstd: 1 MiB frames and a seek table; zstdcat, zstdgrep and rg -z read it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import zstandard

from solrecd.storage.formats.seektable import (
    FRAME_SIZE,
    Frame,
    encode_seek_table,
    split_frames,
)

LEVEL = 3
"""zstd's default: -10 saves another 12 % and takes six times as long."""


class InterruptedCloseError(Exception):
    """Compressing was stopped half-way; the original is untouched."""


def compress(
    source: Path,
    target: Path,
    stop: Callable[[], bool],
    look: Callable[[bytes], None] | None = None,
) -> None:
    """Write a seekable copy of a file and force it to the disk.

    Frames hold whole lines where the file has any. The copy gets the source's mode and
    times, appears under its name only when it is complete, and is then the file.

    Args:
        source: file to copy; it stays.
        target: name of the copy; an unfinished one has ``.tmp`` behind it.
        stop: asked before each frame; True gives up.
        look: shown the text of each frame; what it makes of them counts only when
            nothing was raised.

    Raises:
        InterruptedCloseError: ``stop`` said so.
        OSError: of reading or writing.
    """
    temporary = target.with_name(f"{target.name}.tmp")
    try:
        with source.open("rb") as plain, temporary.open("wb") as copy:
            _copy_frames(plain, copy, stop, look)
            copy.flush()
            status = os.fstat(plain.fileno())
            os.fchmod(copy.fileno(), status.st_mode & 0o777)
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(copy.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _copy_frames(
    plain: BinaryIO,
    copy: BinaryIO,
    stop: Callable[[], bool],
    look: Callable[[bytes], None] | None,
) -> None:
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
            if look is not None:
                look(frame)
            packed = compressor.compress(frame)
            copy.write(packed)
            frames.append(Frame(len(packed), len(frame)))
    if not frames:
        # An empty file is still a zstd file.
        packed = compressor.compress(b"")
        copy.write(packed)
        frames.append(Frame(len(packed), 0))
    copy.write(encode_seek_table(frames))
