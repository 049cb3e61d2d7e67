"""Is the machine on? One IPMI command now and then, without a task or a thread for it.

A thousand consoles ask 30 times a second, and what costs is waking up for it. So the
questions of all have a common beat (`solrecd.sources.ipmi.protocol.beat`), which is
that of the sessions' own. The answer is one call; no task waits for it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Protocol

from solrecd.sources.ipmi.protocol.beat import next_beat
from solrecd.sources.ipmi.protocol.constants import CompletionCode, NetFn
from solrecd.sources.ipmi.protocol.events import CommandAnswered, CommandFailed

GET_CHASSIS_STATUS = 0x01
"""IPMI 2.0 §28.2; bit 0 of the answer's first byte: the system has power."""

POWER_EVERY = 30.0
"""Seconds at most between two questions to a BMC that answers them."""

POWER_ALONG = 12.0
"""Seconds after which the question goes along with another that the session asks
anyway: waking up a session for it alone costs as much again. With the usual keepalive
that is every 20 s."""

POWER_FIRST = 2.0
"""Seconds after the login within which the first one is asked."""

POWER_APART = 1.0
"""Seconds at least between two questions, however many reasons there are to ask: the
shortest pause in a power cycle that BMCs keep, and they must not be flooded."""

POWER_PATIENCE = (1.0, 2.0)
"""Seconds after each transmission; the question whether the BMC is there at all, and
whose the payload is, must not wait behind this one for long."""

POWER_FAILURES = 3
"""Questions without an answer in a row after which we do not know."""

POWER_RARELY = 600.0
"""Seconds between two questions to a BMC that does not answer them."""


class Ask(Protocol):
    """Sends a command; see `solrecd.sources.ipmi.link.commands.Commands.ask`."""

    def __call__(
        self,
        netfn: int,
        command: int,
        retry_intervals: tuple[float, ...],
        reply: Callable[[CommandAnswered | CommandFailed], None],
    ) -> None:
        """Send it; ``reply`` is called once."""


class PowerWatch:
    """Asks one BMC whether its machine is on.

    Its owner calls `ask` at `due`.

    Args:
        send: sends a command and calls back with the answer.
        tell: takes each answer: on, off, or None where the BMC does not say.
        rng: spreads a fleet's questions over the interval.
        now: monotonic.
    """

    def __init__(
        self,
        send: Ask,
        tell: Callable[[bool | None], None],
        rng: random.Random,
        now: float,
    ) -> None:
        self.due = now + rng.uniform(0, POWER_FIRST)
        """When `ask` is to be called (monotonic); infinite while an answer is due."""
        self.along = math.inf
        """From when on it may be called where that costs little."""
        self._send = send
        self._tell = tell
        self._place = rng.random()
        self._asked = -math.inf
        self._wanted = math.inf
        """When the next question is wanted, while an answer is due."""
        self._failures = 0

    def hurry(self, now: float, after: float) -> None:
        """Ask in ``after`` seconds if that is sooner, but never twice at once."""
        when = max(now + after, self._asked + POWER_APART)
        if self.due == math.inf:
            self._wanted = min(self._wanted, when)
        else:
            self.due = min(self.due, when)

    def ask(self, now: float) -> None:
        """Ask."""
        self.due = self.along = self._wanted = math.inf
        self._asked = now
        self._send(NetFn.CHASSIS, GET_CHASSIS_STATUS, POWER_PATIENCE, self._answered)

    def _answered(self, answer: CommandAnswered | CommandFailed) -> None:
        beat = next_beat(self._asked, POWER_EVERY, self._place)
        self.due = min(beat, self._wanted)
        self.along = self._asked + POWER_ALONG
        match answer:
            case CommandAnswered(code=CompletionCode.OK, data=data) if data:
                self._failures = 0
                self._tell(bool(data[0] & 1))
            case CommandAnswered():
                self._give_up()
            case CommandFailed():
                self._failures += 1
                if self._failures >= POWER_FAILURES:
                    self._give_up()

    def _give_up(self) -> None:
        """Stop asking often; it may learn to answer one day."""
        self.due = self._asked + POWER_RARELY
        self.along = math.inf
        self._tell(None)
