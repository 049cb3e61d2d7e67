"""Packets again: the bytes of ``.raw`` with the stamps of ``.timing``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from solrecd.events.lines import Chunk
from solrecd.storage.formats.timing import Timing
from solrecd.storage.history.files import Report, read_blocks
from solrecd.storage.history.segments import Segment
from solrecd.storage.index import SegmentRow

BATCH = 64 * 1024
"""Bytes given to an interpreter at once."""

SILENCE = 200_000
"""Microseconds without output after which the interpreter looks at an unfinished
line, as it does in the daemon."""


def read_chunks(segments: Sequence[Segment], report: Report) -> Iterator[Chunk]:
    """Yield what segments hold, packet by packet; what is damaged is reported."""
    for segment in segments:
        yield from SegmentChunks(segment, report).packets()


class SegmentChunks:
    """The chunks of one segment: bytes from ``.raw``, stamps from ``.timing``."""

    def __init__(self, segment: Segment, report: Report) -> None:
        self._segment = segment
        self._report = report
        self._timing = Timing.parse(b"".join(self._blocks("timing")))
        self._size = 0

    def _blocks(self, kind: str) -> Iterator[bytes]:
        path = self._segment.files.get(kind)
        return iter(()) if path is None else read_blocks(path, self._report)

    def read(self) -> Iterator[list[Chunk]]:
        """Yield batches of chunks without a silence inside them."""
        batch: list[Chunk] = []
        size = 0
        for chunk in self.packets():
            if batch and (size >= BATCH or chunk.at - batch[-1].at >= SILENCE):
                yield batch
                batch, size = [], 0
            batch.append(chunk)
            size += len(chunk.data)
        if batch:
            yield batch

    def packets(self) -> Iterator[Chunk]:
        """Yield the packets as they came."""
        data = _Reader(self._blocks("raw"))
        at = self._segment.name.started
        for packet in self._timing.packets:
            at = packet.at
            found = data.take(packet.size)
            self._size += len(found)
            if found:
                yield Chunk(at, found)
        # Bytes whose timing is lost came after all others.
        while found := data.take(BATCH):
            self._size += len(found)
            yield Chunk(at, found)

    def row(self, last: int) -> SegmentRow:
        """Return the index's row; call it when everything was read."""
        segment, header = self._segment, self._timing.header
        return SegmentRow(
            console=segment.console,
            name=str(segment.name),
            boot=segment.name.boot,
            part=segment.name.part,
            started=segment.name.started,
            ended=last if segment.closed else None,
            offset=0 if header is None else header.offset,
            bytes=self._size,
        )


class _Reader:
    """Takes pieces of any size out of a stream of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = b""
        self._position = 0

    def take(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        piece = self._block[self._position : self._position + size]
        self._position += len(piece)
        while len(piece) < size:
            block = next(self._blocks, None)
            if block is None:
                break
            self._block, self._position = block, min(size - len(piece), len(block))
            piece += block[: self._position]
        return piece
