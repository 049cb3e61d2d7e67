"""All metrics of a daemon, and the text of a scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.openmetrics import exposition as openmetrics

from solrecd.events.event import Event
from solrecd.metrics.console import ConsoleMetrics, Shared
from solrecd.metrics.daemon import DaemonMetrics
from solrecd.metrics.family import Family, Format, declared_in
from solrecd.metrics.series import Member, Writer, member
from solrecd.metrics.signatures import Signatures
from solrecd.metrics.tally import Tally

SERIES_PER_CHUNK = 512
"""Series written at once, 60 KB in up to 1 ms. Far below the 128 KB from which on the
allocator asks the kernel for memory each time, which takes longer than the writing."""

_END = b"# EOF\n"
"""Ends a scrape in OpenMetrics: one without it was cut off."""

_FAMILIES = tuple(declared_in(DaemonMetrics))


class ConsoleFamily(NamedTuple):
    """A family that each console has."""

    family: Family
    write: Writer
    width: int
    """Series of each console."""


class Metrics(DaemonMetrics):
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
        super().__init__()
        self.build_info = {version: 1}
        self.consoles = lambda: {(): len(self._members)}
        self.archive_failing: set[str] = set()
        """Consoles whose archive cannot be written."""
        self.archive_failing_consoles = lambda: {(): self._failing()}
        self.reload_successful = True
        names = tuple(dict.fromkeys(failure_names))
        words = {"name": names}
        self.signatures_spread = Tally(self.signatures_spread.family.knowing(words))
        self._shared = Shared(names, self.stage_durations, self._failed)
        self._signatures = Signatures()
        self._consoles: dict[str, ConsoleMetrics] = {}
        self._members: dict[str, Member] = {}
        self._registry = registry or _process_registry()
        self._families = console_families(words)

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
        metrics = self._consoles.get(name)
        if metrics is None or labels is not None:
            metrics = metrics or ConsoleMetrics(self._shared)
            metrics.labels = labels or {}
            self._consoles[name] = metrics
            self._members[name] = member(name, metrics.labels, metrics)
        return metrics

    def crashed(self, name: str) -> None:
        """Count a bug of ours that a console met, if it is one of the configured."""
        metrics = self._consoles.get(name)
        if metrics is not None:
            metrics.crashes += 1

    def _failed(self, event: Event) -> None:
        if self._signatures.spreads(event):
            self.signatures_spread.add(event.name)

    def stage_of(self, name: str) -> tuple[int, str]:
        """Return when a console entered its stage, and which; (0, "") if unknown."""
        metrics = self._consoles.get(name)
        if metrics is None:
            return 0, ""
        return metrics.stage_since, metrics.stage.value

    def remove(self, name: str) -> None:
        """Forget a console: the next scrape does not have it."""
        self._consoles.pop(name, None)
        self._members.pop(name, None)

    def filesystem(self, *, avail: int, size: int) -> None:
        """Note the bytes left and in all where the archives are."""
        self.filesystem_avail, self.filesystem_size = avail, size

    def journal(self, *, used: int, size: int) -> None:
        """Note the bytes in use and in all of the journal."""
        self.journal_used, self.journal_size = used, size

    def offloaded(self, size: int) -> None:
        """Count the bytes of a segment that is in the object store."""
        self.offload_bytes.add(count=size)

    def offload_failed(self) -> None:
        """Count a time that the object store did not do what it should."""
        self.offload_failures.add()

    def reloaded(self, at: int, *, successful: bool) -> None:
        """Note an attempt to read the configuration, the first one included."""
        self.reload_successful = successful
        self.reload_time = at if successful else self.reload_time

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
            [
                one.how(one.family, getattr(self, one.attribute), form)
                for one in _FAMILIES
            ]
        )


def console_families(words: Mapping[str, Iterable[str]]) -> tuple[ConsoleFamily, ...]:
    """Return each family of consoles.

    Args:
        words: all values of labels that the declarations do not know.
    """
    return tuple(_console_families(words))


def _console_families(words: Mapping[str, Iterable[str]]) -> Iterator[ConsoleFamily]:
    blank = member("", {}, ConsoleMetrics(Shared((), {}, lambda _: None)))
    for one in declared_in(ConsoleMetrics):
        family = one.family.knowing(words)
        write: Writer = one.how(family, one.attribute)
        yield ConsoleFamily(family, write, write([blank]).count("\n") or 1)


def _process_families(registry: CollectorRegistry, form: Format) -> bytes:
    if form is Format.TEXT:
        return generate_latest(registry)
    text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.removesuffix(_END)


def _process_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
