"""All metrics of a daemon, and the text of a scrape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.openmetrics import exposition as openmetrics

from solrecd.events import Event, GapReason, LostReason, Stage
from solrecd.metrics import families as f, series
from solrecd.metrics.console import (
    ENDED_OUTCOMES,
    TIMED_STAGES,
    ConsoleMetrics,
    Shared,
)
from solrecd.metrics.exposition import histogram, labelled, seconds
from solrecd.metrics.family import Family, Format, Type
from solrecd.metrics.histogram import Histogram
from solrecd.metrics.signatures import Signatures
from solrecd.metrics.tally import Tally

SERIES_PER_CHUNK = 512
"""Series written at once, 60 KB in up to 1 ms. Far below the 128 KB from which on the
allocator asks the kernel for memory each time, which takes longer than the writing."""

_END = b"# EOF\n"
"""Ends a scrape in OpenMetrics: one without it was cut off."""

LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; a BMC retransmits after 100 ms to 1 s and gives up after some of those."""
ACK_BOUNDS = (0.0001, 0.00025, 0.0005, *LAG_BOUNDS)
STAGE_BOUNDS = (1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)

Samples = Mapping[tuple[str, ...], float | str]
"""Values of a family by label values; text is written as it is."""
Source = Callable[[], Samples]

_SAMPLED = tuple(
    one
    for one in f.CATALOGUE
    if "console" not in one.labels and one.type is not Type.HISTOGRAM
)


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
        self.denied: Mapping[str, int] = {}
        """What the API refused, by reason."""
        self.stage_timeouts: Mapping[Stage, float] = {}
        self.archive_failing: set[str] = set()
        """Consoles whose archive cannot be written."""
        self.index_failing = False
        self._failure_names = dict.fromkeys(failure_names)
        self._durations = {str(one): Histogram(STAGE_BOUNDS) for one in TIMED_STAGES}
        self._signatures = Signatures()
        self._members: dict[str, series.Member] = {}
        self._filesystem: tuple[int, int] | None = None
        self._journal: tuple[int, int] | None = None
        self._reload = (True, 0)
        self._registry = registry or _process_registry()
        self._families = console_families(self._failure_names)
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
        self.gauge(f.DENIED, lambda: _by_label(self.denied))

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
            member = series.member(name, labels or {}, metrics)
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

    def stage_of(self, name: str) -> tuple[int, str]:
        """Return when a console entered its stage, and which; (0, "") if unknown."""
        member = self._members.get(name)
        if member is None:
            return 0, ""
        return member.metrics.stage_since, member.metrics.stage.value

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

    def render(self, form: Format = Format.TEXT) -> bytes:
        """Return a whole scrape."""
        return b"".join(self.chunks(form))

    def chunks(self, form: Format = Format.TEXT) -> Iterator[bytes]:
        """Yield a scrape in pieces that each take about a millisecond at most.

        Numbers may change between two pieces; each series is still consistent.
        """
        yield _process_families(self._registry, form)
        yield self._daemon_families(form).encode()
        members = list(self._members.values())
        for family, write, width in self._families:
            yield family.header(form).encode()
            at_once = max(1, SERIES_PER_CHUNK // width)
            for start in range(0, len(members), at_once):
                yield write(members[start : start + at_once]).encode()
        if form is Format.OPENMETRICS:
            yield _END

    def _daemon_families(self, form: Format) -> str:
        """Return the families that do not grow with the fleet."""
        return "".join(
            (
                *(labelled(one, self._samples(one), form) for one in _SAMPLED),
                histogram(f.STAGE_DURATION, self._durations, form),
                histogram(f.LOOP_LAG, {"": self.loop_lag}, form),
                histogram(f.ACK_DELAY, {"": self.ack_delay}, form),
            )
        )

    def _samples(self, family: Family) -> Samples:
        source = self._sources.get(family)
        return {} if source is None else source()


def console_families(
    failure_names: Collection[str],
) -> tuple[tuple[Family, series.Writer, int], ...]:
    """Return each family of consoles, its writer, and its series for each console."""
    number = series.number
    plain: tuple[tuple[Family, series.Writer], ...] = (
        (f.CONSOLE_INFO, series.info(f.CONSOLE_INFO)),
        (f.SESSION_UP, number(f.SESSION_UP, "session_up")),
        (f.BMC_REACHABLE, number(f.BMC_REACHABLE, "bmc_reachable")),
        (f.POWER_ON, series.known_number(f.POWER_ON, "power_on")),
        (f.SESSION_STATE, series.session_entered(f.SESSION_STATE)),
        (f.SESSION_STOLEN, number(f.SESSION_STOLEN, "stolen")),
        (f.RECEIVED, number(f.RECEIVED, "received_bytes")),
        (f.LAST_OUTPUT, series.stamp(f.LAST_OUTPUT, "last_output")),
        (f.STAGE_ENTERED, series.stage_entered(f.STAGE_ENTERED)),
        (f.STUCK, number(f.STUCK, "stuck")),
        (f.FAILED, number(f.FAILED, "failed")),
        (f.LEFT_LOGGED_IN, number(f.LEFT_LOGGED_IN, "left_logged_in")),
        (f.CRASHES, number(f.CRASHES, "crashes")),
    )
    by_reason: tuple[tuple[Family, Collection[str], str], ...] = (
        (f.SESSION_LOST, tuple(LostReason), "lost"),
        (f.LOST_BYTES, tuple(GapReason), "lost_bytes"),
        (f.GAPS, tuple(GapReason), "gaps"),
        (f.BOOTS, ENDED_OUTCOMES, "boots"),
        (f.FAILURES, failure_names, "failures"),
    )
    return (
        *((family, write, 1) for family, write in plain),
        *(
            (family, series.Counts(family, keys, attribute), len(keys) or 1)
            for family, keys, attribute in by_reason
        ),
    )


def _process_families(registry: CollectorRegistry, form: Format) -> bytes:
    if form is Format.TEXT:
        return generate_latest(registry)
    text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.removesuffix(_END)


def _by_label(values: Mapping[Any, float]) -> Samples:
    return {(str(key),): value for key, value in values.items()}


def _one_of(values: tuple[int, int] | None, index: int) -> Samples:
    """Return a series, or none while nothing is known: 0 would alarm."""
    return {} if values is None else {(): values[index]}


def _process_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
