"""Searches a console's segments: which to open at all, which of their lines count."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from solrecd.process.plain_files import read_plain
from solrecd.storage.formats.frame_query import ask
from solrecd.storage.formats.lines import (
    MARK_POSITION,
    NOTE_MARK,
    count_output,
    line_mark,
)
from solrecd.storage.formats.vocabulary import (
    SegmentWords,
    look_at,
    read_records,
)
from solrecd.storage.history.files import Fault, Report
from solrecd.storage.history.frames import count_frames, read_pieces
from solrecd.storage.history.pattern import Pattern
from solrecd.storage.history.segments import Files, Segment


class Found(NamedTuple):
    """A line to show."""

    line: bytes
    """As it stands in the log."""
    matched: bool
    """Else it is shown for its neighbour's sake."""
    number: int
    """1-based number of the console line in the boot; 0 where it was not asked for."""
    apart: bool
    """Whether lines that are not shown lie before it."""


class Search(NamedTuple):
    """What is looked for."""

    pattern: Pattern
    invert: bool = False
    """Lines that do not match."""
    before: int = 0
    after: int = 0
    """Lines shown around each match."""
    since: bytes | None = None
    until: bytes | None = None
    """The contract's text of times, or None."""
    stages: Mapping[tuple[str, int], Sequence[range]] | None = None
    """Numbers of the lines that count, by console and boot; None: all."""
    numbered: bool = False
    """Whether `Found.number` is wanted."""

    @property
    def needs_whole_segments(self) -> bool:
        """Whether frames without a match have to be read beside those with one."""
        return bool(self.before or self.after or self.counts)

    @property
    def counts(self) -> bool:
        """Whether lines are counted."""
        return self.numbered or self.stages is not None


class Vocabulary:
    """What a console's vocabulary answers to a search; asked once for all segments."""

    def __init__(self, files: Files, search: Search) -> None:
        """Read the console's file; without one everything has to be read."""
        self._answers: dict[str, list[bool]] = {}
        self._lines: dict[str, int] = {}
        question = search.pattern.question
        if search.invert or (question.is_empty and not search.counts):
            return
        try:
            data = read_plain(files.vocabulary)
        except OSError:
            return
        records = list(read_records(data))
        for record, answers in ask(records, question):
            self._answers[record.name] = answers
            self._lines[record.name] = record.lines

    def frames(self, segment: Segment) -> list[bool] | None:
        """Return which frames may hold a match; None where nothing is known."""
        if not segment.files.is_packed("log"):
            # It may have grown since: recovered, or copied from somewhere else.
            return None
        return self._answers.get(segment.stem)

    def lines(self, segment: Segment, report: Report) -> int:
        """Return how many lines of console output a segment has."""
        known = self._lines.get(segment.stem)
        if known is not None and segment.files.is_packed("log"):
            return known
        return sum(map(count_output, read_pieces(segment.files["log"], report)))


def search_segments(
    segments: Sequence[Segment],
    chosen: Iterable[Segment],
    search: Search,
    report: Report,
) -> Iterator[tuple[Segment, Iterator[Found]]]:
    """Yield the segments that may hold matches, each with its lines to show.

    Args:
        segments: all of a console, in stream order: numbers of lines depend on them.
        chosen: those to search, in stream order.
        search: what for.
        report: told what could not be read.
    """
    if not segments:
        return
    vocabulary = Vocabulary(segments[0].files, search)
    for segment in chosen:
        if "log" not in segment.files:
            continue
        frames = vocabulary.frames(segment)
        if frames is not None and not any(frames):
            continue
        before = 0
        if search.counts:
            before = sum(
                vocabulary.lines(part, report)
                for part in segments
                if part.name.boot == segment.name.boot
                and part.name < segment.name
                and "log" in part.files
            )
        yield segment, search_segment(segment, search, report, frames, before)


def search_segment(
    segment: Segment,
    search: Search,
    report: Report,
    frames: Sequence[bool] | None = None,
    before: int = 0,
) -> Iterator[Found]:
    """Yield the lines of a segment to show.

    Args:
        segment: with a log.
        search: what for.
        report: told what could not be read.
        frames: those that may hold a match; None for all.
        before: lines of console output in the boot's earlier segments.
    """
    if frames is None or search.needs_whole_segments:
        pieces = read_pieces(segment.files["log"], report)
    else:
        pieces = read_pieces(
            segment.files["log"], report, lambda n: n >= len(frames) or frames[n]
        )
    stages = None
    if search.stages is not None:
        stages = search.stages.get((segment.console, segment.name.boot), ())
    selection = _Selection(search, stages, before)
    if search.invert or search.before or search.after:
        return selection.with_neighbours(pieces)
    return selection.matches(pieces)


def learn(segment: Segment) -> SegmentWords | None:
    """Return which words a closed segment holds; None where that cannot be said.

    It cannot of an open one, and of one that is damaged or not ours: its frames are
    not those that a search would pass over.
    """
    if not segment.files.is_packed("log"):
        return None
    path = segment.files["log"]
    faults: list[Fault] = []
    frames = [look_at(text) for text in read_pieces(path, faults.append)]
    if faults or len(frames) != count_frames(path):
        return None
    return SegmentWords(segment.stem, frames)


class _Selection:
    """Chooses lines while a segment's text passes."""

    def __init__(
        self, search: Search, stages: Sequence[range] | None, before: int
    ) -> None:
        self._search = search
        self._stages = stages
        self._count = before
        """Lines of console output so far."""

    def matches(self, pieces: Iterable[bytes]) -> Iterator[Found]:
        """Yield the lines that match."""
        counts = self._search.counts
        for text in pieces:
            counted = 0
            for begin, end in self._search.pattern.lines(text):
                line = text[begin:end]
                if counts:
                    self._count += count_output(text[counted:begin])
                    counted = begin
                number = self._number(line)
                if self._is_wanted(line, number):
                    yield Found(line, matched=True, number=number, apart=False)
            if counts:
                self._count += count_output(text[counted:])

    def with_neighbours(self, pieces: Iterable[bytes]) -> Iterator[Found]:
        """Yield the lines that match, or that do not, and those around them."""
        search = self._search
        waiting: deque[Found] = deque(maxlen=search.before)
        follow = 0
        apart = shown = False
        for found in self._judged(pieces):
            if found.matched:
                for each in (*waiting, found):
                    yield each._replace(apart=apart and shown)
                    apart, shown = False, True
                waiting.clear()
                follow = search.after
            elif follow:
                follow -= 1
                yield found
            else:
                apart = apart or len(waiting) == search.before
                waiting.append(found)

    def _judged(self, pieces: Iterable[bytes]) -> Iterator[Found]:
        """Yield every line, with whether it is one that is looked for."""
        search = self._search
        for text in pieces:
            hits = {begin for begin, _ in search.pattern.lines(text)}
            begin = 0
            for line in text.removesuffix(b"\n").split(b"\n"):
                number = self._number(line)
                wanted = ((begin in hits) != search.invert) and self._is_wanted(
                    line, number
                )
                yield Found(line, matched=wanted, number=number, apart=False)
                self._count += line_mark(line) != NOTE_MARK
                begin += len(line) + 1

    def _number(self, line: bytes) -> int:
        if not self._search.counts:
            return 0
        return self._count + (line_mark(line) != NOTE_MARK)

    def _is_wanted(self, line: bytes, number: int) -> bool:
        search = self._search
        time = line[: MARK_POSITION - 1]
        return (
            (search.since is None or time >= search.since)
            and (search.until is None or time < search.until)
            and (self._stages is None or any(number in each for each in self._stages))
        )
