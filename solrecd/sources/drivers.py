"""The drivers of one daemon, one for each kind of console."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import Driver, Recorder, Services, Source, SourceKind
from solrecd.sources.power.control import PowerMaker, PowerMakers
from solrecd.sources.power.options import PowerOptions, PowerWay
from solrecd.sources.power.source import PoweredSource


class Drivers:
    """Everything that reaches consoles, whatever their kinds.

    Args:
        kinds: the kinds there are, by name.
        services: returns what the driver of a kind is given.
        powers: the ways to switch the power of machines whose consoles have none.
    """

    def __init__(
        self,
        kinds: Mapping[str, SourceKind],
        services: Callable[[str], Services],
        powers: PowerMakers,
    ) -> None:
        given = {name: services(name) for name in kinds}
        self._drivers: Mapping[str, Driver] = {
            name: kind.driver(given[name]) for name, kind in kinds.items()
        }
        self._chances = {name: each.rng for name, each in given.items()}
        self._powers = powers
        self._makers: dict[PowerWay, PowerMaker] = {}

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the sources until cancelled.

        Cancel it after the sources: they say goodbye through their drivers.
        """
        async with trio.open_nursery() as nursery:
            for driver in self._drivers.values():
                await nursery.start(driver.run)
            task_status.started()

    def source(self, config: ConsoleConfig, recorder: Recorder) -> Source:
        """Return the source of a console, which has opened nothing yet."""
        source = self._drivers[config.kind].source(config, recorder)
        power = config.power
        if not isinstance(power, PowerOptions):
            return source
        rng = self._chances[config.kind]
        return PoweredSource(source, power, self._maker(power.way), recorder, rng)

    def _maker(self, way: PowerWay) -> PowerMaker:
        if way not in self._makers:
            self._makers[way] = self._powers[way]()
        return self._makers[way]

    def forget(self, name: str) -> None:
        """Drop what is remembered of a console that was removed."""
        for driver in self._drivers.values():
            driver.forget(name)

    def beat(self, now: int) -> None:
        """Note that this process works at that stamp."""
        for driver in self._drivers.values():
            driver.beat(now)

    def settle(self) -> None:
        """All consoles of the start are there: what was left has been taken over."""
        for driver in self._drivers.values():
            driver.settle()

    def begin_handover(self, now: int) -> None:
        """This process is being replaced at once: leave what is open to the next."""
        for driver in self._drivers.values():
            driver.begin_handover(now)

    def rejected(self) -> Mapping[str, int]:
        """Return how many packets were rejected since the start, by cause."""
        total = Counter[str]()
        for driver in self._drivers.values():
            total.update(driver.rejected())
        return total
