"""Boots and events again, from the bytes: what the index is rebuilt from.

The segments decide where boots begin and what their numbers are, even where today's
rules would cut elsewhere: people, links and file names refer to those numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from solrecd.boot.loops import LoopWatch
from solrecd.boot.rules import RuleSet
from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.events import Boot, Event, Reading
from solrecd.history.chunks import SILENCE, SegmentChunks
from solrecd.history.files import Report
from solrecd.history.segments import Segment
from solrecd.index import SegmentRow
from solrecd.interpreter import Interpreter

_CAUSES = frozenset({"firmware", "loader", "kernel"})
"""Stages that a boot may begin with, as causes (see `Boot.cause`)."""


@dataclass(slots=True)
class Replayed:
    """What a console's segments say."""

    boots: list[Boot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    segments: list[SegmentRow] = field(default_factory=list)


def replay(segments: Sequence[Segment], rules: RuleSet, report: Report) -> Replayed:
    """Interpret a console's segments again.

    Args:
        segments: all of them, in stream order.
        rules: the marker rules.
        report: told of damaged files; what can be read counts.
    """
    replayed = Replayed()
    starts: dict[int, int] = {}
    for segment in segments:
        starts.setdefault(segment.name.boot, segment.name.started)
    following = dict(zip(starts, list(starts.values())[1:], strict=False))
    loops = LoopWatch()
    for boot, parts in groupby(segments, key=lambda segment: segment.name.boot):
        _Replay(replayed, boot, list(parts), report).run(rules, following.get(boot))
        if boot in following:
            _count_lap(replayed, loops, following[boot])
    return replayed


def _count_lap(replayed: Replayed, loops: LoopWatch, next_start: int) -> None:
    """Tell of a reboot loop: each boot alone knows nothing of those before it."""
    last = replayed.boots[-1]
    event = loops.lap(last, next_start, None)
    if event is not None:
        replayed.events.append(event)
        replayed.boots[-1] = replace(
            last, failures=last.failures + 1, title=last.title or event.title
        )


class _Replay:
    """One boot's bytes through an interpreter of its own."""

    def __init__(
        self, into: Replayed, boot: int, segments: Sequence[Segment], report: Report
    ) -> None:
        self._into = into
        self._boot = boot
        self._segments = segments
        self._report = report
        self._last: Boot | None = None

    def run(self, rules: RuleSet, following: int | None) -> None:
        """Replay; ``following`` is the stamp of the next boot, None for the last."""
        first = self._segments[0]
        interpreter = Interpreter(
            rules,
            console=first.console,
            boot=Boot(first.console, self._boot, first.name.started),
            timeouts={stage.value: after for stage, after in STAGE_TIMEOUTS.items()},
        )
        end = self._feed(interpreter)
        self._take(interpreter.idle(end + SILENCE))
        if following is not None:
            self._take(interpreter.finish())
        self._finish(interpreter, following)

    def _feed(self, interpreter: Interpreter) -> int:
        """Feed all bytes with the silences between them; return the last stamp."""
        last = self._segments[0].name.started
        for segment in self._segments:
            chunks = SegmentChunks(segment, self._report)
            for batch in chunks.read():
                self._pass_time(interpreter, last, batch[0].at)
                self._take(interpreter.feed(batch))
                last = batch[-1].at
            self._into.segments.append(chunks.row(last))
        return last

    def _pass_time(self, interpreter: Interpreter, since: int, until: int) -> None:
        if until - since >= SILENCE:
            self._take(interpreter.idle(since + SILENCE))
        deadline = interpreter.deadline
        if deadline is not None and deadline <= until:
            self._take(interpreter.idle(deadline))

    def _take(self, reading: Reading) -> None:
        # Where today's rules see another boot begin inside this one, its events still
        # are this boot's: that is where `log` shows the lines.
        self._into.events.extend(
            event if event.boot == self._boot else replace(event, boot=self._boot)
            for event in reading.events
        )
        for boot in reading.boots:
            if boot.boot == self._boot:
                self._last = boot

    def _finish(self, interpreter: Interpreter, following: int | None) -> None:
        boot = self._last or interpreter.boot
        if boot is None:
            return
        if following is not None and boot.ended is None:
            boot = _ended(boot, interpreter, following)
        size = sum(row.bytes for row in self._into.segments if row.boot == self._boot)
        cause = next(iter(boot.stages), "unknown")
        cause = cause if cause in _CAUSES else "unknown"
        self._into.boots.append(replace(boot, bytes=size, cause=cause))


def _ended(boot: Boot, interpreter: Interpreter, at: int) -> Boot:
    """Return the boot as it is once another one has begun."""
    # To the interpreter the machine is switched off: that decides the outcome in the
    # one place that knows how, and must not show as a stage.
    ended = interpreter.power(on=False, at=at).boots
    final = ended[-1] if ended and ended[-1].boot == boot.boot else boot
    return replace(final, last_stage=boot.last_stage, ended=at)
