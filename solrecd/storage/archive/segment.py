"""The open segment of a console: three files that grow together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from solrecd.events.lines import Chunk, Line
from solrecd.storage.archive.files import (
    FileSystem,
    GrowingFile,
    SegmentLostError,
    TextFile,
)
from solrecd.storage.formats.lines import TextFormat
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.timing import TimingHeader, TimingMark, encode_packets

MARK_INTERVAL = 256
"""Packets between two marks in the timing, 4 KiB of it: what a restart reads back of a
console, instead of a whole segment."""


class Segment:
    """One segment being written (writer thread).

    Args:
        name: of the files.
        offset: stream offset of its first byte.
        noted: stamp of the last note archived before it.
        begun: stream offset where its first line begins, when that is before its bytes.
        text: formats lines and notes.
    """

    def __init__(
        self,
        files: FileSystem,
        folder: Path,
        name: SegmentName,
        offset: int,
        *,
        noted: int,
        text: TextFormat,
        begun: int | None = None,
    ) -> None:
        self.name = name
        self.offset = offset
        self.end = offset
        """Stream offset behind the last byte added."""
        self.confirmed = offset
        """Stream offset behind the last byte that is in all three files."""
        self.noted = noted
        self.stamp = name.started
        """Stamp of the last packet added."""
        self.raw = GrowingFile(files, folder / name.file("raw"))
        self.timing = GrowingFile(files, folder / name.file("timing"))
        self.log = TextFile(files, folder / name.file("log"))
        self.linked = False
        """Whether ``current.*`` point here."""
        self.synced = offset
        """Stream offset behind the last byte forced to the disk."""
        self._files = files
        self._folder = folder
        self._text = text
        self._begun = begun
        self._unconfirmed: list[Chunk] = []
        self._unmarked = 0

    @property
    def size(self) -> int:
        """Bytes of console output added."""
        return self.end - self.offset

    @property
    def pending(self) -> bool:
        """Whether anything added is not yet in the files."""
        return self.raw.pending or self.timing.pending or self.log.pending

    @property
    def _all(self) -> tuple[GrowingFile, ...]:
        return (self.timing, self.log, self.raw)

    def begin(self) -> None:
        """Give a new segment its header; a recovered one has it."""
        header = TimingHeader(self.name.started, self.offset, self.noted, self._begun)
        self.timing.add(header.encode())

    def add_chunks(self, chunks: list[Chunk]) -> None:
        """Append console output."""
        if not chunks:
            return
        data = b"".join([chunk.data for chunk in chunks])
        timing, self.stamp = encode_packets(chunks, self.stamp)
        self.raw.add(data)
        self.timing.add(timing)
        self.end += len(data)
        self._unmarked += len(chunks)
        self._unconfirmed += chunks

    def add_lines(self, lines: Sequence[Line]) -> None:
        """Append finished lines."""
        self.log.add(self._text.lines(lines))

    def add_note(self, at: int, text: str) -> None:
        """Append a note behind the lines so far."""
        self.noted = at
        self.log.add(self._text.note(at, text))

    def end_with(self, tail: Line | None, notes: Iterable[tuple[int, str]]) -> None:
        """Let the log end with an unfinished line and the notes behind it."""
        loose = b"" if tail is None else self._text.unfinished(tail)
        behind = b"".join([self._text.note(at, text) for at, text in notes])
        self.log.end_with(
            loose + b"\n" + behind if loose and behind else loose + behind
        )

    def mark(self, tail: Line | None, *, is_due: bool = False) -> None:
        """Leave a place to start reading from, when one is due."""
        line_offset = self.end if tail is None else tail.offset
        if self._unmarked < MARK_INTERVAL and not is_due:
            return
        if not self.offset <= line_offset <= self.end:
            return
        self._unmarked = 0
        size = self.log.solid_size
        mark = TimingMark(self.end, self.stamp, line_offset, size, self.noted)
        self.timing.add(mark.encode())

    def flush(self) -> None:
        """Write everything added, raw bytes first.

        Raises:
            OSError: the disk refuses; what is left is tried again next time.
            SegmentLostError: someone removed or cut a file.
        """
        self.open()
        self.raw.flush()
        self.timing.flush()
        self.log.flush()
        self.confirmed = self.end
        self._unconfirmed = []

    def open(self) -> None:
        """Open all files before anything is written, and see that they are there.

        A new segment's header comes first: without it the others mean nothing.

        Raises:
            OSError: the disk refuses.
            SegmentLostError: someone removed or cut a file.
        """
        if not self.linked:
            self._files.make_folder(self._folder)
            self.timing.flush()
        for file in self._all:
            file.open()
            file.check()
        if not self.linked:
            for kind in ("log", "raw"):
                self._files.link(self._folder / f"current.{kind}", self.name.file(kind))
            self.linked = True

    def inspect(self) -> None:
        """See that the files are where and as they were written.

        Raises:
            SegmentLostError: someone moved, removed, replaced or cut one.
            OSError: the disk does not say.
        """
        for file in self._all:
            file.inspect()

    def close(self) -> None:
        """Close the files; what is pending stays pending."""
        for file in self._all:
            file.close()

    def sync(self) -> None:
        """Force the files to the disk."""
        confirmed = self.confirmed
        for file in self._all:
            file.sync()
        self.synced = confirmed

    def salvage(self, lost: SegmentLostError) -> tuple[int, list[Chunk]]:
        """Return what the next segment has to take over after a loss.

        Returns:
            The stream offset of its first byte, and the bytes that this segment was
            given and that are in no file.
        """
        written = self.confirmed
        if lost.path != self.raw.path:
            written = self.offset + self.raw.size
        return written, trim(self._unconfirmed, written - self.confirmed)


def trim(chunks: Iterable[Chunk], count: int) -> list[Chunk]:
    """Return chunks without their first bytes."""
    rest = list(chunks)
    for index, chunk in enumerate(rest):
        if count <= 0:
            return rest[index:]
        if count < len(chunk.data):
            return [Chunk(chunk.at, chunk.data[count:]), *rest[index + 1 :]]
        count -= len(chunk.data)
    return []


def take_until(chunks: deque[Chunk], count: int) -> list[Chunk]:
    """Remove the first bytes from chunks and return them; one chunk may be split."""
    taken = []
    while chunks and count > 0:
        chunk = chunks.popleft()
        if len(chunk.data) > count:
            chunks.appendleft(Chunk(chunk.at, chunk.data[count:]))
            chunk = Chunk(chunk.at, chunk.data[:count])
        taken.append(chunk)
        count -= len(chunk.data)
    return taken
