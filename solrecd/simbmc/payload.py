"""A BMC's side of one SoL payload instance (IPMI 2.0 §15).

The host's bytes wait in a bounded buffer. At most one packet is on its way: it takes
a number from 1 to 15, and stays the prefix of the buffer until the client has ACKed
it. A retransmission keeps the number and, as on real BMCs, may carry more data than
the first attempt; a client that recorded the first takes the tail only.

An ACK for fewer bytes than the last attempt carried is ambiguous: the client may have
accepted a part, or may have ACKed an earlier, shorter attempt. What was sent decides:
a count that equals the length of an earlier attempt is late and changes nothing.

What becomes of every byte is written into a `Ledger`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Protocol

from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.sources.ipmi.protocol.constants import (
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
    SolOperation,
    SolStatus,
)
from solrecd.sources.ipmi.protocol.packets import SolPacket

_PAUSE: Final = int(SolOperation.CTS_PAUSE)
_BREAK: Final = int(SolOperation.BREAK)
_NACK: Final = int(SolOperation.NACK)
_OVERRUN: Final = int(SolStatus.TRANSMIT_OVERRUN)
"""Plain numbers: operators of `enum.Flag` cost a microsecond each, per packet."""

_HAIR: Final = 1e-6
"""Seconds by which a timer may be early: deadlines are sums of floats."""


class Overflow(enum.Enum):
    """How a BMC tells that its buffer was full; all three exist."""

    OVERRUN = "overrun"
    """The transmit overrun bit is set in the next packet."""
    SKIP = "skip"
    """A packet sequence number is skipped."""
    SILENT = "silent"


class GiveUp(enum.Enum):
    """What a BMC does when its retransmissions are used up."""

    NEVER = "never"
    PACKET = "packet"
    """Drops the packet and goes on, as §15.11 describes."""
    BACKLOG = "backlog"
    """Drops all that waits and skips a number, as ipmi_sim does."""


@dataclass(frozen=True, slots=True)
class SolSettings:
    """How a BMC runs its SoL payload; the defaults are what real ones do."""

    enabled: bool = True
    packet_size: int = MAX_SOL_DATA
    """Most console bytes in a packet to the client (1-255)."""
    input_size: int = 32
    """Most bytes taken from one packet of the client; it must send the rest again."""
    buffer_size: int = 16 * 1024
    """Bytes of console output that may wait."""
    accumulate_interval: float = 0.06
    """Seconds that output waits for company (§26.3, parameter 3)."""
    threshold: int = 96
    """Bytes that end the wait at once."""
    retry_interval: float = 1.0
    """Seconds until a packet that was not ACKed is sent again."""
    retry_growth: float = 1.0
    """Each further retransmission waits this many times longer."""
    retry_count: int = 7
    grows: bool = True
    """Retransmissions take on what has come in since."""
    flow_control: bool = False
    """The serial line has RTS/CTS: the host waits while half of the buffer is full."""
    overflow: Overflow = Overflow.OVERRUN
    give_up: GiveUp = GiveUp.NEVER
    buffers_without_owner: bool = False
    """Output waits for the next owner instead of being lost (ipmi_sim's history)."""
    numbers_survive: bool = False
    """Sequence numbers of both directions outlive the session (ipmi_sim)."""
    rate: int = 0x0A
    """Number of the bit rate (Table 26-5), 0Ah is 115200; nothing depends on it."""
    lasting_rate: int = 0x0A
    """The same after a restart of the BMC."""
    needs_encryption: bool = False
    """Activate Payload must ask for encryption (completion code 84h otherwise)."""

    def holds_host(self, waiting: int) -> bool:
        """Whether the host must not print while so many bytes wait."""
        return self.flow_control and 2 * waiting >= self.buffer_size


class Port(Protocol):
    """The host's end of the serial line."""

    @property
    def power_on(self) -> bool:
        """Characters can be transferred only then."""

    def receive(self, data: bytes, now: float) -> None:
        """Take what was typed."""

    def send_break(self) -> None:
        """See a break condition."""


class SolPayload:
    """One instance: the host's bytes in, SoL packets out, and the other way round."""

    def __init__(self, settings: SolSettings, port: Port, ledger: Ledger) -> None:
        self.settings = settings
        self.active = False
        """A session owns the instance."""
        self.accepts_zero = False
        """See `Misbehaviour.accepts_zero`."""
        self._port = port
        self._ledger = ledger
        self._buffer = bytearray()
        self._since: float | None = None
        """When the oldest byte that waits came in."""
        self._number = 0
        """Number of the last packet with data."""
        self._attempts: list[int] = []
        """Lengths with which the packet on its way was sent; empty: none is."""
        self._resend_at = 0.0
        self._held = False
        """The client asked for a pause (CTS)."""
        self._skips = 0
        """Numbers that the next packet leaves out."""
        self._overrun = False
        self._overrun_told = False
        """Every attempt of the packet on its way has the overrun bit."""
        self._input_number = 0
        self._input_accepted = 0
        self._outgoing: list[SolPacket] = []

    # -- the owner --

    def activate(self, now: float) -> None:
        """Begin to serve a new owner; what waits is sent from its first byte."""
        self.active = True
        self._held = False
        self._attempts.clear()
        if not self.settings.numbers_survive:
            self._number = self._input_number = 0
        self._pump(now)

    def deactivate(self, *, tell: bool) -> None:
        """Stop serving; `tell` queues the notice for the owner of so far."""
        if tell:
            self._send_status(SolStatus.DEACTIVATED)
        self.active = False
        self._attempts.clear()
        if not self.settings.buffers_without_owner:
            self._discard(Drop.NO_OWNER)

    def jump(self, numbers: int) -> None:
        """Leave out so many sequence numbers before the next packet."""
        self._skips = numbers

    def reset(self) -> None:
        """Lose everything, as when the BMC restarts."""
        self.active = False
        self._attempts.clear()
        self._outgoing.clear()
        self._number = self._input_number = 0
        self._discard(Drop.RESET)

    # -- console output --

    @property
    def waiting(self) -> int:
        """Bytes that no client has ACKed yet."""
        return len(self._buffer)

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do."""
        if not self.active or not self._buffer or self._since is None:
            return None
        if self._attempts:
            return self._resend_at
        return None if self._held else self._since + self.settings.accumulate_interval

    def print(self, data: bytes, now: float) -> None:
        """Take what the host printed."""
        self._ledger.printed += len(data)
        if not self.active and not self.settings.buffers_without_owner:
            self._ledger.dropped[Drop.NO_OWNER] += len(data)
            return
        room = self.settings.buffer_size - len(self._buffer)
        if not self._buffer:
            self._since = now
        self._buffer += data[:room]
        if len(data) > room:
            self._overflow(len(data) - room)
        self._pump(now)

    def expire(self, now: float) -> None:
        """Do what is due: a retransmission, or a packet that waited for company."""
        if self.active and self._attempts and now >= self._resend_at:
            self._resend(now)
        self._pump(now)

    def _pump(self, now: float) -> None:
        if self._attempts or not self._buffer or not self.active or self._held:
            return
        settings = self.settings
        assert self._since is not None  # noqa: S101
        waited = now - self._since
        enough = len(self._buffer) >= settings.threshold
        if enough or waited >= settings.accumulate_interval - _HAIR:
            self._advance_number()
            self._send_data(now)

    def _advance_number(self) -> None:
        self._number = (self._number + self._skips) % MAX_SOL_NUMBER + 1
        self._ledger.skipped_numbers += self._skips
        self._skips = 0

    def _send_data(self, now: float) -> None:
        settings = self.settings
        size = settings.packet_size
        if self._attempts and not settings.grows:
            size = self._attempts[0]
        data = bytes(self._buffer[:size])
        status = _OVERRUN if self._overrun else 0
        if not self._attempts:
            self._overrun_told = self._overrun
        wait = settings.retry_interval * settings.retry_growth ** len(self._attempts)
        self._resend_at = now + wait
        self._attempts.append(len(data))
        self._outgoing.append(SolPacket(self._number, 0, 0, status, data))

    def _resend(self, now: float) -> None:
        settings = self.settings
        used_up = len(self._attempts) > settings.retry_count
        if used_up and settings.give_up is not GiveUp.NEVER:
            self._give_up(now)
            return
        self._ledger.retransmissions += 1
        self._send_data(now)

    def _give_up(self, now: float) -> None:
        if self.settings.give_up is GiveUp.BACKLOG:
            self._discard(Drop.GIVEN_UP)
            self._skips = 1
        else:
            lost = self._attempts[-1]
            self._ledger.dropped[Drop.GIVEN_UP] += lost
            self._take(lost, now)
        self._attempts.clear()

    def _overflow(self, lost: int) -> None:
        self._ledger.dropped[Drop.OVERFLOW] += lost
        # However much is lost in one go, real parts leave out a single number.
        if self.settings.overflow is Overflow.SKIP:
            self._skips = 1
        if self.settings.overflow is Overflow.OVERRUN and not self._overrun:
            self._overrun = True
            self._ledger.overruns += 1

    def _discard(self, reason: Drop) -> None:
        self._ledger.dropped[reason] += len(self._buffer)
        self._buffer.clear()
        self._since = None

    def _take(self, length: int, now: float) -> bytes:
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._since = now if self._buffer else None
        return data

    # -- from the client --

    def receive(self, packet: SolPacket, now: float) -> None:
        """Take a packet of the owner's."""
        self._held = bool(packet.status & _PAUSE)
        if packet.acknowledged:
            self._acknowledged(packet, now)
        if packet.number:
            self._input(packet, now)
        if packet.status & _BREAK:
            self._port.send_break()

    def _acknowledged(self, packet: SolPacket, now: float) -> None:
        if not self._attempts or packet.acknowledged != self._number:
            return
        if packet.status & _NACK:
            self._resend_at = now + self.settings.retry_interval
            return
        accepted = packet.accepted
        # Taking a late ACK for a partial accept would send bytes that the client has
        # in hand, in the retransmission, once more under a new number.
        if accepted != self._attempts[-1] and accepted in self._attempts:
            return
        self._attempts.clear()
        # The ACK may be for an attempt that was sent before the overrun.
        self._overrun = self._overrun and not self._overrun_told
        self._ledger.acknowledge(self._take(accepted, now))
        self._pump(now)

    def _input(self, packet: SolPacket, now: float) -> None:
        if not self._port.power_on:
            self._send_ack(
                packet.number, 0, SolStatus.NACK | SolStatus.TRANSFER_UNAVAILABLE
            )
            return
        if packet.number != self._input_number:
            data = packet.data[: self.settings.input_size]
            self._input_number = packet.number
            self._input_accepted = len(data)
            self._port.receive(data, now)
        accepted = 0 if self.accepts_zero else self._input_accepted
        self._send_ack(packet.number, accepted, 0)

    # -- to the client --

    def power_changed(self) -> None:
        """Tell the owner that characters can no longer, or again, be transferred."""
        if self.active:
            off = not self._port.power_on
            self._send_status(SolStatus.TRANSFER_UNAVAILABLE if off else 0)

    def packets(self) -> list[SolPacket]:
        """Return the packets to send now, and forget them."""
        packets, self._outgoing = self._outgoing, []
        return packets

    def _send_ack(self, number: int, accepted: int, status: int) -> None:
        self._outgoing.append(SolPacket(0, number, accepted, status, b""))

    def _send_status(self, status: int) -> None:
        self._outgoing.append(SolPacket(0, 0, 0, status, b""))
