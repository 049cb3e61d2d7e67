"""All metrics of a daemon, and the text of a scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from solrecd.events import GapReason, LostReason, Stage
from solrecd.metrics import families as f
from solrecd.metrics.console import ENDED_OUTCOMES, TIMED_STAGES, ConsoleMetrics
from solrecd.metrics.exposition import (
    CounterBlock,
    escape,
    histogram,
    label_set,
    labelled,
    seconds,
    single,
)
from solrecd.metrics.histogram import Histogram

CONSOLES_PER_CHUNK = 64
"""Consoles rendered at once: about 0.2 ms, after which ACKs get their turn."""

LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; a BMC retransmits after 100 ms to 1 s and gives up after some of those."""
ACK_BOUNDS = (0.0001, 0.00025, 0.0005, *LAG_BOUNDS)
STAGE_BOUNDS = (1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)

_Series = Callable[[str, ConsoleMetrics], str]


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
        self._failure_names = dict.fromkeys(failure_names)
        self._durations = {str(one): Histogram(STAGE_BOUNDS) for one in TIMED_STAGES}
        self._members: dict[str, _Member] = {}
        self._version = version
        self._filesystem: tuple[int, int] | None = None
        self._journal: tuple[int, int] | None = None
        self._reload = (True, 0)
        self._registry = registry or _process_registry()
        self._families = self._console_families()

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
        return ConsoleMetrics(self._failure_names, self._durations)

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
        """Return the families that do not grow with the fleet."""
        timeouts = {str(stage): limit for stage, limit in self.stage_timeouts.items()}
        infos = [f"{f.CONSOLE_INFO.name}{m.info} 1\n" for m in self._members.values()]
        successful, reload_time = self._reload
        return "".join(
            (
                labelled(f.BUILD_INFO, {self._version: 1}),
                single(f.CONSOLES, len(self._members)),
                f.CONSOLE_INFO.header,
                *infos,
                labelled(f.STAGE_TIMEOUT, timeouts),
                histogram(f.STAGE_DURATION, self._durations),
                *_pair((f.FILESYSTEM_AVAIL, f.FILESYSTEM_SIZE), self._filesystem),
                *_pair((f.JOURNAL_USED, f.JOURNAL_SIZE), self._journal),
                single(f.RELOAD_SUCCESSFUL, int(successful)),
                single(f.RELOAD_TIME, seconds(reload_time)),
                labelled(f.REJECTED, self.rejected),
                histogram(f.LOOP_LAG, {"": self.loop_lag}),
                histogram(f.ACK_DELAY, {"": self.ack_delay}),
            )
        )

    def _console_families(self) -> tuple[tuple[f.Family, _Series], ...]:
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
            (f.FAILURES, lambda name, m: failures.render(name, m.failures)),
        )


def _pair(
    families: tuple[f.Family, f.Family], values: tuple[int, int] | None
) -> Iterator[str]:
    """Yield two families; without series while nothing is known: 0 would alarm."""
    for index, family in enumerate(families):
        yield single(family, values[index]) if values else family.header


def _plain(family: f.Family, value: Callable[[ConsoleMetrics], int]) -> _Series:
    def series(name: str, metrics: ConsoleMetrics) -> str:
        return f'{family.name}{{console="{name}"}} {value(metrics)}\n'

    return series


def _power_on(name: str, metrics: ConsoleMetrics) -> str:
    if metrics.power_on is None:
        return ""
    return f'{f.POWER_ON.name}{{console="{name}"}} {int(metrics.power_on)}\n'


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
