"""Gives every console its turn to understand what came, off the path of the ACKs.

A console no longer in the set gets no turn, even in the middle of a round: its
archive is closed, and a round lasts for as long as others have to say something. A bug
in one console's turn ends that turn (`solrecd.console.guard`).

A turn is a bounded number of bytes. Consoles that have more to say than that take turns
until the next round, and at most half of the loop's time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Protocol

import trio

from solrecd.sources.guard import Guard, Part

INTERPRET_EVERY = 0.2
"""Seconds of output that the interpreter gets at once; a call per packet would cost
several times as much. With the archive's own delay this stays below 250 ms."""

SLICE = 0.005
"""Seconds of interpreting before ACKs and timers get their turn."""

SHARE = 16 * 1024
"""Bytes of one console in a turn: 1 to 5 ms, whatever they are. At 115200 Bd a round
brings 2300."""

CHECK_EVERY = 5.0
"""Seconds between two looks at what may last minutes only."""

ALL_EVERY = 6
"""Such looks until all consoles are looked at again. In between it is those that print,
and those that wait for time to pass; nearly all of a fleet wait at a prompt, for
months."""


class InterpretedConsole(Protocol):
    """Who gets turns; see `solrecd.console.Console`."""

    @property
    def guard(self) -> Guard:
        """Contains its bugs."""

    def interpret(self, most: int | None = None) -> bool:
        """Give what arrived to the interpreter and the sinks; return what is left.

        Args:
            most: bytes that are enough for now; None: all.
        """

    def settle(self, at: int) -> bool:
        """After a while let the unfinished line count; return whether it has."""

    def waits_for_time(self) -> bool:
        """Whether time alone may change something; if not, it is not checked."""

    def check(self, at: int) -> None:
        """Look at the clock."""

    def end_silence(self, at: int, revive: Callable[[str], bool]) -> None:
        """Have SoL activated again where a machine that should print does not."""

    def limit_stages(self) -> None:
        """Take the configured limits of stages again."""


class Source(Protocol):
    """The way to it; see `solrecd.sources.base.Source`."""

    def output_paused(self) -> None:
        """The machine printed something and then stopped."""

    def revive(self, why: str) -> bool:
        """Try to get a console going that should print."""


class InterpretLoop:
    """The turns of a set of consoles.

    Args:
        wall_clock: stamps.
    """

    def __init__(self, wall_clock: Callable[[], int]) -> None:
        self._wall_clock = wall_clock
        self._present: dict[InterpretedConsole, Source] = {}
        self._woken: set[InterpretedConsole] = set()
        self._unsettled: set[InterpretedConsole] = set()
        self._behind: set[InterpretedConsole] = set()
        """Those with output that a bug kept from being interpreted."""
        self._loud: set[InterpretedConsole] = set()
        """Those with more output than one turn takes."""
        self._watched: set[InterpretedConsole] = set()
        """Those for which time alone may change something."""
        self._output = trio.Event()

    def join(self, console: InterpretedConsole, source: Source) -> None:
        """Give a console turns from now on."""
        self._present[console] = source

    def leave(self, console: InterpretedConsole) -> None:
        """Give it the last one, for what is left."""
        self._present.pop(console, None)
        self._watched.discard(console)
        console.interpret()

    def wake(self, console: InterpretedConsole) -> None:
        """It has output to interpret."""
        self._woken.add(console)
        self._output.set()

    async def run(self) -> None:
        """Give turns until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._interpret_forever)
            nursery.start_soon(self._check_forever)

    async def limit_stages(self) -> None:
        """Have all consoles take the configured limits of stages."""
        await self._in_slices(self._present, _limit_stages)

    async def _interpret_forever(self) -> None:
        while True:
            if not self._unsettled | self._loud:
                await self._output.wait()
            self._output = trio.Event()
            await self._hear_loud(trio.current_time() + INTERPRET_EVERY)
            woken, self._woken = self._woken, set()
            await self._in_slices(woken, self._interpret)
            self._unsettled |= woken
            await self._in_slices(self._unsettled, self._settle)
            self._unsettled &= self._present.keys()

    async def _hear_loud(self, until: float) -> None:
        """Give turns to the loud until a time, one after the other."""
        while self._loud and trio.current_time() < until:
            self._loud &= self._present.keys()
            for console in tuple(self._loud):
                began = trio.current_time()
                self._loud.discard(console)
                if console in self._present:
                    self._interpret(console)
                # As long for everything else; at once where it was quick.
                await trio.sleep(min(trio.current_time() - began, INTERPRET_EVERY))
        await trio.sleep_until(until)

    def _interpret(self, console: InterpretedConsole) -> None:
        self._behind.add(console)

        def interpret() -> None:
            if console.interpret(SHARE):
                self._loud.add(console)
            self._behind.discard(console)

        console.guard.call(Part.RECORDING, interpret, None)

    def _settle(self, console: InterpretedConsole) -> None:
        at, guard = self._wall_clock(), console.guard
        if guard.call(Part.ANALYSIS, lambda: console.settle(at), otherwise=True):
            self._unsettled.discard(console)
            self._watched.add(console)
            guard.call(Part.POWER, self._present[console].output_paused, None)

    async def _check_forever(self) -> None:
        looks = itertools.count()
        while True:
            await trio.sleep(CHECK_EVERY)
            await self._in_slices(self._behind, self._interpret)
            self._behind &= self._present.keys()
            if next(looks) % ALL_EVERY == 0:
                self._watched.update(self._present)
            await self._in_slices(self._watched, self._check)
            self._watched &= self._present.keys()

    def _check(self, console: InterpretedConsole) -> None:
        guard = console.guard
        if not guard.call(Part.ANALYSIS, console.waits_for_time, otherwise=True):
            self._watched.discard(console)
            return
        at, source = self._wall_clock(), self._present[console]
        guard.call(Part.ANALYSIS, lambda: console.check(at), None)
        guard.call(Part.ANALYSIS, lambda: console.end_silence(at, source.revive), None)

    async def _in_slices(
        self,
        consoles: Iterable[InterpretedConsole],
        act: Callable[[InterpretedConsole], object],
    ) -> None:
        began = trio.current_time()
        for console in tuple(consoles):
            if console in self._present:
                act(console)
            if trio.current_time() - began > SLICE:
                await trio.lowlevel.checkpoint()
                began = trio.current_time()


def _limit_stages(console: InterpretedConsole) -> None:
    console.guard.call(Part.ANALYSIS, console.limit_stages, None)
