"""What the journal holds of a console that is not yet in its archive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from solrecd.events.lines import Chunk


class JournalNote(NamedTuple):
    """A note of ours as the journal kept it."""

    offset: int
    """Stream offset at which it stands."""
    at: int
    text: str


class JournalLoss(NamedTuple):
    """Bytes that the journal held once and that cannot be read any more."""

    before: int
    """Index of the chunk that follows."""
    start: int
    """Stream offset of the first of them."""
    size: int
    """How many; at most, where it `is_end`."""
    at: int
    """Stamp of the byte before; 0 where nothing was there."""
    is_end: bool = False
    """Nothing that can be read follows, so that nothing tells how many there were."""

    def beyond(self, archived: int) -> int:
        """Return how many are not in an archive that ends at this stream offset."""
        if self.is_end:
            return self.size if archived <= self.start else 0
        return max(0, self.start + self.size - max(self.start, archived))


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the journal holds of one console, in stream order."""

    offset: int
    """Stream offset of the first chunk."""
    chunks: list[Chunk]
    notes: list[JournalNote]
    losses: list[JournalLoss] = field(default_factory=list)

    def placed(self) -> Iterator[tuple[int, Chunk]]:
        """Yield the chunks with their stream offsets, those of lost bytes left out."""
        place = self.offset
        skipped = {loss.before: loss.size for loss in self.losses if not loss.is_end}
        for index, chunk in enumerate(self.chunks):
            place += skipped.get(index, 0)
            yield place, chunk
            place += len(chunk.data)

    def behind(self, index: int) -> int:
        """Return how many bytes the chunks from an index on have."""
        return sum([len(chunk.data) for chunk in self.chunks[index:]])
