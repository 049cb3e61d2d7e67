"""What the consoles behind BMCs share: sockets, logins, sessions that outlive us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import Recorder, Services
from solrecd.sources.ipmi.event_logs import EventLogs
from solrecd.sources.ipmi.examination import Ask, Examination
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.link import own_session_ids
from solrecd.sources.ipmi.link.dialer import Dialer
from solrecd.sources.ipmi.link.handover import Handover
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.management import MANAGED_AT_ONCE, Management
from solrecd.sources.ipmi.options import IpmiOptions, options_of
from solrecd.sources.ipmi.source import IpmiSource
from solrecd.sources.ipmi.system_event_log import LogEntry


class IpmiDriver:
    """Makes sources of kind ``ipmi``; fits `solrecd.sources.base.Driver`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings
        journal = Path(settings.journal_path)
        ids = own_session_ids.OwnSessionIds(
            journal.with_name(own_session_ids.FILE_NAME)
        )
        self._hub = Hub(services.observe_ack_delay)
        self._handover = Handover(
            services.descriptors,
            self._hub,
            services.consoles,
            ids,
            services.wall_clock(),
        )
        self._dialer = Dialer(
            self._hub, settings.login_concurrency, services.guard, self._handover
        )
        self._options: dict[str, IpmiOptions] = {}
        """Of all consoles."""
        self._threads = trio.CapacityLimiter(MANAGED_AT_ONCE)
        self._event_logs = EventLogs(
            self._newest_entries,
            services.last_log_entry,
            services.wall_clock,
            services.rng,
        )

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """See `Driver`."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._hub.run)
            nursery.start_soon(self._dialer.dismiss_removed)
            nursery.start_soon(self._event_logs.run)
            task_status.started()

    async def _newest_entries(self, ask: Ask, count: int) -> Sequence[LogEntry]:
        return await Management(ask, self._threads).recent_events(count)

    def source(self, config: ConsoleConfig, recorder: Recorder) -> IpmiSource:
        """See `Driver`."""
        services = self._services
        options = self._options[config.name] = options_of(config)
        keeper = Keeper(options, self._dialer, recorder, rng=services.rng)
        examiner = Examination(
            recorder,
            keeper,
            self._dialer,
            services.recall,
            self._threads,
            services.wall_clock,
            self._same_line,
        )
        return IpmiSource(
            recorder,
            keeper,
            Management(keeper.request, self._threads),
            examiner,
            self._event_logs,
            services.wall_clock,
        )

    def _same_line(self, name: str) -> Sequence[str]:
        """Return the other consoles that are configured to be where one is."""
        line = self._options[name].line
        return [
            other
            for other, options in self._options.items()
            if other != name and options.line == line
        ]

    def forget(self, name: str) -> None:
        """See `Driver`."""
        self._options.pop(name, None)
        self._dialer.forget(name)

    def beat(self, now: int) -> None:
        """See `Driver`."""
        self._handover.beat(now)

    def settle(self) -> None:
        """See `Driver`."""
        self._handover.settle()

    def begin_handover(self, now: int) -> None:
        """See `Driver`."""
        self._handover.begin(now)

    def rejected(self) -> Mapping[str, int]:
        """See `Driver`."""
        return self._dialer.rejected()
