"""One console behind a BMC, as the rest of solrecd sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import Recorder
from solrecd.sources.guard import Part
from solrecd.sources.ipmi.event_logs import EventLogs
from solrecd.sources.ipmi.examination import Examination
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.management import Management
from solrecd.sources.ipmi.options import IpmiOptions, options_of

NUL = b"\0"
"""What is typed into a silent console: nothing that a program acts on."""


class IpmiSource:
    """A BMC's console, its power, its event log; fits `solrecd.sources.base.Source`.

    Args:
        recorder: takes the console's output.
        keeper: keeps its session.
        management: asks for more than the console, over that session.
        examiner: examines it.
        event_logs: reads its event log while it runs.
        wall_clock: stamps.
    """

    peer = "its BMC"

    def __init__(
        self,
        recorder: Recorder,
        keeper: Keeper,
        management: Management,
        examiner: Examination,
        event_logs: EventLogs,
        wall_clock: Callable[[], int],
    ) -> None:
        self._recorder = recorder
        self._keeper = keeper
        self._event_logs = event_logs
        self._wall_clock = wall_clock
        self.power = management
        self.breaks = keeper
        self.sharing = keeper
        self.examiner = examiner

    async def run(self) -> None:
        """See `Source`; the event log is read meanwhile."""
        guard = self._recorder.guard
        with guard.containing(Part.EVENT_LOG):
            self._event_logs.join(self._recorder, self._keeper.request)
        try:
            await self._keep(self._keeper.config.serial_keepalive)
        finally:
            with guard.containing(Part.EVENT_LOG):
                self._event_logs.leave(self._recorder)

    async def _keep(self, interval: float | None) -> None:
        if interval is None or self._recorder.guard.rests(Part.KEEPALIVE):
            # A fleet's memory is its tasks: most consoles need no second one.
            await self._keeper.run()
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_alive, interval)
            await self._keeper.run()

    async def _keep_alive(self, interval: float) -> None:
        with self._recorder.guard.containing(Part.KEEPALIVE):
            await self._type_into_silence(interval)

    async def _type_into_silence(self, interval: float) -> None:
        """Type a NUL into a console that has been silent for so many seconds.

        Some BMCs drop SoL, and some console servers a line, that nothing crosses.
        """
        while True:
            last = self._recorder.last_output or 0
            silent = (self._wall_clock() - last) / 1_000_000
            if silent < interval:
                await trio.sleep(interval - silent)
                continue
            if not self._keeper.unsent:
                self._keeper.write(NUL)
            await trio.sleep(interval)

    def update(self, config: ConsoleConfig) -> None:
        """See `Source`."""
        self._keeper.config = options_of(config)
        self._keeper.renew()

    def details(self) -> Mapping[str, Any]:
        """See `Source`."""
        options: IpmiOptions = self._keeper.config
        delay = self._keeper.answer_delay
        return {
            "bmc": options.address,
            "username": options.username.decode(errors="replace"),
            "answer_seconds": None if delay is None else round(delay, 3),
        }

    def write(self, data: bytes) -> bool:
        """See `Source`."""
        return self._keeper.write(data)

    @property
    def unsent(self) -> int:
        """See `Source`."""
        return self._keeper.unsent

    def reconnect(self, why: str) -> None:
        """See `Source`."""
        self._keeper.reconnect(why)

    def output_paused(self) -> None:
        """See `Source`."""
        self._keeper.console_is_quiet()

    def revive(self, why: str) -> bool:
        """Activate SoL again: some BMCs lose their own serial line at a reset."""
        return self._keeper.revive(why)
