"""What belongs into which segment: bytes, lines and notes of one console.

Everything here happens in memory and cannot fail for a disk's sake; `Recorder` writes
the segments afterwards.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import structlog

from solrecd.events.gaps import Gap, GapReason
from solrecd.events.lines import Chunk, Line, Lines
from solrecd.events.reading import Cut, Reading
from solrecd.process.stamps import END_OF_TIME
from solrecd.storage.archive.files import SegmentLostError
from solrecd.storage.archive.poison import Poison
from solrecd.storage.archive.segment import Segment, take_until, trim
from solrecd.storage.archive.segment_types import ArchiveLoss, Batch, Resume, Shared
from solrecd.storage.formats.names import SegmentName, next_segment
from solrecd.storage.formats.recovered import JournalNote

log = structlog.get_logger()

NOTES_BEHIND_TAIL = 64
"""Notes kept behind an unfinished line before they move ahead of it: a console that
waits at ``login:`` for weeks must not cost more memory with every lost session."""


class Planner:
    """The segments of one console, and what they are given (writer thread).

    Args:
        console: its name.
        folder: of this console.
        shared: what all recorders have in common.
        resume: where to go on.
        poison: takes bytes that no segment can take.
    """

    def __init__(
        self, console: str, folder: Path, shared: Shared, resume: Resume, poison: Poison
    ) -> None:
        segment = resume.segment
        self.segments: list[Segment] = [] if segment is None else [segment]
        """Those that are not closed yet, oldest first; the last one grows."""
        self.begun: list[Segment] = []
        """Begun since its reader last emptied it."""
        self.losses: list[ArchiveLoss] = []
        """Found missing since its reader last emptied it."""
        self._console = console
        self._folder = folder
        self._shared = shared
        self._poison = poison
        self._last = resume.last
        self._offset = resume.offset
        self._noted = 0 if segment is None else segment.noted
        self._skip = resume.skip
        self._last_line = resume.last_line
        self._jump = resume.jump
        self._notes_behind = resume.notes
        self._notes: list[JournalNote] = []
        self._tail: Line | None = None

    def add_note(self, note: JournalNote) -> None:
        """Keep a note until `plan` finds its place."""
        self._notes.append(note)

    def plan(self, batches: list[Batch]) -> None:
        """Give everything to segments; what crashes that goes without its meaning.

        Bytes that crash even that go into a file of their own.
        """
        chunks = [chunk for batch in batches for chunk in batch.chunks]
        begin = self._next
        try:
            for given in _until_broken_off(batches):
                self._give(given)
        except Exception:
            log.exception("archive.crashed", console=self._console)
            self._give_bytes(trim(chunks, self._next - begin))

    @property
    def _next(self) -> int:
        """Stream offset of the next byte to be planned."""
        if self._jump is not None:
            return self._jump
        return self.segments[-1].end if self.segments else self._offset

    def _give_bytes(self, chunks: list[Chunk]) -> None:
        """Give bytes to the open segment, with a note in place of their text."""
        at = self._shared.wall_clock()
        self._rotate(at)
        self._tail = None
        segment = self._current(at)
        segment.end_with(None, ())
        count = sum(len(chunk.data) for chunk in chunks)
        self._lose(segment, at, f"the text of {count} bytes (a bug in solrecd)", 0)
        for chunk in chunks:
            if not self._add_bytes(chunk, at):
                self._set_aside(chunk, at)

    def _add_bytes(self, chunk: Chunk, at: int) -> bool:
        """Add bytes alone; False where that crashes, too."""
        try:
            # The stamp may be what no text can show.
            stamp = chunk.at if 0 <= chunk.at < END_OF_TIME else at
            self.segments[-1].add_chunks([Chunk(stamp, chunk.data)])
        except Exception:
            log.exception("archive.crashed", console=self._console)
            return False
        return True

    def _set_aside(self, chunk: Chunk, at: int) -> None:
        """Keep bytes in a file of their own, and go on behind them."""
        begin, count = self._next, len(chunk.data)
        name = self._poison.add(at, begin, chunk.data)
        segment = self._begin(self.segments[-1].name.boot, at, begin + count)
        what = f"{count} bytes that crash the archive (a bug in solrecd)"
        self._lose(segment, at, f"{what}; they are in {name}", count)

    def _lose(self, segment: Segment, at: int, what: str, count: int) -> None:
        """Mark what is missing: a note at its place here, the rest by the console."""
        segment.add_note(at, f"gap: {what}")
        gap = Gap(GapReason.CRASH, what, bytes=count or None, is_noted=True)
        self.losses.append(ArchiveLoss(self._console, gap))

    def _give(self, batches: list[Batch]) -> None:
        """Give bytes, lines and notes to the segments they belong to."""
        chunks = deque([chunk for batch in batches for chunk in batch.chunks])
        rotated = False
        for batch in batches:
            if batch.chunks:
                # There was no replay, or it is over.
                self._end_replay()
            if batch.chunks and not rotated:
                # Not earlier: what a replay brings belongs to the segment that has its
                # bytes. In another one's log it would be counted as lines of that one.
                self._rotate(batch.chunks[0].at)
                rotated = True
            self._give_reading(batch.reading, chunks)
            # A replay is one reading, the first.
            self._end_replay()
        if chunks:
            self._current(chunks[0].at).add_chunks(list(chunks))
        if self._notes and not self.segments:
            # The machine has printed nothing yet; what people did is worth a log.
            self._current(self._notes[0].at)
        if self.segments:
            is_due = batches[-1].reading.is_broken_off if batches else False
            self._give_end(self.segments[-1], is_mark_due=is_due)

    def _end_replay(self) -> None:
        """Put back the line that was cut off where the replay did not bring it again.

        It brings fewer lines than the log has where files are damaged.
        """
        self._skip = 0
        if self._last_line and self._tail is None:
            self.segments[-1].log.add(self._last_line)
        self._last_line = b""

    def _rotate(self, at: int) -> None:
        """Go on in another part where a limit or missing bytes ask for it."""
        if self._jump is not None:
            self._offset, self._jump = self._jump, None
            if self.segments:
                self._begin(self.segments[-1].name.boot, at, self._offset)
        elif self.segments:
            current = self.segments[-1]
            if self._shared.limits.reached(current.size, current.name.started, at):
                begun = None if self._tail is None else self._tail.offset
                self._begin(current.name.boot, at, current.end, begun)

    def _give_reading(self, reading: Reading, chunks: deque[Chunk]) -> None:
        start = 0
        for cut in reading.cuts:
            self._add_lines(reading.lines[start : cut.line])
            self._cut(cut, chunks)
            start = cut.line
        self._add_lines(reading.lines[start:] if start else reading.lines)
        self._tail = reading.tail

    def _cut(self, cut: Cut, chunks: deque[Chunk]) -> None:
        """Begin another boot's segment.

        A cut before bytes that are already planned moves up to them: what may be in a
        file stays there.
        """
        offset = self._offset
        if self.segments or (chunks and cut.offset > offset):
            current = self._current(chunks[0].at if chunks else cut.at)
            current.add_chunks(take_until(chunks, cut.offset - current.end))
            offset = current.end
        self._tail = None
        self._begin(cut.boot, cut.at, offset, cut.offset)

    def _begin(
        self, boot: int, at: int, offset: int, begun: int | None = None
    ) -> Segment:
        """Open a segment.

        Args:
            boot: its number.
            at: stamp of its first byte.
            offset: stream offset of its first byte.
            begun: of its first line, which may have begun in the segment before.
        """
        name = SegmentName(boot, 1, at)
        if self._last is not None:
            name = next_segment(self._last, boot, at)
        if self.segments:
            self._noted = self.segments[-1].noted
            self.segments[-1].end_with(None, ())
        shared = self._shared
        segment = Segment(
            shared.files,
            self._folder,
            name,
            offset,
            noted=self._noted,
            text=shared.text,
            begun=begun if begun is not None and begun < offset else None,
        )
        segment.begin()
        self.segments.append(segment)
        self._last = name
        self.begun.append(segment)
        return segment

    def _current(self, at: int) -> Segment:
        """Return the open segment; the first bytes ever open one by themselves."""
        if self.segments:
            return self.segments[-1]
        boot = 1 if self._last is None else self._last.boot + 1
        return self._begin(boot, at, self._offset)

    def _add_lines(self, lines: Lines) -> None:
        if self._skip:
            known = min(self._skip, len(lines))
            self._skip -= known
            lines = lines[known:]
        if not lines:
            return
        self._last_line = b""
        segment = self._current(lines[0].at)
        self._place_notes(lines[0])
        while self._notes and self._notes[0].offset <= lines[-1].offset:
            offset = self._notes[0].offset
            before = bisect_left(lines.offsets, offset)
            segment.add_lines(lines[:before])
            self._put_note(segment)
            lines = lines[before:]
        segment.add_lines(lines)

    def _place_notes(self, line: Line) -> None:
        """Put the notes of a recovered log behind the first line it did not have."""
        if self._notes_behind:
            offset = line.offset + 1
            placed = [note._replace(offset=offset) for note in self._notes_behind]
            self._notes[:0] = placed
            self._notes_behind = ()

    def _put_note(self, segment: Segment) -> None:
        note = self._notes.pop(0)
        segment.add_note(note.at, note.text)

    def _give_end(self, segment: Segment, *, is_mark_due: bool) -> None:
        """Place the notes that lie behind the last line, and the unfinished line.

        A note for bytes that are yet to come waits for them behind the tail.

        Args:
            segment: the open one.
            is_mark_due: a replay must not begin before this place: it would make one
                line of the one that ended here and of the next, where the log has two.
        """
        tail = self._tail
        if tail is not None:
            self._place_notes(tail)
        solid = segment.end if tail is None else tail.offset
        while self._notes and (
            self._notes[0].offset <= solid or len(self._notes) > NOTES_BEHIND_TAIL
        ):
            self._put_note(segment)
        segment.end_with(tail, [(note.at, note.text) for note in self._notes])
        segment.mark(tail, is_due=is_mark_due)

    def replace(self, segment: Segment, lost: SegmentLostError) -> None:
        """Go on in a new part after someone removed or cut a file of this one."""
        offset, chunks = segment.salvage(lost)
        segment.close()
        at = chunks[0].at if chunks else segment.stamp
        shared = self._shared
        fresh = Segment(
            shared.files,
            self._folder,
            next_segment(segment.name, segment.name.boot, at),
            offset,
            noted=segment.noted,
            text=shared.text,
        )
        fresh.begin()
        fresh.add_chunks(chunks)
        self._lose(fresh, at, f"{lost}; going on in a new part", lost.count)
        fresh.log.take_over(segment.log)
        if self._last == segment.name:
            self._last = fresh.name
        self.segments[0] = fresh
        self.begun.append(fresh)


def _until_broken_off(batches: list[Batch]) -> Iterator[list[Batch]]:
    """Yield batches in order, parted behind each that breaks a line off."""
    begin = 0
    for index, batch in enumerate(batches, 1):
        if batch.reading.is_broken_off:
            yield batches[begin:index]
            begin = index
    if begin < len(batches) or not batches:
        yield batches[begin:]
