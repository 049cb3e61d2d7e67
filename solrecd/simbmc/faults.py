"""What goes wrong on demand: between the BMC and its clients, and in the BMC itself.

`Faults` and `FaultyPath` decide about single datagrams: pure, seeded, no I/O.
`Misbehaviour` says what a BMC does differently from the specification; every field
stands for what a real BMC did. `Mishap` and `Script` are what
happens to a BMC at a given time. All defaults are: nothing goes wrong.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Faults:
    """How bad the network is; probabilities are 0-1 per datagram, times seconds."""

    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    """A reordered datagram is held back for `reorder_hold`; others overtake it."""
    corruption: float = 0.0
    """One random bit is flipped."""
    delay: float = 0.0
    """Every datagram takes this long."""
    jitter: float = 0.0
    """Up to this much more, evenly distributed; reorders as real jitter does."""
    reorder_hold: float = 0.05
    blackouts: tuple[tuple[float, float], ...] = ()
    """Spans (begin, end), seconds since the path was made, in which all is lost."""


class Delivery(NamedTuple):
    """A datagram that arrives at the monotonic time `at`."""

    at: float
    datagram: bytes


class FaultyPath:
    """One direction of a network path.

    Args:
        faults: how bad it is; may be replaced while in use.
        rng: seeded by the caller, so that a failing test can be run again.
        now: monotonic time from which blackouts are counted.
    """

    def __init__(self, faults: Faults, rng: random.Random, now: float = 0.0) -> None:
        self.faults = faults
        self._rng = rng
        self._began = now

    @property
    def faults(self) -> Faults:
        """How bad the path is."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults = faults
        self.is_perfect = faults == Faults()
        """Whether `carry` would deliver everything once, at once and whole."""

    def carry(self, datagram: bytes, now: float) -> Sequence[Delivery]:
        """Return when, how often and in which shape `datagram` arrives."""
        faults = self.faults
        if self._is_lost(now):
            return ()
        copies = 1 + (self._rng.random() < faults.duplication)
        return [
            Delivery(now + self._latency(), self._shape(datagram))
            for _ in range(copies)
        ]

    def _is_lost(self, now: float) -> bool:
        elapsed = now - self._began
        dark = any(begin <= elapsed < end for begin, end in self.faults.blackouts)
        return dark or self._rng.random() < self.faults.loss

    def _latency(self) -> float:
        faults = self.faults
        held = faults.reorder_hold if self._rng.random() < faults.reordering else 0.0
        return faults.delay + self._rng.random() * faults.jitter + held

    def _shape(self, datagram: bytes) -> bytes:
        if not datagram or self._rng.random() >= self.faults.corruption:
            return datagram
        damaged = bytearray(datagram)
        damaged[self._rng.randrange(len(damaged))] ^= 1 << self._rng.randrange(8)
        return bytes(damaged)


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What a BMC does that the specification does not say."""

    mute: bool = False
    """Answers nothing at all, as while its firmware reboots."""
    mute_after_login: bool = False
    """Passes RAKP 4, then answers no command."""
    refusals: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """(net function of the request, command) -> completion code it answers with."""
    unanswered: frozenset[tuple[int, int]] = frozenset()
    """(net function, command) that are dropped without an answer."""
    open_session_status: int | None = None
    """RMCP+ status code of every Open Session Response (§13.24, Table 13-15)."""
    rakp2_status: int | None = None
    rakp4_status: int | None = None
    serial_dead: bool = False
    """The serial multiplexer points elsewhere: IPMI lives, the console is silent."""
    serial_lost: bool = False
    """The same, until SoL is activated again (Intel SR1520ML after a reboot)."""
    payload_stuck: bool = False
    """Deactivate Payload says done, Activate Payload still says active."""
    announced_sizes: tuple[int, int] | None = None
    """Inbound and outbound payload size in the Activate Payload answer."""
    announced_port: int | None = None
    port_swapped: bool = False
    """The port number in the Activate Payload answer is big-endian."""
    robs_silently: bool = False
    """The owner is not told when another session deactivates its payload."""
    data_before_answer: bool = False
    """SoL data overtakes the answer to Activate Payload."""
    accepts_zero: bool = False
    """ACKs carry an accepted character count of 0 and mean "all" (``intelplus``)."""


class Mishap(enum.Enum):
    """Something that happens to a BMC."""

    RESET = "reset"
    """The BMC restarts: sessions, payload and buffered output are gone."""
    STEAL = "steal"
    """Another client takes the payload and keeps it."""
    RELEASE = "release"
    """That client releases it."""
    DEACTIVATE = "deactivate"
    """The BMC switches the payload off; no client takes it."""
    FORGET_SESSIONS = "forget-sessions"
    """All sessions are gone without notice; payload and output stay."""
    MUTE = "mute"
    UNMUTE = "unmute"
    SERIAL_DEAD = "serial-dead"
    SERIAL_ALIVE = "serial-alive"
    SERIAL_LOST = "serial-lost"
    """The console falls silent until SoL is activated again."""
    JUMP = "jump"
    """The next SoL packet leaves several numbers out; nothing was lost."""
    POWER_CYCLE = "power-cycle"
    """The host is power-cycled."""


class Step(NamedTuple):
    """`mishap` happens `at` seconds after the script began."""

    at: float
    mishap: Mishap


@dataclass(frozen=True, slots=True)
class Script:
    """Mishaps in order of time, over and over every `period` seconds if that is set."""

    steps: tuple[Step, ...] = ()
    period: float | None = None

    def nth(self, number: int) -> Step | None:
        """Return the step with this number (from 0); None after the last one."""
        if not self.steps:
            return None
        rounds, index = divmod(number, len(self.steps))
        if self.period is None:
            return self.steps[number] if rounds == 0 else None
        at, mishap = self.steps[index]
        return Step(at + rounds * self.period, mishap)
