"""What is missing between a console's archive and what the journal holds of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from solrecd.events.gaps import Gap, GapReason
from solrecd.events.lines import Chunk
from solrecd.storage.formats.recovered import Recovered


@dataclass(frozen=True, slots=True)
class MissingBytes:
    """The missing bytes of one console, found when it is opened.

    Bytes that lie before a hole move up to it: what comes behind the hole keeps its
    stream offset, and so does all that is recorded from now on.
    """

    journal: Recovered
    archived: int
    """Stream offset behind the archive's last byte."""
    end: int
    """Stream offset of the next byte."""
    pending: Sequence[Chunk]
    """What the journal holds beyond the archive."""

    @property
    def begin(self) -> int:
        """Stream offset of the first byte that goes into the archive next."""
        return self.end - sum([len(chunk.data) for chunk in self.pending])

    def gaps(self, stamp: int, doubts: Sequence[str], torn: int = 0) -> list[Gap]:
        """Return the losses in stream order.

        Args:
            stamp: of the archive's last byte; 0: unknown.
            doubts: what else may be lost, in words.
            torn: bytes that the archive once had behind its end.
        """
        unsure = [_gap(text, None, 0, self.end) for text in doubts]
        return [*self._torn(stamp, torn), *self._damaged(), *unsure]

    def _torn(self, stamp: int, torn: int) -> Iterator[Gap]:
        """Yield what is missing at the archive's end: the journal begins later."""
        holes = [each for each in self.journal.losses if not each.is_end]
        known = sum([hole.beyond(self.archived) for hole in holes])
        size = self.begin - self.archived - known
        if not size and not self.pending:
            size = torn
        if size > 0:
            text = f"{size} bytes of this log were lost"
            yield _gap(text, size, stamp, self.begin)

    def _damaged(self) -> Iterator[Gap]:
        for loss in self.journal.losses:
            size = loss.beyond(self.archived)
            if size:
                bound = "up to " * loss.is_end
                text = f"{bound}{size} bytes lost in a damaged journal"
                place = self.end - self.journal.behind(loss.before)
                yield _gap(text, None if loss.is_end else size, loss.at, place)


def _gap(text: str, size: int | None, since: int, offset: int) -> Gap:
    return Gap(GapReason.CRASH, text, since or None, bytes=size, offset=offset)
