"""Asks now and then whether a machine is on, and one thing at a time."""

from __future__ import annotations

import math
import random
from typing import Final

import trio

from solrecd.process.backoff import Backoff
from solrecd.sources.base import PowerAction, PowerControl, Recorder
from solrecd.sources.guard import Part
from solrecd.sources.power.control import PowerError

EVERY: Final = 120.0
"""Seconds between two questions at most: each is a login, or TLS, to a slow BMC."""

AFTER_ACT: Final = (1.0, 3.0, 10.0, 20.0)
"""Seconds after a change was asked for, and then after each question, in which the
next one is asked: machines take their time."""

APART: Final = 15.0
"""Seconds at least between two questions of our own."""

FIRST_WAIT: Final = 30.0
LONGEST_WAIT: Final = 600.0
"""Seconds between questions to a BMC that does not answer them."""

REFUSED_WAIT: Final = 3600.0
"""Seconds until an account that was refused is tried again: BMCs lock accounts."""

FAILURES: Final = 2
"""Questions without an answer in a row after which we do not know."""


class WatchedPower:
    """The power of one machine; fits `solrecd.sources.base.PowerControl`.

    Args:
        control: switches it.
        recorder: of the console; learns whether the machine is on.
        rng: spreads a fleet's questions.
    """

    def __init__(
        self, control: PowerControl, recorder: Recorder, rng: random.Random
    ) -> None:
        self._control = control
        self._recorder = recorder
        self._rng = rng
        self._turn = trio.Lock()
        self._backoff = Backoff(rng, FIRST_WAIT, LONGEST_WAIT)
        self._soon = trio.Event()
        self._due = math.inf
        self._asked = -math.inf
        self._follow_up: list[float] = []
        self._failures = 0
        self.error: PowerError | None = None
        """Why the last question had no answer."""

    async def power(self) -> str:
        """See `PowerControl`."""
        async with self._turn:
            self._asked = trio.current_time()
            try:
                found = await self._control.power()
            except PowerError as error:
                self._failed(error)
                raise
        self.error, self._failures = None, 0
        self._backoff.reset()
        self._recorder.power_seen(on=found == PowerAction.ON)
        return found

    def _failed(self, error: PowerError) -> None:
        self.error = error
        self._failures += 1
        if error.is_refused or self._failures >= FAILURES:
            self._recorder.power_seen(on=None)

    async def set_power(self, action: PowerAction) -> None:
        """See `PowerControl`."""
        async with self._turn:
            await self._control.set_power(action)
        self._follow_up = list(AFTER_ACT)
        self._hurry(self._follow_up.pop(0))

    def ask_soon(self) -> None:
        """Ask, if the last time is long enough ago."""
        if self.error is None:
            self._hurry(max(0.0, self._asked + APART - trio.current_time()))

    def _hurry(self, after: float) -> None:
        due = trio.current_time() + after
        if due < self._due:
            self._due = due
            self._soon.set()

    async def run(self) -> None:
        """Ask until cancelled; a bug in it ends it alone."""
        with self._recorder.guard.containing(Part.POWER):
            await self._sleep(self._rng.uniform(0, 2))
            while True:
                await self._sleep(await self._ask())

    async def _ask(self) -> float:
        """Ask, unless it was done just now; return seconds to the next time."""
        refused = self.error is not None and self.error.is_refused
        apart = REFUSED_WAIT if refused else 1.0
        early = self._asked + apart - trio.current_time()
        if early > 0:
            return early
        try:
            await self.power()
        except PowerError as error:
            self._follow_up.clear()
            return REFUSED_WAIT if error.is_refused else self._backoff.next()
        if self._follow_up:
            return self._follow_up.pop(0)
        return self._rng.uniform(EVERY / 2, EVERY)

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until it is wanted sooner."""
        self._due = trio.current_time() + seconds
        while (left := self._due - trio.current_time()) > 0:
            self._soon = trio.Event()
            with trio.move_on_after(left):
                await self._soon.wait()
        self._due = math.inf
