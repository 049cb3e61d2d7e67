"""Boots and events again, from the bytes: what the index is rebuilt from.

The segments decide where boots begin and what their numbers are, even where today's
rules would cut elsewhere: people, links and file names refer to those numbers. Where
the rules agree with them, one interpreter reads on as the recorder's did, so that it
says of a boot what only the next one shows: a reset, a dump that was saved, an error
record of the firmware.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, islice

from solrecd.analysis.boot.loops import LoopWatch
from solrecd.analysis.boot.pace import Pace
from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.events.boots import Boot
from solrecd.events.event import Event
from solrecd.events.lines import Chunk
from solrecd.events.reading import Reading
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.history.chunks import SILENCE, SegmentChunks
from solrecd.storage.history.files import Report
from solrecd.storage.history.notes import Note, read_notes
from solrecd.storage.history.segments import Segment
from solrecd.storage.index import SegmentRow

LOOK_AHEAD = 32
"""Pieces of a segment that are looked at for its first line, where a boot begins."""

_LOOKS = 4
"""At the clock during one silence: a boot gets stuck, and stays unexplained."""

Piece = Sequence[Chunk] | Note
"""What happened to a console, in order."""


@dataclass(slots=True)
class Replayed:
    """What a console's segments say."""

    boots: list[Boot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    segments: list[SegmentRow] = field(default_factory=list)


def replay(
    segments: Sequence[Segment],
    rules: RuleSet,
    report: Report,
    limits: Mapping[str, float] = STAGE_TIMEOUTS,
    until: int | None = None,
) -> Replayed:
    """Interpret a console's segments again.

    Args:
        segments: all of them, in stream order.
        rules: the marker rules.
        report: told of damaged files; what can be read counts.
        limits: seconds in a stage before a boot counts as stuck, at least.
        until: stamp until which the last boot's silence was recorded; None: not known.
    """
    replaying = _Replay(rules, report, limits)
    for _, parts in groupby(segments, key=lambda segment: segment.name.boot):
        replaying.read(list(parts))
    return replaying.finish(until)


class _Replay:
    """One console's bytes through interpreters that agree with its segments."""

    def __init__(
        self, rules: RuleSet, report: Report, limits: Mapping[str, float]
    ) -> None:
        self._rules = rules
        self._report = report
        self._limits = limits
        self._pace = Pace()
        self._interpreter: Interpreter | None = None
        self._fed = 0
        """Bytes that it was given."""
        self._last = 0
        """Stamp of the newest of them."""
        self._boot = 0
        """Number of the boot whose segments are read."""
        self._boots: dict[int, Boot] = {}
        self._events: list[Event] = []
        self._rows: list[SegmentRow] = []

    def read(self, parts: Sequence[Segment]) -> None:
        """Read the segments of the next boot."""
        pieces = self._pieces(parts)
        opening: list[Piece] = []
        if not self._goes_on(parts[0].name, pieces, opening):
            self._begin(parts[0])
            pieces = chain(opening, pieces)
        for piece in pieces:
            self._take(self._understood(piece))

    def finish(self, until: int | None) -> Replayed:
        """Return what was found; the last boot may be going on (see `replay`)."""
        self._take(self._silence(max(until or 0, self._last + SILENCE)))
        sizes: Counter[int] = Counter()
        for row in self._rows:
            sizes[row.boot] += row.bytes
        boots = [
            replace(b, bytes=sizes[b.boot]) for _, b in sorted(self._boots.items())
        ]
        return Replayed(boots, self._events, self._rows)

    def _pieces(self, parts: Sequence[Segment]) -> Iterator[Piece]:
        """Yield what happened while segments were written, in order."""
        for part in parts:
            notes = deque(read_notes(part, lambda _: None))
            chunks = SegmentChunks(part, self._report)
            for batch in chunks.read():
                rest: Sequence[Chunk] = batch
                while notes and notes[0].at <= rest[-1].at:
                    before = bisect_left(rest, notes[0].at, key=_stamp)
                    yield from filter(None, (rest[:before], notes.popleft()))
                    rest = rest[before:]
                yield rest
            yield from notes
            self._rows.append(chunks.row(max(self._last, part.name.started)))

    # Where boots begin.

    def _goes_on(
        self, name: SegmentName, pieces: Iterator[Piece], opening: list[Piece]
    ) -> bool:
        """Read on to a segment's first line, and say whether a boot begins there.

        Args:
            name: of the segment.
            pieces: what happened in it.
            opening: gets those that were read.
        """
        interpreter, begun = self._interpreter, self._fed
        if interpreter is None:
            return False
        readings: list[Reading] = []
        for piece in islice(pieces, LOOK_AHEAD):
            if not opening:
                self._take(self._silence(_begin_of(piece)))
            opening.append(piece)
            readings += self._understood(piece)
            if any(reading.cuts or reading.lines for reading in readings):
                break
        cuts = (cut for reading in readings for cut in reading.cuts)
        cut = next(cuts, None)
        if cut is None or (cut.offset, cut.boot) != (begun, name.boot):
            return False
        self._boot = name.boot
        self._take(readings)
        return True

    def _begin(self, segment: Segment) -> None:
        """Begin a boot where the interpreter saw none."""
        name = segment.name
        self._end(name.started)
        self._interpreter = Interpreter(
            self._rules, console=segment.console, first_boot=name.boot
        )
        self._interpreter.remember(self._boots.values())
        self._interpreter.limit(self._pace.limits(self._limits))
        self._boot, self._fed, self._last = name.boot, 0, name.started

    def _end(self, at: int) -> None:
        """End the boot before, of which nothing else says how it ended."""
        boot, interpreter = self._boots.get(self._boot), self._interpreter
        if boot is None or interpreter is None:
            return
        if boot.ended is None:
            boot = _ended(boot, interpreter, at)
        loops = LoopWatch()
        loops.remember(each for each in self._boots.values() if each is not boot)
        event = loops.lap(boot, at, None)
        if event is not None:
            self._events.append(event)
            title = boot.title or event.title
            boot = replace(boot, failures=boot.failures + 1, title=title)
        self._boots[boot.boot] = boot
        self._pace.add(boot)

    # What they say.

    def _understood(self, piece: Piece) -> list[Reading]:
        """Have the interpreter read on."""
        readings = self._silence(_begin_of(piece))
        interpreter = self._interpreter
        if interpreter is None:
            return readings
        if not isinstance(piece, Note):
            self._last = piece[-1].at
            self._fed += sum(len(chunk.data) for chunk in piece)
            readings.append(interpreter.feed(piece))
        elif piece.power is not None:
            readings.append(interpreter.power(on=piece.power, at=piece.at))
        elif piece.order is not None:
            interpreter.expect(piece.order.ending, piece.at, piece.order.beginning)
        else:
            readings.append(interpreter.gap())
        return readings

    def _silence(self, until: int) -> list[Reading]:
        """Let time pass, as the recorder does while nothing comes."""
        interpreter = self._interpreter
        readings: list[Reading] = []
        if interpreter is None:
            return readings
        if until - self._last >= SILENCE:
            readings.append(interpreter.idle(self._last + SILENCE))
        for _ in range(_LOOKS):
            deadline = interpreter.deadline
            if deadline is None or deadline > until:
                break
            readings.append(interpreter.idle(deadline))
        return readings

    def _take(self, readings: Iterable[Reading]) -> None:
        """Keep what was said.

        Where today's rules see another boot begin inside of one, its events still are
        the older one's: that is where `log` shows the lines.
        """
        for reading in readings:
            for event in reading.events:
                is_later = (event.boot or 0) > self._boot
                self._events.append(
                    replace(event, boot=self._boot) if is_later else event
                )
            for boot in reading.boots:
                if boot.boot <= self._boot:
                    self._boots[boot.boot] = boot
                if boot.ended is not None and self._interpreter is not None:
                    self._pace.add(boot)
                    self._interpreter.limit(self._pace.limits(self._limits))


def _stamp(chunk: Chunk) -> int:
    return chunk.at


def _begin_of(piece: Piece) -> int:
    """Return the stamp at which something happened."""
    return piece.at if isinstance(piece, Note) else piece[0].at


def _ended(boot: Boot, interpreter: Interpreter, at: int) -> Boot:
    """Return a boot as it is once another one has begun."""
    # To the interpreter the machine is switched off: that decides the outcome in the
    # one place that knows how. It has read the next boot's first line, too, so nothing
    # else is taken from it.
    ended = interpreter.power(on=False, at=at).boots
    final = ended[-1] if ended and ended[-1].boot == boot.boot else boot
    return replace(boot, outcome=final.outcome, ended=at)
