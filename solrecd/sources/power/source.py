"""A source that has its machine's power besides, through a BMC."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import BreakControl, Examiner, Recorder, Sharing, Source, Tell
from solrecd.sources.findings import Finding, bad, ok
from solrecd.sources.power.control import PowerError, PowerMaker
from solrecd.sources.power.options import PowerOptions, details_of
from solrecd.sources.power.watch import WatchedPower


class PoweredSource:
    """Stands for a source; fits `solrecd.sources.base.Source`.

    Args:
        source: has the console, and no power.
        options: of the power.
        make: returns what switches it.
        recorder: of the console.
        rng: spreads a fleet's questions.
    """

    def __init__(
        self,
        source: Source,
        options: PowerOptions,
        make: PowerMaker,
        recorder: Recorder,
        rng: random.Random,
    ) -> None:
        self._source = source
        self._options = options
        control = make(options, recorder.name, recorder.guard)
        self.power = WatchedPower(control, recorder, rng)
        self.breaks: BreakControl | None = source.breaks
        self.sharing: Sharing | None = source.sharing
        self.examiner: Examiner = PowerExamination(source.examiner, options, self.power)

    @property
    def peer(self) -> str:
        """See `Source`."""
        return self._source.peer

    async def run(self) -> None:
        """See `Source`; the power is asked for meanwhile."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.power.run)
            await self._source.run()

    def update(self, config: ConsoleConfig) -> None:
        """See `Source`; a change of the power is a new source."""
        self._source.update(config)

    def details(self) -> Mapping[str, Any]:
        """See `Source`."""
        return {**self._source.details(), **details_of(self._options)}

    def write(self, data: bytes) -> bool:
        """See `Source`."""
        return self._source.write(data)

    @property
    def unsent(self) -> int:
        """See `Source`."""
        return self._source.unsent

    def reconnect(self, why: str) -> None:
        """See `Source`."""
        self._source.reconnect(why)

    def output_paused(self) -> None:
        """See `Source`."""
        self._source.output_paused()
        self.power.ask_soon()

    def revive(self, why: str) -> bool:
        """See `Source`."""
        return self._source.revive(why)


class PowerExamination:
    """What a source examines, and then the power; fits `Examiner`.

    Args:
        console: examines the console; None: nothing does.
        options: of the power.
        power: is asked, or has been.
    """

    def __init__(
        self, console: Examiner | None, options: PowerOptions, power: WatchedPower
    ) -> None:
        self._console = console
        self._options = options
        self._power = power

    async def examine(self, tell: Tell, *, may_log_in: bool) -> None:
        """See `Examiner`."""
        if self._console is not None:
            await self._console.examine(tell, may_log_in=may_log_in)
        await tell(await self._finding(may_log_in=may_log_in))

    async def _finding(self, *, may_log_in: bool) -> Finding:
        """Ask; not again where the account was refused."""
        last = self._power.error
        try:
            if last is not None and (last.is_refused or not may_log_in):
                raise last
            state = await self._power.power()
        except PowerError as error:
            return bad("power", error.what, error.cure)
        way, place = self._options.way.value, self._options.place
        return ok("power", f"{state}, says the BMC {place} ({way})")

    async def proposals(self) -> Sequence[Mapping[str, Any]]:
        """See `Examiner`."""
        return () if self._console is None else await self._console.proposals()

    async def apply_fixes(
        self, user: str, parameters: Collection[int]
    ) -> Sequence[Mapping[str, Any]]:
        """See `Examiner`."""
        if self._console is None:
            return ()
        return await self._console.apply_fixes(user, parameters)
