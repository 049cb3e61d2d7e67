"""What is done with what was recorded: copied elsewhere, and accounted for.

Parts of the composition root: they need nothing of the consoles but their names.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from solrecd.config import Config, OffloadConfig
from solrecd.daemon.coverage import CoverageWatch
from solrecd.daemon.files import index_file
from solrecd.events.event import Event, Kind, Severity
from solrecd.metrics import Metrics
from solrecd.process.clock import Clock
from solrecd.process.stamps import SECOND
from solrecd.process.upkeep import keep_up
from solrecd.storage.archive.sink import ArchiveOptions, options_of
from solrecd.storage.formats.coverage import Recorded
from solrecd.storage.index.sink import IndexSink
from solrecd.storage.offload.copying import Copying
from solrecd.storage.offload.ledger import FOLDER, Ledger
from solrecd.storage.offload.service import Clocks, Offload, Rules
from solrecd.storage.offload.store import Store

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")


class Keeping:
    """Copies segments to an object store, where there is one, and tells of coverage.

    Args:
        config: whether, and where.
        names: returns the consoles that are configured.
        clock: stamps.
        metrics: take numbers.
    """

    def __init__(
        self,
        config: Config,
        names: Callable[[], Collection[str]],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._ledger: Ledger | None = None
        if config.offload is not None:
            folder = Path(config.daemon.state_dir, FOLDER)
            self._ledger = Ledger(folder, member_name(config.offload))
        index = index_file(config.daemon)
        self.coverage = CoverageWatch(index, names, metrics, clock.now, self._copied)

    def _copied(self, console: str) -> Recorded:
        """Return what is known of the copies of a console's segments."""
        return Recorded() if self._ledger is None else self._ledger.recorded(console)

    def archive_options(self) -> ArchiveOptions:
        """Return the archive's options: retention waits for copies."""
        offload, ledger = self._config.offload, self._ledger
        if offload is None or ledger is None:
            return options_of(self._config.daemon)
        options = options_of(self._config.daemon, offload.keep_local)
        return replace(options, is_copied=ledger.holds)

    async def run(self, index: IndexSink) -> None:
        """Do both until cancelled; `run` is its whole life.

        Args:
            index: takes events.

        Errors: none; after a bug it begins again.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_up, self.coverage.run)
            nursery.start_soon(keep_up, self._copy, index)

    async def _copy(self, index: IndexSink) -> None:
        """Copy until cancelled; returns at once where nothing is to be copied."""
        config, ledger = self._config.offload, self._ledger
        if config is None or ledger is None:
            return
        daemon = self._config.daemon
        retention = config.retention
        offload = Offload(
            Path(daemon.log_dir),
            ledger,
            partial(_open, self._config, config, ledger),
            Rules(
                packed=daemon.compress,
                retention=None if retention is None else int(retention * SECOND),
            ),
            counts=self._metrics,
            tell=partial(_tell, index, self._clock.now),
            clocks=Clocks(self._clock.now, self._clock.steady_for),
        )
        await offload.run()


def member_name(config: OffloadConfig) -> str:
    """Return the name of this recorder among those that write to the store."""
    return config.member or _NO_NAME.sub("_", socket.gethostname()).lstrip("._-")


def _open(config: Config, offload: OffloadConfig, ledger: Ledger) -> Copying:
    """Open the store; raises `StoreError`."""
    daemon = config.daemon
    return Copying(Path(daemon.log_dir), index_file(daemon), Store(offload), ledger)


def _tell(
    index: IndexSink,
    now: Callable[[], int],
    name: str,
    severity: Severity,
    title: str,
) -> None:
    event = Event(
        time=now(),
        console="",
        kind=Kind.FAILURE,
        name=name,
        severity=severity,
        title=title,
    )
    index.offer((event,))
