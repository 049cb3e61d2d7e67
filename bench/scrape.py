"""A scrape of 5000 consoles: how long it holds the loop, against prometheus_client.

Both render the same series. Then scrapes go over a real socket to readers in other
processes: plain and gzip, alone, two at once, beside a reader who takes his time. For
every step of a task between two turns of the loop the processor time is noted: what
else runs on the machine does not count. How late a task came that wanted to run each
millisecond is what a BMC's packet would have met; there everything counts.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import trio
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bench.figures import Figure
from solrecd.analysis.boot.rules import RuleSet
from solrecd.api.server import serve
from solrecd.events.sessions import SessionState
from solrecd.events.stages import Stage
from solrecd.metrics import Format, Metrics, declared, metrics_app
from solrecd.metrics.fleet import console_families
from solrecd.process.garbage_collection import freeze_objects
from solrecd.storage import marker_files

_CONSOLES = 5000
_NOW = 1_795_348_800_000_000
_PROBE_SECONDS = 0.001
_TRIES = 5
_RIVAL_SERIES = 50_000
"""Ten for each console; all of ours would take prometheus_client ten seconds."""

_START_SECONDS = 0.2
"""For a reader's process, before it sends its request."""

_READER = """
import sys, time, urllib.request
time.sleep(0.5)
url, encoding, pause = sys.argv[1:]
wanted = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
with urllib.request.urlopen(wanted) as answer:
    while answer.read(1 << 16):
        time.sleep(float(pause))
"""


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes about half a minute."""
    del directory  # nothing is written
    rules = marker_files.load()
    metrics = _fleet(rules)
    series = metrics.render().count(b"\n") - 2 * len(declared())
    yield Figure(f"scrape, {_CONSOLES} consoles", series, "series")
    # In turns: what the machine does besides comes to both.
    ours, theirs = [], []
    rival = _rival()
    for _ in range(_TRIES):
        ours.append(_slices(metrics))
        theirs.append(_seconds(lambda: generate_latest(rival)))
    whole = min(map(sum, ours))
    small = whole * _RIVAL_SERIES / series
    yield Figure("scrape, all series, in the loop", whole * 1e3, "ms")
    yield Figure("scrape, 50k series, in the loop", small * 1e3, "ms", goal=50)
    yield Figure("scrape, longest piece", min(map(max, ours)) * 1e3, "ms", goal=20)
    yield Figure("scrape, 50k series, prometheus_client", min(theirs) * 1e3, "ms")
    yield Figure(
        "scrape, solrecd / prometheus_client", small / min(theirs), "ratio", goal=0.1
    )
    for name, readers in _READERS.items():
        steps, lags = trio.run(_serve, metrics, readers)
        yield Figure(f"{name}, loop time", steps.sum * 1e3, "ms")
        goal = 20 if readers else None
        yield Figure(f"{name}, longest step", steps.longest * 1e3, "ms", goal=goal)
        yield Figure(f"{name}, lag p99", _quantile(lags, 0.99) * 1e3, "ms")
        yield Figure(f"{name}, lag at most", max(lags) * 1e3, "ms")


_READERS: dict[str, Sequence[tuple[str, float]]] = {
    "no scrape": [],
    "plain scrape": [("identity", 0)],
    "gzip scrape": [("gzip", 0)],
    "two gzip scrapes": [("gzip", 0), ("gzip", 0)],
    "gzip beside a slow reader": [("gzip", 0), ("identity", 0.005)],
}
"""Accept-Encoding, and seconds of rest after each 64 KB."""


def _fleet(rules: RuleSet) -> Metrics:
    """Return the numbers of a fleet at work, with failures here and there."""
    metrics = Metrics(rules.failure_names, version="1")
    for number in range(_CONSOLES):
        console = metrics.console(f"node{number:04}", {"rack": f"r{number // 40}"})
        console.received_bytes = number * 7919
        console.last_output = _NOW + number * 1_000_003
        console.session_entered(SessionState.UP, _NOW - number, None)
        console.session_up = console.bmc_reachable = 1
        console.power_on = number % 50 != 0
        console.enter(Stage.LOGIN, _NOW - number * 999)
        if number % 20 == 0:
            console.failures = {next(iter(rules.failure_names)): number}
            console.boots = {"ok": 3}
    return metrics


def _rival() -> CollectorRegistry:
    """Return as many series as the goal names, as prometheus_client's children."""
    registry = CollectorRegistry()
    families = [one.family for one in console_families({"name": ["panic"]})]
    for family in families[: _RIVAL_SERIES // _CONSOLES]:
        # As gauges: a counter of prometheus_client has a second series.
        metric = Gauge(family.name, family.help, ["console"], registry=registry)
        for number in range(_CONSOLES):
            metric.labels(f"node{number:04}")
    return registry


def _slices(metrics: Metrics) -> list[float]:
    """Return the processor seconds that each piece of a scrape takes."""
    taken = []
    chunks = metrics.chunks(Format.TEXT)
    while True:
        begun = time.thread_time()
        chunk = next(chunks, None)
        taken.append(time.thread_time() - begun)
        if chunk is None:
            return taken


def _seconds(work: Callable[[], object]) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


class _Steps(trio.abc.Instrument):
    """Processor time of the loop's thread, by steps of tasks."""

    def __init__(self) -> None:
        self.sum = self.longest = 0.0
        self._begun = time.thread_time()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Begin to count."""
        self._begun = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Note what the step took."""
        taken = time.thread_time() - self._begun
        self.sum += taken
        self.longest = max(self.longest, taken)


async def _serve(
    metrics: Metrics, readers: Sequence[tuple[str, float]]
) -> tuple[_Steps, Sequence[float]]:
    """Return what the loop did while readers scraped, and how late it was."""
    lags: list[float] = []
    freeze_objects()
    async with trio.open_nursery() as services:
        app = metrics_app(metrics.chunks)
        address = await services.start(serve, app, ("127.0.0.1", 0))
        url = f"http://{address}/metrics"
        async with trio.open_nursery() as reading:
            for encoding, pause in readers:
                reading.start_soon(_read, url, encoding, pause)
            # Not what it costs to start the readers.
            await trio.sleep(_START_SECONDS)
            steps = _Steps()
            trio.lowlevel.add_instrument(steps)
            services.start_soon(_probe, lags)
            reading.start_soon(trio.sleep, 1)
        trio.lowlevel.remove_instrument(steps)
        services.cancel_scope.cancel()
    return steps, lags


async def _read(url: str, encoding: str, pause: float) -> None:
    command = [sys.executable, "-c", _READER, url, encoding, str(pause)]
    await trio.run_process(command, stdin=subprocess.DEVNULL)


async def _probe(lags: list[float]) -> None:
    while True:
        due = trio.current_time() + _PROBE_SECONDS
        await trio.sleep_until(due)
        lags.append(trio.current_time() - due)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)))]
