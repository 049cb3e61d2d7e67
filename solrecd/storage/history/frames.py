"""A log in pieces of whole lines, as fast as they come: what a search reads.

A closed log that is as it should be is read frame by frame through its seek table,
only those frames that are wanted. Anything unusual in it, and reading goes on with the
patience of `files`, which reports what is wrong and finds what can still be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from solrecd.process.plain_files import open_plain
from solrecd.storage.formats.seektable import FRAME_SIZE, Frame, read_seek_table
from solrecd.storage.history.files import Fault, Report, read_blocks

if TYPE_CHECKING:
    from zstandard import ZstdDecompressor

MAX_TEXT = 2 * FRAME_SIZE
"""Bytes of a piece; a line that does not end before is cut."""

Wanted = Callable[[int], bool]
"""Whether a frame, counted from 0, is wanted."""


def read_pieces(
    path: Path, report: Report, wanted: Wanted = lambda _frame: True
) -> Iterator[bytes]:
    """Yield a log's text in pieces of whole lines; the very last may lack its end.

    Args:
        path: an open log (plain) or a closed one (``.zst``). One that was closed, and
            so renamed, since its name was read is found all the same.
        report: told what could not be read.
        wanted: chooses frames; they may be yielded all the same.
    """
    path = _present(path)
    if path.suffix != ".zst":
        yield from _whole_lines(read_blocks(path, report))
        return
    done = 0
    try:
        with open_plain(path) as file:
            for frame in _frames(file):
                if wanted(frame.number):
                    yield frame.read(file)
                done = frame.end
    except OSError as error:
        report(Fault(path, done, error.strerror or str(error)))
    except ValueError:
        yield from _whole_lines(read_blocks(path, report, done))


def count_frames(path: Path) -> int | None:
    """Return how many frames a closed log's seek table lists; None without one."""
    try:
        with open_plain(path) as file:
            return len(read_seek_table(file))
    except (OSError, ValueError):
        return None


def _present(path: Path) -> Path:
    """Return the name that a log has now, if it is the other one."""
    if path.exists():
        return path
    other = path.with_suffix("") if path.suffix == ".zst" else Path(f"{path}.zst")
    return other if other.exists() else path


class _Place(NamedTuple):
    """Where a frame is."""

    number: int
    begin: int
    frame: Frame
    decompressor: ZstdDecompressor

    @property
    def end(self) -> int:
        return self.begin + self.frame.compressed

    def read(self, file: BinaryIO) -> bytes:
        """Return its text.

        Raises:
            ValueError: it is not what the seek table says.
        """
        from zstandard import ZstdError, frame_content_size  # noqa: PLC0415

        file.seek(self.begin)
        packed = file.read(self.frame.compressed)
        try:
            # The table may lie: no more memory than a frame of ours takes.
            if frame_content_size(packed) != self.frame.size:
                raise ValueError("not the size that was promised")
            return self.decompressor.decompress(packed)
        except ZstdError as error:
            raise ValueError(str(error)) from None


def _frames(file: BinaryIO) -> list[_Place]:
    """Return where a file's frames are.

    Raises:
        ValueError: it has no seek table, or one that cannot be true.
    """
    from zstandard import ZstdDecompressor  # noqa: PLC0415

    frames = read_seek_table(file)
    if any(frame.size > MAX_TEXT for frame in frames):
        raise ValueError("larger frames than ours")
    begins = accumulate((frame.compressed for frame in frames), initial=0)
    decompressor = ZstdDecompressor()
    return [
        _Place(number, begin, frame, decompressor)
        for number, (begin, frame) in enumerate(zip(begins, frames, strict=False))
    ]


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Gather blocks of any size into pieces that end with a line."""
    gathered: list[bytes] = []
    size = 0
    for block in blocks:
        gathered.append(block)
        size += len(block)
        if size >= FRAME_SIZE:
            text = b"".join(gathered)
            end = text.rfind(b"\n") + 1 or len(text)
            yield text[:end]
            gathered, size = [text[end:]], len(text) - end
    if size:
        yield b"".join(gathered)
