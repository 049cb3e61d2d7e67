"""A fleet's afternoon as metrics: real boots read by the real interpreter.

Machines boot, fail and boot again as they did when they were captured, a few of them
slower; sessions are lost and come back. Time is virtual, so that three hours take a
few seconds, and the samples are what the daemon's own renderer makes of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from solrecd import __version__
from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter import Interpreter
from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.events.gaps import GapReason
from solrecd.events.lines import Chunk
from solrecd.events.sessions import LostReason, SessionState
from solrecd.events.wire_counts import Repeat
from solrecd.metrics import Metrics
from solrecd.metrics.console import ConsoleMetrics
from solrecd.process.stamps import SECOND
from solrecd.simbmc import captures
from solrecd.simbmc.capture import Capture
from solrecd.storage import marker_files

START: Final = 1_767_225_600
"""Unix time of the first scrape: a Thursday of 2026, midnight."""
LENGTH: Final = 3 * 3600
SCRAPE: Final = 30
CONSOLES: Final = 12
INSTANCE: Final = "recorder:9623"

SICK: Final = frozenset({0, 1, 2})
"""Consoles of machines that mostly fail."""
HUNG: Final = frozenset({2, 7})
"""Of those that hang in the end."""

_BLOCK: Final = 1.0
"""Seconds of output that are understood at once."""


class _Process(Collector):
    """The recorder's process, as old as the story and a little busy."""

    def __init__(self) -> None:
        self.seconds = 0

    def collect(self) -> Iterator[Metric]:
        """Yield what prometheus_client tells of a process."""
        busy = 86400 * 0.03 + self.seconds * 0.05
        memory = (150 << 20) + self.seconds * 1000
        yield GaugeMetricFamily("process_start_time_seconds", "", START - 86400)
        yield CounterMetricFamily("process_cpu_seconds", "", busy)
        yield GaugeMetricFamily("process_resident_memory_bytes", "", memory)


class Act(NamedTuple):
    """Something that happens at a time."""

    at: float
    """Seconds since `START`."""
    console: int
    data: bytes | None
    """Printed then; None: the session changes."""


@dataclass(slots=True)
class _Member:
    metrics: ConsoleMetrics
    interpreter: Interpreter


def openmetrics() -> Iterator[str]:
    """Yield the scrapes of the story, each sample with its time, as promtool reads."""
    rules = marker_files.load(str(Path(__file__).with_name("no-rules-of-our-own")))
    process = _Process()
    registry = CollectorRegistry()
    registry.register(process)
    metrics = Metrics(rules.failure_names, version=__version__, registry=registry)
    metrics.stage_timeouts = STAGE_TIMEOUTS
    members = [_member(metrics, rules, number) for number in range(CONSOLES)]
    acts = iter(sorted(_acts()))
    act = next(acts, None)
    for at in range(0, LENGTH + SCRAPE, SCRAPE):
        while act is not None and act.at <= at:
            _perform(members[act.console], act)
            act = next(acts, None)
        for member in members:
            member.metrics.read(member.interpreter.idle(_stamp(at)))
        _keep_house(metrics, at)
        process.seconds = at
        yield _stamped(metrics.render().decode(), START + at)
    yield "# EOF\n"


def _member(metrics: Metrics, rules: RuleSet, number: int) -> _Member:
    name = f"node{number + 1:03d}"
    mine = metrics.console(name, {"rack": f"r{number % 3 + 1}"})
    mine.session_up = mine.bmc_reachable = 1
    mine.power_on = True
    mine.session_entered(SessionState.UP, _stamp(0), None)
    interpreter = Interpreter(rules, console=name)
    interpreter.limit({str(stage): limit for stage, limit in STAGE_TIMEOUTS.items()})
    return _Member(mine, interpreter)


def _acts() -> Iterator[Act]:
    rng = random.Random(7)  # noqa: S311 - a story, the same each time
    for console in range(CONSOLES):
        at = rng.uniform(0, 1200)
        end = LENGTH - 1700
        while at < end:
            bad = rng.random() < (0.8 if console in SICK else 0.1)
            name = rng.choice(captures.NAMES if bad else ("boot-and-shutdown",))
            yield from _boot(console, at, name, slowness=rng.uniform(0.9, 4))
            at += rng.uniform(900, 4000)
        last = "hang" if console in HUNG else "good-boot"
        late = LENGTH - (1400 if console in HUNG else rng.uniform(300, 1000))
        yield from _boot(console, late, last, slowness=2)
    for console, at, away in ((4, 2000, 400), (5, 5200, 90), (9, 9000, 3000)):
        yield Act(at, console, None)
        if at + away < LENGTH:
            yield Act(at + away, console, None)


def _boot(console: int, start: float, name: str, slowness: float) -> Iterator[Act]:
    capture = captures.load(name)
    begin = 0
    for until, end in capture.prints:
        if until - _when(capture, begin) >= _BLOCK or end == len(capture.data):
            yield Act(start + until * slowness, console, capture.data[begin:end])
            begin = end


def _when(capture: Capture, offset: int) -> float:
    return next((at for at, end in capture.prints if end > offset), capture.duration)


def _perform(member: _Member, act: Act) -> None:
    mine, at = member.metrics, _stamp(act.at)
    if act.data is None:
        _change_session(mine, at)
        return
    mine.received_bytes += len(act.data)
    mine.wire.received += 1
    if mine.wire.received % 300 == 0:
        mine.wire.repeated(Repeat.OUTPUT)
    mine.last_output = at
    mine.read(member.interpreter.feed([Chunk(at, act.data)]))


def _change_session(mine: ConsoleMetrics, at: int) -> None:
    mine.session_up = 1 - mine.session_up
    if mine.session_up:
        mine.gap(GapReason.SESSION)
        mine.session_entered(SessionState.UP, at, None)
    else:
        mine.session_lost(LostReason.BMC_TIMEOUT)
        mine.session_entered(SessionState.DOWN, at, LostReason.BMC_TIMEOUT)


def _keep_house(metrics: Metrics, at: int) -> None:
    """Let the recorder live: a disk that fills, a loop that is late now and then."""
    rng = random.Random(at)  # noqa: S311 - a story, the same each time
    for _ in range(2 * SCRAPE):
        metrics.loop_lag.observe(rng.expovariate(1 / 0.002))
        metrics.ack_delay.observe(rng.expovariate(1 / 0.0004))
    metrics.filesystem(avail=(400 << 30) - at * (1 << 20), size=1 << 39)
    metrics.journal(used=int(rng.uniform(0.01, 0.05) * (64 << 20)), size=64 << 20)
    metrics.rejected = {"malformed": at // 3000, "forged": at // 7000}
    metrics.reloaded(_stamp(0), successful=True)


def _stamp(at: float) -> int:
    return int((START + at) * SECOND)


def _stamped(text: str, at: int) -> str:
    samples = (line for line in text.splitlines() if line and line[0] != "#")
    return "".join([f"{_labelled(line)} {at}\n" for line in samples])


def _labelled(sample: str) -> str:
    """Return a sample with the labels that a scrape gives it."""
    name, _, value = sample.rpartition(" ")
    own = f'instance="{INSTANCE}",job="solrecd"'
    head, brace, labels = name.partition("{")
    return f"{head}{{{own},{labels} {value}" if brace else f"{head}{{{own}}} {value}"


def write(path: Path, parts: Iterable[str]) -> None:
    """Write the story into a file."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(parts)
