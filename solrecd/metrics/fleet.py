"""All metrics of a daemon, and the text of a scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from solrecd.events import Event, GapReason, LostReason, Stage
from solrecd.metrics import families as f
from solrecd.metrics.console import (
    ENDED_OUTCOMES,
    TIMED_STAGES,
    ConsoleMetrics,
    Shared,
)
from solrecd.metrics.exposition import (
    CounterBlock,
    escape,
    histogram,
    label_set,
    labelled,
    seconds,
)
from solrecd.metrics.family import Family, Type
from solrecd.metrics.histogram import Histogram
from solrecd.metrics.signatures import Signatures
from solrecd.metrics.tally import Tally

CONSOLES_PER_CHUNK = 64
"""Consoles rendered at once: about 0.2 ms, after which ACKs get their turn."""

LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; a BMC retransmits after 100 ms to 1 s and gives up after some of those."""
ACK_BOUNDS = (0.0001, 0.00025, 0.0005, *LAG_BOUNDS)
STAGE_BOUNDS = (1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)

Samples = Mapping[tuple[str, ...], float | str]
"""Values of a family by label values; text is written as it is."""
Source = Callable[[], Samples]
_Series = Callable[[str, ConsoleMetrics], str]

_SAMPLED = tuple(
    one
    for one in f.CATALOGUE
    if "console" not in one.labels and one.type is not Type.HISTOGRAM
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A console as it is rendered: its name is escaped once, not in each scrape."""

    metrics: ConsoleMetrics
    name: str
    info: str


class Metrics:
    """The numbers of one daemon. Belongs to the event loop; nothing here waits.

    Args:
        failure_names: all names that a failure event may have; each has a counter
            from the first scrape on, so that ``increase()`` sees the first failure.
        version: solrecd's.
        registry: of prometheus_client, for metrics of the process. One of its own by
            default: two daemons in one process do not meet.
    """

    def __init__(
        self,
        failure_names: Iterable[str],
        *,
        version: str,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.loop_lag = Histogram(LAG_BOUNDS)
        self.ack_delay = Histogram(ACK_BOUNDS)
        self.rejected: Mapping[str, int] = {}
        """Datagrams dropped, by cause."""
        self.stage_timeouts: Mapping[Stage, float] = {}
        self.archive_failing: set[str] = set()
        """Consoles whose archive cannot be written."""
        self.index_failing = False
        self._failure_names = dict.fromkeys(failure_names)
        self._durations = {str(one): Histogram(STAGE_BOUNDS) for one in TIMED_STAGES}
        self._signatures = Signatures()
        self._members: dict[str, _Member] = {}
        self._filesystem: tuple[int, int] | None = None
        self._journal: tuple[int, int] | None = None
        self._reload = (True, 0)
        self._registry = registry or _process_registry()
        self._families = self._console_families()
        self._sources: dict[Family, Source] = {}
        self._spread = self.tally(f.SPREAD, [(name,) for name in self._failure_names])
        self.evicted = self.tally(f.EVICTED)
        """Segments that were deleted before their time."""
        self.service_restarts = self.tally(f.SERVICE_RESTARTS)
        self._sample_own(version)

    def _sample_own(self, version: str) -> None:
        self.gauge(f.BUILD_INFO, lambda: {(version,): 1})
        self.gauge(f.CONSOLES, lambda: {(): len(self._members)})
        self.gauge(f.STAGE_TIMEOUT, lambda: _by_label(self.stage_timeouts))
        self.gauge(f.FILESYSTEM_AVAIL, lambda: _one_of(self._filesystem, 0))
        self.gauge(f.FILESYSTEM_SIZE, lambda: _one_of(self._filesystem, 1))
        self.gauge(f.JOURNAL_USED, lambda: _one_of(self._journal, 0))
        self.gauge(f.JOURNAL_SIZE, lambda: _one_of(self._journal, 1))
        self.gauge(f.ARCHIVE_FAILING, lambda: {(): self._failing()})
        self.gauge(f.INDEX_FAILING, lambda: {(): int(self.index_failing)})
        self.gauge(f.RELOAD_SUCCESSFUL, lambda: {(): int(self._reload[0])})
        self.gauge(f.RELOAD_TIME, lambda: {(): seconds(self._reload[1])})
        self.gauge(f.REJECTED, lambda: _by_label(self.rejected))

    def _failing(self) -> int:
        return len(self.archive_failing & self._members.keys())

    def console(
        self, name: str, labels: Mapping[str, str] | None = None
    ) -> ConsoleMetrics:
        """Return the numbers of a console, made when it has none yet.

        Args:
            name: of the console.
            labels: those of the configuration, for ``solrecd_console_info``; they
                replace earlier ones.
        """
        member = self._members.get(name)
        if member is None or labels is not None:
            metrics = member.metrics if member else self._new_console()
            info = label_set([("console", name), *(labels or {}).items()])
            member = _Member(metrics, escape(name), info)
            self._members[name] = member
        return member.metrics

    def _new_console(self) -> ConsoleMetrics:
        shared = Shared(self._failure_names, self._durations, self._failed)
        return ConsoleMetrics(shared)

    def _failed(self, event: Event) -> None:
        if self._signatures.spreads(event):
            self._spread.add(event.name)

    def tally(self, family: Family, known: Iterable[tuple[str, ...]] = ()) -> Tally:
        """Return a counter of the daemon's, in each scrape from now on.

        Args:
            family: a counter of the catalogue.
            known: label values that are there at 0 before anything is counted.
        """
        tally = Tally(family, known)
        self._sources[family] = tally.samples
        return tally

    def gauge(self, family: Family, sample: Source) -> None:
        """Have values of the daemon's in each scrape from now on.

        Args:
            family: of the catalogue; also a counter that somebody else keeps.
            sample: returns the values of now by their label values, at once.
        """
        self._sources[family] = sample

    def remove(self, name: str) -> None:
        """Forget a console: the next scrape does not have it."""
        self._members.pop(name, None)

    def filesystem(self, *, avail: int, size: int) -> None:
        """Note the bytes left and in all where the archives are."""
        self._filesystem = (avail, size)

    def journal(self, *, used: int, size: int) -> None:
        """Note the bytes in use and in all of the journal."""
        self._journal = (used, size)

    def reloaded(self, at: int, *, successful: bool) -> None:
        """Note an attempt to read the configuration, the first one included."""
        self._reload = (successful, at if successful else self._reload[1])

    def render(self) -> bytes:
        """Return a whole scrape."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield a scrape in pieces that each take well under a millisecond.

        Numbers may change between two pieces; each series is still consistent.
        """
        yield generate_latest(self._registry)
        yield self._daemon_families().encode()
        members = list(self._members.values())
        for family, series in self._families:
            yield family.header.encode()
            remaining = iter(members)
            while batch := list(islice(remaining, CONSOLES_PER_CHUNK)):
                yield "".join([series(one.name, one.metrics) for one in batch]).encode()

    def _daemon_families(self) -> str:
        """Return the families that do not grow with the fleet, and their labels."""
        infos = [f"{f.CONSOLE_INFO.name}{m.info} 1\n" for m in self._members.values()]
        return "".join(
            (
                f.CONSOLE_INFO.header,
                *infos,
                *(labelled(one, self._samples(one)) for one in _SAMPLED),
                histogram(f.STAGE_DURATION, self._durations),
                histogram(f.LOOP_LAG, {"": self.loop_lag}),
                histogram(f.ACK_DELAY, {"": self.ack_delay}),
            )
        )

    def _samples(self, family: Family) -> Samples:
        source = self._sources.get(family)
        return {} if source is None else source()

    def _console_families(self) -> tuple[tuple[Family, _Series], ...]:
        """Return each family with label ``console`` and what renders its series."""
        lost = CounterBlock(f.SESSION_LOST, LostReason)
        lost_bytes = CounterBlock(f.LOST_BYTES, GapReason)
        gaps = CounterBlock(f.GAPS, GapReason)
        boots = CounterBlock(f.BOOTS, ENDED_OUTCOMES)
        failures = CounterBlock(f.FAILURES, self._failure_names)
        return (
            (f.SESSION_UP, _plain(f.SESSION_UP, lambda m: m.session_up)),
            (f.BMC_REACHABLE, _plain(f.BMC_REACHABLE, lambda m: m.bmc_reachable)),
            (f.POWER_ON, _power_on),
            (f.SESSION_STATE, _session_state),
            (f.SESSION_LOST, lambda name, m: lost.render(name, m.lost)),
            (f.SESSION_STOLEN, _plain(f.SESSION_STOLEN, lambda m: m.stolen)),
            (f.RECEIVED, _plain(f.RECEIVED, lambda m: m.received_bytes)),
            (f.LOST_BYTES, lambda name, m: lost_bytes.render(name, m.lost_bytes)),
            (f.GAPS, lambda name, m: gaps.render(name, m.gaps)),
            (f.LAST_OUTPUT, _last_output),
            (f.BOOTS, lambda name, m: boots.render(name, m.boots)),
            (f.STAGE_ENTERED, _stage_entered),
            (f.STUCK, _plain(f.STUCK, lambda m: m.stuck)),
            (
                f.LEFT_LOGGED_IN,
                _plain(f.LEFT_LOGGED_IN, lambda m: int(m.left_logged_in)),
            ),
            (f.CRASHES, _plain(f.CRASHES, lambda m: m.crashes)),
            (f.FAILURES, lambda name, m: failures.render(name, m.failures)),
        )


def _by_label(values: Mapping[Any, float]) -> Samples:
    return {(str(key),): value for key, value in values.items()}


def _one_of(values: tuple[int, int] | None, index: int) -> Samples:
    """Return a series, or none while nothing is known: 0 would alarm."""
    return {} if values is None else {(): values[index]}


def _plain(family: Family, value: Callable[[ConsoleMetrics], int]) -> _Series:
    def series(name: str, metrics: ConsoleMetrics) -> str:
        return f'{family.name}{{console="{name}"}} {value(metrics)}\n'

    return series


def _power_on(name: str, metrics: ConsoleMetrics) -> str:
    if metrics.power_on is None:
        return ""
    return f'{f.POWER_ON.name}{{console="{name}"}} {int(metrics.power_on)}\n'


def _session_state(name: str, metrics: ConsoleMetrics) -> str:
    if not metrics.session_since:
        return ""
    state, reason = metrics.session_state, metrics.session_reason
    labels = f'console="{name}",state="{state}",reason="{reason}"'
    return f"{f.SESSION_STATE.name}{{{labels}}} {seconds(metrics.session_since)}\n"


def _last_output(name: str, metrics: ConsoleMetrics) -> str:
    if not metrics.last_output:
        return ""
    at = seconds(metrics.last_output)
    return f'{f.LAST_OUTPUT.name}{{console="{name}"}} {at}\n'


def _stage_entered(name: str, metrics: ConsoleMetrics) -> str:
    if not metrics.stage_since:
        return ""
    stage, at = metrics.stage, seconds(metrics.stage_since)
    return f'{f.STAGE_ENTERED.name}{{console="{name}",stage="{stage}"}} {at}\n'


def _process_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
