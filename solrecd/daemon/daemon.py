"""The composition root: builds every part, owns the nurseries, the signals, readiness.

The nursery tree is the order of shutdown, from the inside out::

    services (hub, API, metrics, watchdog)      stop last: goodbyes need the hub
      sinks (archive, index, alerts)            stop when everything was given to them
        consoles                                say goodbye to their BMCs first

The first SIGTERM cancels the consoles; each says goodbye within `keeper.GOODBYE`, or
leaves its session to the next process if this is a restart (`link.handover`). Then
the sinks write what they have. A second SIGTERM, or the end of `Phase.WRITING`, cancels
the sinks as well: what the disk would not take is still in the journal. How long all of
this may take, and what ends it: `process.stopping`.
"""

from __future__ import annotations

import math
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
import trio

from solrecd import __version__
from solrecd.alerts import loki, otlp
from solrecd.alerts.senders import AlertSink, Tools
from solrecd.alerts.shipping import ShipperContext
from solrecd.analysis.boot import pace
from solrecd.analysis.boot.rules import RuleSet
from solrecd.api.api_listeners import ApiListeners
from solrecd.api.app import api_app
from solrecd.api.denials import Denials
from solrecd.api.fleet import FleetError
from solrecd.api.listening_sockets import control_bind
from solrecd.api.metrics_listener import Exporter
from solrecd.api.web.entrance import Entrance
from solrecd.api.web.reader import History
from solrecd.cluster.places import instance
from solrecd.config import Config
from solrecd.console import Sinks
from solrecd.console.factory import ConsoleFactory
from solrecd.console.viewers import Viewers
from solrecd.daemon.files import index_file, make_folders, open_journal, overdue_file
from solrecd.daemon.keeping import Keeping
from solrecd.daemon.saturation import Saturation
from solrecd.daemon.status_line import tell_status
from solrecd.daemon.supervisor import Supervisor, in_numbers
from solrecd.metrics import Format, Metrics, sample_alerts
from solrecd.process.clock import Clock
from solrecd.process.name_lookups import NameLookups
from solrecd.process.stopping import Phase, Stop
from solrecd.process.systemd import Notifier
from solrecd.process.threads import Job, in_thread
from solrecd.process.upkeep import keep_up
from solrecd.sources.base import Services
from solrecd.sources.drivers import Drivers
from solrecd.sources.table import KINDS, POWERS
from solrecd.storage.archive.files import FileSystem
from solrecd.storage.archive.folder_lock import FolderLock
from solrecd.storage.archive.sink import ArchiveSink
from solrecd.storage.healing import Healing
from solrecd.storage.index.boot_history import BootHistory
from solrecd.storage.index.overdue import Overdue
from solrecd.storage.index.sink import IndexSink
from solrecd.storage.space import Storage

ALERTS_FOLDER = "alerts"
"""In ``state_dir``: what fires, and a folder for each receiver that has a queue."""

HEARTBEAT = 0.5
"""Seconds between two measurements of how late the loop wakes up."""

_RECALL = Job("the index of earlier boots", "who asked has to ask again")

T = TypeVar("T")

log = structlog.get_logger()


class Daemon:
    """One recorder; `run` is its whole life. Two may live in one process.

    Args:
        config: what to record, and where.
        rules: markers that the interpreter knows.
        read_config: reads the configuration again, for a reload.
        notifier: the service manager.
        wall_clock: stamps.
        steady_for: returns for how many seconds that clock has not jumped.
        files: of the archive; the operating system's unless a test has others.

    Raises:
        JournalError: the journal cannot be used.
        ArchiveError: a folder cannot be made or written, or another recorder has it.
        WebConfigError: the metrics listener's web configuration cannot be used.
    """

    def __init__(
        self,
        config: Config,
        *,
        rules: RuleSet,
        read_config: Callable[[], Config],
        notifier: Notifier,
        wall_clock: Callable[[], int],
        steady_for: Callable[[], float] = lambda: math.inf,
        files: FileSystem | None = None,
    ) -> None:
        self._config = config
        self.stopping = Stop(trio.current_time)
        self._notifier = notifier
        self._wall_clock = wall_clock
        self._graceful = trio.CancelScope()
        self._forced = trio.CancelScope()
        settings = config.daemon
        make_folders(settings)
        folder = Path(settings.log_dir)
        shard = config.cluster.shard
        self._lock = FolderLock(folder, instance(shard) if shard else "")
        self._metrics = Metrics(rules.failure_names, version=__version__)
        self._metrics.stage_timeouts = config.stages
        self._listeners = ApiListeners(config, Denials(time.monotonic))
        self._exporter = Exporter(
            settings,
            self._scrape,
            self._metrics,
            self._listeners.denials,
            self._listeners.places,
        )
        self._journal = open_journal(settings)
        self._index = self._build_index()
        clock = Clock(wall_clock, steady_for)
        self._keeping = Keeping(config, self._names, clock, self._metrics)
        self._archive = self._build_archive(clock, files)
        self._archive.prepare()
        self._healing = Healing(index_file(settings), folder, settings.markers_dir)
        self._alerts = self._build_alerts()
        self._storage = self._build_storage()
        self._memory = self._build_memory()
        self._saturation = Saturation(self._show_load, self._index.offer, wall_clock)
        self._sources = Drivers(KINDS, self._services, POWERS)
        viewers = Viewers()
        self._factory = self._build_factory(rules, viewers)
        self._supervisor = Supervisor(
            self._factory,
            self._sources,
            viewers,
            wall_clock=wall_clock,
            read_config=read_config,
            coverage=self._keeping.coverage.rows,
        )

    def _names(self) -> Collection[str]:
        return self._supervisor.all_labels()

    def _build_memory(self) -> BootHistory:
        return BootHistory(
            index_file(self._config.daemon),
            outcomes=pace.GOOD,
            count=pace.BOOTS,
            on_damage=self._healing.want,
        )

    def _build_index(self) -> IndexSink:
        settings = self._config.daemon
        return IndexSink(
            index_file(settings),
            wall_clock=self._wall_clock,
            # The storage needs both sinks first, so they find it when they have news.
            report=lambda problem: self._storage.index_troubled(problem),  # noqa: PLW0108
            archive=Path(settings.log_dir),
            overdue=Overdue(overdue_file(settings)),
            on_replaced=lambda reason: self._healing.want(reason),  # noqa: PLW0108
        )

    def _build_archive(self, clock: Clock, files: FileSystem | None) -> ArchiveSink:
        return ArchiveSink(
            replace(self._keeping.archive_options(), locks=self._lock.consoles),
            self._journal,
            on_trouble=lambda trouble: self._storage.archive_troubled(trouble),  # noqa: PLW0108
            on_segment=lambda change: self._storage.segment_changed(change),  # noqa: PLW0108
            on_loss=lambda loss: self._factory.mark_loss(loss),  # noqa: PLW0108
            clock=clock,
            files=files,
        )

    def _build_alerts(self) -> AlertSink:
        settings = self._config.daemon
        folder = Path(settings.state_dir, ALERTS_FOLDER)
        tools = Tools(self._wall_clock, socket.gethostname(), folder)
        alerts = AlertSink(Path(settings.log_dir), tools)
        alerts.configure(self._config)
        sample_alerts(self._metrics, alerts.statistics, lambda: alerts.dropped)
        return alerts

    def _build_storage(self) -> Storage:
        settings = self._config.daemon
        return Storage(
            settings.log_dir,
            settings.keep_free,
            self._journal,
            self._archive,
            self._index,
            self._metrics,
            self._wall_clock,
        )

    def _build_factory(self, rules: RuleSet, viewers: Viewers) -> ConsoleFactory:
        return ConsoleFactory(
            sinks=Sinks(self._archive, self._index, viewers, self._alerts),
            metrics=self._metrics,
            rules=rules,
            followers=(self._listeners.apply, self._alerts.configure),
            history=self._memory,
            wall_clock=self._wall_clock,
        )

    def _services(self, kind: str) -> Services:
        """Return what the driver of a kind of consoles works with."""
        consoles = self._config.enabled.values()
        return Services(
            settings=self._config.daemon,
            consoles=[one.name for one in consoles if one.kind == kind],
            descriptors=self._notifier,
            wall_clock=self._wall_clock,
            rng=random.Random(),  # noqa: S311 - jitter
            observe_ack_delay=self._metrics.ack_delay.observe,
            recall=partial(_in_thread, self._memory.evidence),
            last_log_entry=partial(_in_thread, self._memory.last_log_entry),
            # The supervisor needs the drivers first, so they find it later.
            guard=lambda name: self._supervisor.guards.of(name),  # noqa: PLW0108
        )

    async def run(  # noqa: ASYNC128 - `_record` calls it
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Record until SIGTERM or SIGINT.

        Returns: after everything that was received is in the archive.
        Resources: all sessions are closed and all files too, cancelled or not.
        Errors: ListenError when an address is taken; bugs outside a console.
        """
        # Iterated for the daemon's whole life: a signal still pending when the
        # receiver closes is raised again with its default action, which kills us.
        signals = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
        trio.socket.set_custom_hostname_resolver(NameLookups())
        with (
            trio.open_signal_receiver(*signals) as received,
            self.stopping.watched(signal.SIGTERM, signal.SIGINT),
            closing(self._lock),
            closing(self._journal),
        ):
            async with trio.open_nursery() as services:
                services.start_soon(self._obey, received, services)
                await services.start(self._sources.run)
                await self._listen(services)
                services.start_soon(self._beat)
                for upkeep in (
                    self._storage.run,
                    self._healing.run,
                    self._saturation.run,
                    self._count_restarts,
                ):
                    services.start_soon(keep_up, upkeep)
                services.start_soon(
                    keep_up, tell_status, self._supervisor, self._notifier
                )
                services.start_soon(self._keeping.run, self._index)
                for receiver, kind in (("loki", loki), ("otlp", otlp)):
                    context = self._shipping(receiver)
                    services.start_soon(keep_up, kind.ship, self._config, context)
                await self._record(task_status)
                services.cancel_scope.cancel()
            self.stopping.tell_what_hangs()

    def stop(self, *, is_handing_over: bool = False) -> None:
        """Begin to stop, as SIGTERM does.

        Args:
            is_handing_over: another process follows at once: leave it the sessions.
        """
        self.stopping.begin()
        if is_handing_over:
            self._sources.begin_handover(self._wall_clock())
        self._graceful.cancel()

    async def _listen(self, services: trio.Nursery) -> None:
        settings = self._config.daemon
        gate = self._listeners.gate
        history = History(Path(settings.log_dir), index_file(settings))
        entrance = Entrance(self._supervisor, gate, history, settings)
        api = api_app(self._supervisor, __version__, gate, entrance.pages)
        control = control_bind(settings.control, self._notifier.inherited)
        await self._listeners.open(api, control, services, entrance)
        await services.start(self._exporter.run)

    def _scrape(self, form: Format) -> Iterator[bytes]:
        self._metrics.journal(used=self._journal.used, size=self._journal.size)
        self._metrics.rejected = self._sources.rejected()
        self._metrics.denied = self._listeners.denials.counts
        return self._metrics.chunks(form)

    def _shipping(self, receiver: str) -> ShipperContext:
        metrics = self._metrics
        lines = {"loki": metrics.loki_lines, "otlp": metrics.otlp_lines}[receiver]
        first = {name: one.labels for name, one in self._config.enabled.items()}
        return ShipperContext(
            # The supervisor knows none before it has opened them all.
            consoles=lambda: self._supervisor.all_labels() or first,
            stage=self._metrics.stage_of,
            wall_clock=self._wall_clock,
            counted=lambda result, count: lines.add(result, count=count),
            delayed=metrics.shipping_delay[receiver].observe,
        )

    async def _record(self, task_status: trio.TaskStatus[None]) -> None:
        with self._forced:
            async with trio.open_nursery() as sinks:
                await sinks.start(self._archive.run)
                await sinks.start(self._index.run)
                await sinks.start(self._alerts.run)
                with self._graceful:
                    async with trio.open_nursery() as consoles:
                        await consoles.start(self._supervisor.run, self._config)
                        self._notifier.ready()
                        self._sources.settle()
                        self._sources.beat(self._wall_clock())
                        task_status.started()
                        log.info("daemon.ready", consoles=len(self._config.enabled))
                self._forced.deadline = self.stopping.deadline(Phase.WRITING)
                self._archive.close()
                self._index.close()
                self._alerts.close()
        if self._forced.cancelled_caught:
            log.warning("daemon.forced", waiting=self._archive.backlog)

    # Signals.

    async def _obey(self, received: AsyncIterator[int], services: trio.Nursery) -> None:
        async for number in received:
            if number == signal.SIGHUP:
                # In a task of its own: a signal to stop need not wait for it.
                services.start_soon(self._reload)
            elif self._graceful.cancel_called:
                self._forced.cancel()
            else:
                await self._stop(signal.Signals(number))

    async def _stop(self, why: signal.Signals) -> None:
        self.stopping.begin()
        self._notifier.stopping()
        is_handing_over = why == signal.SIGTERM and await self._notifier.will_restart()
        log.info("daemon.stopping", signal=why.name, hands_over=is_handing_over)
        self.stop(is_handing_over=is_handing_over)

    async def _reload(self) -> None:
        self._notifier.reloading()
        try:
            plan = await self._supervisor.reload(dry_run=False)
        except FleetError as error:
            log.error("reload.refused", reason=str(error))  # noqa: TRY400 - no bug
        else:
            log.info("reload.done", **in_numbers(plan))
        if not self._graceful.cancel_called:
            self._notifier.ready()

    # Housekeeping.

    async def _beat(self) -> None:
        """Measure how late the loop is, and tell the watchdog that it runs."""
        every = min(HEARTBEAT, self._notifier.watchdog_interval or math.inf)
        while True:
            due = trio.current_time() + every
            await trio.sleep_until(due)
            self._metrics.loop_lag.observe(trio.current_time() - due)
            self._notifier.watchdog()
            self._sources.beat(self._wall_clock())

    def _show_load(self, is_saturated: bool) -> None:  # noqa: FBT001 - a callback
        self._metrics.saturated = is_saturated

    async def _count_restarts(self) -> None:
        self._metrics.service_restarts.add(count=await self._notifier.restarts())


async def _in_thread(look_up: Callable[[str], T], console: str) -> T:
    """Look something up in the index of earlier boots."""
    return await in_thread(_RECALL, look_up, console)
