"""The host behind a BMC: its power, and what its serial port prints.

A `Source` is what a host prints from power-on on; a `Machine` owns one and starts it
again at every power-on. Both are pull-driven: `Machine.output` returns what was
printed up to ``now``, `Machine.deadline` says when to ask next.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final, Protocol

from solrecd.simbmc.capture import Capture

_LINE: Final = 64
"""Bytes of one numbered line, line end included."""

_BURSTS_BEHIND: Final = 64
"""A source that was not asked for this many bursts skips ahead in time: a simulator
that cannot keep up must not answer with one huge backlog."""

_CYCLE_PAUSE: Final = 1.0
"""Seconds without power in a power cycle; ipmi_sim does the same."""

_TYPED_KEPT: Final = 4096
"""Bytes of input kept for those who want to compare; the oldest are forgotten."""


class Source(Protocol):
    """What a host prints after power-on."""

    @property
    def deadline(self) -> float | None:
        """When the next byte is due (monotonic); None while there is none to come."""

    def start(self, now: float) -> None:
        """Begin again, as after a power-on."""

    def read(self, now: float) -> bytes:
        """Return what was printed since the last call, up to `now`."""

    def typed(self, data: bytes, now: float) -> None:
        """Take typed input."""


class Playlist:
    """Captures one after the other: a host that boots, fails and boots again.

    Every `start` goes on with the next capture, so that a power cycle in mid-boot
    looks like one.

    Args:
        captures: at least one.
        speed: 2.0 prints twice as fast as the capture was recorded.
        pause: seconds (at speed 1) between the end of one capture and the next.
        forever: False stops after the last capture.
        first: index of the capture that the first power-on plays.
    """

    def __init__(
        self,
        captures: Sequence[Capture],
        *,
        speed: float = 1.0,
        pause: float = 2.0,
        forever: bool = True,
        first: int = 0,
    ) -> None:
        self._captures = captures
        self._speed = speed
        self._pause = pause
        self._forever = forever
        self._next = first
        self._started = 0.0
        self._playing: Capture | None = None
        self._printed = 0
        """How many of the capture's prints were read."""

    @property
    def deadline(self) -> float | None:
        """When the next bytes, or the next capture, are due."""
        capture = self._playing
        if capture is None:
            return None
        if self._printed < len(capture.prints):
            return self._started + capture.prints[self._printed].at / self._speed
        return self._end

    @property
    def _end(self) -> float:
        """When the capture that is playing makes room for the next."""
        assert self._playing is not None  # noqa: S101
        return self._started + (self._playing.duration + self._pause) / self._speed

    def start(self, now: float) -> None:
        """Play the next capture from its first byte."""
        if not self._forever and self._next >= len(self._captures):
            self._playing = None
            return
        self._playing = self._captures[self._next % len(self._captures)]
        self._next += 1
        self._printed = 0
        self._started = now

    def read(self, now: float) -> bytes:
        """Return the bytes whose time has come."""
        capture = self._playing
        if capture is None:
            return b""
        if self._printed == len(capture.prints):
            if now >= self._end:
                self.start(self._end)
            return b""
        return self._due(capture, now)

    def _due(self, capture: Capture, now: float) -> bytes:
        prints = capture.prints
        begin = prints[self._printed - 1].end if self._printed else 0
        end = begin
        played = (now - self._started) * self._speed
        # A hair of slack: `deadline` divided by the speed what this multiplies.
        while self._printed < len(prints) and prints[self._printed].at <= played + 1e-6:
            end = prints[self._printed].end
            self._printed += 1
        return capture.data[begin:end]

    def typed(self, data: bytes, now: float) -> None:
        """Ignored: a capture does not answer."""


def numbered(name: str, offset: int, length: int) -> bytes:
    r"""Return part of an endless stream of numbered 64-byte lines.

    Line n (from 0) is ``<name> <n as 8 digits> ####...\r\n``; the stream is a pure
    function of its arguments, so any recording of it shows every gap.

    Args:
        name: at most 48 characters of ASCII.
        offset: where in the stream to begin.
        length: how many bytes.
    """
    first, skip = divmod(offset, _LINE)
    last = (offset + length + _LINE - 1) // _LINE
    lines = (_numbered_line(name, number) for number in range(first, last))
    return b"".join(lines)[skip : skip + length]


def _numbered_line(name: str, number: int) -> bytes:
    return f"{name} {number:08d} ".ljust(_LINE - 2, "#").encode() + b"\r\n"


class NumberedLines:
    """Prints `numbered` lines in bursts of equal size at a constant rate, endlessly.

    Args:
        name: begins every line.
        rate: bursts per second.
        size: bytes per burst; a SoL packet each while the client keeps up.
        phase: fraction (0-1) of the first interval to wait; spreads a fleet.
        total: stop after this many bytes; None never stops.
    """

    def __init__(
        self,
        name: str,
        *,
        rate: float,
        size: int = _LINE,
        phase: float = 0.0,
        total: int | None = None,
    ) -> None:
        self._name = name
        self._interval = 1 / rate
        self._size = size
        self._phase = phase
        self._total = total
        self._offset = 0
        self._due: float | None = None

    @property
    def deadline(self) -> float | None:
        """When the next burst is due."""
        return self._due

    def start(self, now: float) -> None:
        """Go on counting where the power went away: the stream never repeats."""
        self._due = now + self._phase * self._interval

    def read(self, now: float) -> bytes:
        """Return all bursts that are due."""
        if self._due is None or now < self._due:
            return b""
        bursts = int((now - self._due) / self._interval) + 1
        self._due += bursts * self._interval
        length = min(bursts, _BURSTS_BEHIND) * self._size
        if self._total is not None and self._offset + length >= self._total:
            length = self._total - self._offset
            self._due = None
        data = numbered(self._name, self._offset, length)
        self._offset += length
        return data

    def typed(self, data: bytes, now: float) -> None:
        """Ignored."""


class Echo:
    """Prints what is typed, and a greeting at power-on."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self._waiting = bytearray()
        self._since = 0.0

    @property
    def deadline(self) -> float | None:
        """At once while something waits."""
        return self._since if self._waiting else None

    def start(self, now: float) -> None:
        """Greet."""
        self._waiting[:] = self._greeting
        self._since = now

    def read(self, now: float) -> bytes:  # noqa: ARG002 - a Source
        """Return what was typed since the last call."""
        data = bytes(self._waiting)
        self._waiting.clear()
        return data

    def typed(self, data: bytes, now: float) -> None:
        """Keep `data` for the next `read`."""
        self._waiting += data
        self._since = now


class ChassisControl(enum.IntEnum):
    """IPMI 2.0 §28.3, Table 28-4."""

    POWER_DOWN = 0
    POWER_UP = 1
    POWER_CYCLE = 2
    HARD_RESET = 3
    DIAGNOSTIC_INTERRUPT = 4
    SOFT_SHUTDOWN = 5


class Machine:
    """The host: on or off, printing what its source prints.

    Args:
        source: started at every power-on.
        powered: whether it is on when the first `output` is asked for.
    """

    def __init__(self, source: Source, *, powered: bool = True) -> None:
        self.power_on = False
        self.typed = bytearray()
        """What came in through the serial port, the newest `_TYPED_KEPT` bytes."""
        self.breaks = 0
        """Break conditions seen on the serial port."""
        self._source = source
        self._power_up_at: float | None = 0.0 if powered else None

    @property
    def deadline(self) -> float | None:
        """When `output` has something to do next."""
        return self._source.deadline if self.power_on else self._power_up_at

    def output(self, now: float) -> bytes:
        """Return what was printed up to `now`; empty while the power is off."""
        if self._power_up_at is not None and now >= self._power_up_at:
            self._power_up(now)
        return self._source.read(now) if self.power_on else b""

    def control(self, control: ChassisControl, now: float) -> None:
        """Do what IPMI's Chassis Control asks for (§28.3)."""
        match control, self.power_on:
            case (ChassisControl.POWER_UP, False) | (ChassisControl.HARD_RESET, True):
                self._power_up(now)
            case ChassisControl.POWER_CYCLE, True:
                self._power_down()
                self._power_up_at = now + _CYCLE_PAUSE
            case ((ChassisControl.POWER_DOWN | ChassisControl.SOFT_SHUTDOWN), _):
                self._power_down()
            case _:
                pass  # nothing to do in this state, or nothing a host shows

    def receive(self, data: bytes, now: float) -> None:
        """Take typed input; lost while the power is off."""
        if not self.power_on:
            return
        self.typed += data
        del self.typed[:-_TYPED_KEPT]
        self._source.typed(data, now)

    def send_break(self) -> None:
        """See a break condition on the serial port."""
        self.breaks += 1

    def _power_up(self, now: float) -> None:
        self.power_on = True
        self._power_up_at = None
        self._source.start(now)

    def _power_down(self) -> None:
        self.power_on = False
        self._power_up_at = None
