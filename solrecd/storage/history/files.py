"""Bytes of an archive file, plain or zstd; what is damaged is reported, not raised.

After a crash everything that can still be read is wanted: behind a damaged
zstd frame reading goes on with the next one (frames are 1 MiB of text).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from solrecd.process.plain_files import open_plain
from solrecd.storage.formats.zstdblocks import MAX_WINDOW, read_block, skippable_size

BLOCK = 256 * 1024
"""Bytes read at once from a plain file."""

COMPRESSED_BLOCK = 16 * 1024
"""Bytes read at once where the next frame is looked for."""

_MAGIC = b"\x28\xb5\x2f\xfd"
"""How a zstd frame begins (RFC 8878 §3.1.1)."""

_SKIPPABLE = frozenset(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16))
"""How frames begin that hold no text, such as the seek table (RFC 8878 §3.1.2)."""


class _DamageError(Exception):
    """A frame cannot be decompressed to its end; the message says why."""


class Fault(NamedTuple):
    """Part of a file that could not be read."""

    path: Path
    offset: int
    """Bytes into the file, as it lies on the disk."""
    reason: str

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.path}: byte {self.offset}: {self.reason}"


Report = Callable[[Fault], None]


def read_blocks(path: Path, report: Report, start: int = 0) -> Iterator[bytes]:
    """Yield a file's content, decompressed when it is called ``.zst``.

    A file that vanishes while it is read, or is damaged, is reported; what can be read
    of it is yielded.

    Args:
        path: the file.
        report: told what could not be read.
        start: byte of the file at which to begin; of a compressed one, a frame's.
    """
    offset = start
    path = path if start else _as_it_is_now(path)
    try:
        with open_plain(path) as file:
            if path.suffix == ".zst":
                yield from _text_of_frames(file, path, report, start)
                return
            file.seek(start)
            while block := file.read(BLOCK):
                offset += len(block)
                yield block
    except OSError as error:
        report(Fault(path, offset, error.strerror or str(error)))


def _as_it_is_now(path: Path) -> Path:
    """Return where a file is that the recorder may have closed since it was found."""
    closed = path.with_name(f"{path.name}.zst")
    return closed if not path.exists() and closed.exists() else path


def _text_of_frames(
    file: BinaryIO, path: Path, report: Report, offset: int
) -> Iterator[bytes]:
    if not _peek(file, 0):
        # Even nothing, compressed, is a frame.
        report(Fault(path, 0, "the file is empty"))
    while head := _peek(file, offset):
        if head == _MAGIC or head in _SKIPPABLE:
            try:
                if head in _SKIPPABLE:
                    offset = _behind_skippable(file, offset)
                else:
                    offset = yield from _text_of_frame(file, offset)
                continue
            except _DamageError as damage:
                report(Fault(path, offset, str(damage)))
        else:
            report(Fault(path, offset, "not a zstd frame"))
        offset = _find_frame(file, offset + 1)


def _peek(file: BinaryIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(len(_MAGIC))


def _text_of_frame(file: BinaryIO, offset: int) -> Generator[bytes, None, int]:
    """Yield a frame's text; return the offset behind the frame."""
    # Imported here: commands that read the index only must start without it.
    from zstandard import ZstdDecompressor, ZstdError  # noqa: PLC0415

    frame = ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
    file.seek(offset)
    while not frame.eof:
        try:
            piece = read_block(file, is_first=file.tell() == offset)
            yield frame.decompress(piece)
        except ZstdError as error:
            raise _DamageError(f"damaged: {error}") from None
        except EOFError:
            raise _DamageError("the file ends in the middle of a frame") from None
    return file.tell() - len(frame.unused_data)


def _behind_skippable(file: BinaryIO, offset: int) -> int:
    """Return the offset behind a frame without text, which is not read."""
    file.seek(offset)
    try:
        end = offset + skippable_size(file)
    except EOFError:
        end = -1
    if not 0 < end <= file.seek(0, os.SEEK_END):
        raise _DamageError("the file ends in the middle of a frame")
    return end


def _find_frame(file: BinaryIO, offset: int) -> int:
    """Return where the next frame begins, or where the file ends."""
    file.seek(offset)
    last = b""
    while block := file.read(COMPRESSED_BLOCK):
        found = (last + block).find(_MAGIC)
        if found >= 0:
            return offset - len(last) + found
        offset += len(block)
        last = (last + block)[1 - len(_MAGIC) :]
    return offset
