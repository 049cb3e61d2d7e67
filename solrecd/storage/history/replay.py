"""Boots and events again, from the bytes: what the index is rebuilt from.

The segments decide where boots begin and what their numbers are, even where today's
rules would cut elsewhere: people, links and file names refer to those numbers.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, zip_longest

from solrecd.analysis.boot.loops import LoopWatch
from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.events import Boot, Event, Reading
from solrecd.storage.history.chunks import SILENCE, SegmentChunks
from solrecd.storage.history.files import Report
from solrecd.storage.history.segments import Segment
from solrecd.storage.history.text import read_lines
from solrecd.storage.index import SegmentRow

LOOK_AHEAD = 32
"""Packets of the next boot that are looked at: more than the lines in which a crash
kernel says that it is one."""

_RESET = "reboot"
"""The event of a machine that restarted without announcing it."""

_NOTES = 8
"""Lines at the end of a boot's text among which a note of the power would stand."""

_SWITCHED = re.compile(r"^power: off|asked for power (?:off|cycle|reset)")

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
    loops = LoopWatch()
    grouped = groupby(segments, key=lambda segment: segment.name.boot)
    boots = [list(parts) for _, parts in grouped]
    for parts, after in zip_longest(boots, boots[1:], fillvalue=()):
        _Replay(replayed, parts, report).run(rules, after)
        if after:
            _count_lap(replayed, loops, after[0].name.started)
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
        self, into: Replayed, segments: Sequence[Segment], report: Report
    ) -> None:
        self._into = into
        self._boot = segments[0].name.boot
        self._segments = segments
        self._report = report
        self._last: Boot | None = None

    def run(self, rules: RuleSet, after: Sequence[Segment]) -> None:
        """Replay; ``after`` are the segments of the next boot, none after the last."""
        first = self._segments[0]
        following = after[0].name.started if after else None
        interpreter = Interpreter(
            rules,
            console=first.console,
            boot=Boot(first.console, self._boot, first.name.started),
            timeouts={stage.value: after for stage, after in STAGE_TIMEOUTS.items()},
        )
        end = self._feed(interpreter)
        self._take(interpreter.idle(end + SILENCE))
        if after:
            self._take(interpreter.finish())
            self._look_ahead(interpreter, after[0])
        self._finish(interpreter, following)

    def _look_ahead(self, interpreter: Interpreter, after: Segment) -> None:
        """See how the next boot begins: that is what tells a reset from an end.

        Not where the power went, or was asked to go: the machine could not announce
        that, and its output does not tell.
        """
        chunks = SegmentChunks(after, lambda _: None)
        batch = next(chunks.read(), [])[:LOOK_AHEAD]
        if not batch or self._is_power_switched():
            return
        for reading in (
            interpreter.feed(batch),
            interpreter.idle(batch[-1].at + SILENCE),
        ):
            self._into.events += [
                event
                for event in reading.events
                if event.boot == self._boot and event.name == _RESET
            ]
            for boot in reading.boots:
                if boot.boot == self._boot and boot.ended is not None:
                    self._last = replace(boot, ended=after.name.started)

    def _is_power_switched(self) -> bool:
        last = deque(read_lines(self._segments[-1:], lambda _: None), maxlen=_NOTES)
        return any(line.note and _SWITCHED.search(line.text) for line in last)

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
