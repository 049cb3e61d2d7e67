"""Copies what is closed, deletes what is old, and tells when it falls behind.

Every round begins with the archive as it is: what is not in a manifest is copied. A
store that is down for an hour, or a daemon that was killed, costs nothing but delay.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import structlog
import trio

from solrecd.events.event import Severity
from solrecd.process.backoff import Backoff
from solrecd.process.stamps import SECOND
from solrecd.process.threads import Job, in_thread
from solrecd.storage.offload.copying import Copying, look
from solrecd.storage.offload.ledger import Ledger
from solrecd.storage.offload.plan import (
    LocalSegment,
    choose_copied,
    choose_deleted,
)
from solrecd.storage.offload.store import StoreError

EVERY: Final = 60.0
"""Seconds between two looks for segments to copy."""

AT_ONCE: Final = 4
"""Consoles that are copied side by side."""

FIRST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 300.0
"""Seconds to the next try after the store failed."""

BEHIND: Final = 3600.0
"""Seconds without a copy while segments wait that are an event."""

STEADY: Final = 3600.0
"""Seconds for which the wall clock must not have jumped before anything is too old."""

NAME_BEHIND: Final = "offload_behind"
NAME_CAUGHT_UP: Final = "offload_caught_up"

_COPY: Final = Job("the object store", "the next start copies it")

log = structlog.get_logger()

Tell = Callable[[str, Severity, str], None]
"""Takes an event: its name, severity and title."""


class Counts(Protocol):
    """What the service tells in numbers; `solrecd.metrics.Metrics` fits it."""

    offload_queue_bytes: int
    offload_queue_segments: int
    offload_last_success: int

    def offloaded(self, size: int) -> None:
        """Count a segment that is in the store."""

    def offload_failed(self) -> None:
        """Count a round that the store ended."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which segments are copied, and which deleted."""

    packed: bool = True
    """Closed segments are compressed: others wait for that."""
    retention: int | None = None
    """Microseconds that segments stay in the store; None: without a limit."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time, for the service."""

    wall: Callable[[], int]
    """Stamps."""
    steady_for: Callable[[], float]
    """Seconds for which that has not jumped."""


class Offload:
    """Copies closed segments; `run` is its whole life.

    Args:
        log_dir: the archive.
        ledger: remembers what is in the store.
        open_copying: opens the store; raises `StoreError`.
        rules: which segments.
        counts: take numbers.
        tell: takes events.
        clocks: the time.
    """

    def __init__(
        self,
        log_dir: Path,
        ledger: Ledger,
        open_copying: Callable[[], Copying],
        rules: Rules,
        *,
        counts: Counts,
        tell: Tell,
        clocks: Clocks,
    ) -> None:
        self._log_dir = log_dir
        self._ledger = ledger
        self._open = open_copying
        self._copying: Copying | None = None
        self._rules = rules
        self._counts = counts
        self._tell = tell
        self._clocks = clocks
        self._is_behind = False
        self._error: str | None = None

    async def run(self) -> None:
        """Copy until cancelled; a thread in the middle of a segment is left behind.

        Errors: none but bugs.
        """
        backoff = Backoff(random.Random(), FIRST_WAIT, LONGEST_WAIT)  # noqa: S311
        self._counts.offload_last_success = self._clocks.wall()
        while True:
            try:
                await self.round()
            except (StoreError, OSError) as error:
                self._failed(error)
                await trio.sleep(backoff.next())
            else:
                self._worked()
                backoff.reset()
                await trio.sleep(EVERY)

    async def round(self) -> None:
        """Copy all that is to be copied now, and delete what is too old.

        Raises:
            StoreError: the store does not do what it should; some may be copied.
            OSError: the archive cannot be read.
        """
        if self._copying is None:
            await in_thread(_COPY, self._ledger.load)
            self._copying = await in_thread(_COPY, self._open)
        copying = self._copying
        plan = await in_thread(_COPY, self._plan)
        waiting = [one for segments in plan.values() for one in segments]
        self._counts.offload_queue_segments = len(waiting)
        self._counts.offload_queue_bytes = sum(one.size for one in waiting)
        self._look_behind()
        await self._copy_all(copying, plan)
        self._look_behind()
        await in_thread(_COPY, self._delete, copying)

    def _plan(self) -> dict[str, list[LocalSegment]]:
        now = self._clocks.wall()
        plan = {}
        for console, segments in look(self._log_dir).items():
            stored = self._ledger.stored(console)
            wanted = choose_copied(segments, stored, now, packed=self._rules.packed)
            if wanted:
                plan[console] = wanted
        return plan

    async def _copy_all(
        self, copying: Copying, plan: Mapping[str, Sequence[LocalSegment]]
    ) -> None:
        """Copy; the first error ends it for all, for the store is the same for all."""
        errors: list[Exception] = []
        limiter = trio.CapacityLimiter(AT_ONCE)
        token = trio.lowlevel.current_trio_token()

        def done(console: str, segment: LocalSegment) -> None:
            token.run_sync_soon(self._copied, console, segment)

        async def copy(console: str, segments: Sequence[LocalSegment]) -> None:
            async with limiter:
                try:
                    await in_thread(
                        _COPY, copying.copy, console, segments, done, lambda: not errors
                    )
                except (StoreError, OSError) as error:
                    errors.append(error)

        async with trio.open_nursery() as nursery:
            for console, segments in plan.items():
                nursery.start_soon(copy, console, segments)
        if errors:
            raise errors[0]

    def _copied(self, console: str, segment: LocalSegment) -> None:
        counts = self._counts
        counts.offload_queue_segments = max(0, counts.offload_queue_segments - 1)
        counts.offload_queue_bytes = max(0, counts.offload_queue_bytes - segment.size)
        counts.offload_last_success = self._clocks.wall()
        counts.offloaded(segment.size)
        log.debug("offload.copied", console=console, segment=str(segment.name))

    def _delete(self, copying: Copying) -> None:
        if self._clocks.steady_for() < STEADY:
            return
        now = self._clocks.wall()
        for manifest in self._ledger.manifests():
            stems = choose_deleted(manifest, self._rules.retention, now)
            if stems:
                copying.delete(manifest.console, stems)

    # Telling.

    def _look_behind(self) -> None:
        counts = self._counts
        if not counts.offload_queue_segments:
            counts.offload_last_success = self._clocks.wall()
        since = (self._clocks.wall() - counts.offload_last_success) / SECOND
        if since < BEHIND and self._is_behind and not counts.offload_queue_segments:
            self._is_behind = False
            text = "all closed segments are in the object store again"
            self._tell(NAME_CAUGHT_UP, Severity.INFO, text)
        elif since >= BEHIND and not self._is_behind:
            self._is_behind = True
            title = (
                f"no segment was copied to the object store for {since / 60:.0f} min;"
                f" {counts.offload_queue_segments} wait"
            )
            why = f": {self._error}" if self._error else ""
            self._tell(NAME_BEHIND, Severity.ERROR, title + why)

    def _failed(self, error: Exception) -> None:
        self._counts.offload_failed()
        self._look_behind()
        if str(error) != self._error:
            log.error("offload.failing", reason=str(error))
        self._error = str(error)

    def _worked(self) -> None:
        if self._error is not None:
            log.info("offload.works_again")
        self._error = None
