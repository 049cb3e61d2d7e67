"""OpenBMC's side of one SoL payload instance: its habits, which no other BMC has.

As phosphor-net-ipmid does it (its ``sol`` folder at a52ddc8):

- It sends a packet at most eight times again, one each 100 ms. Then it forgets the
  *number*, not the bytes: these go again under the next one, with whatever came since.
- An ACK of any number but the last one sent is dropped, and with it what it carries.
- Input must come with the number that is next, from 1 at each activation. Any other is
  dropped without an answer, also one that it has taken already.
- An ACK that comes twice finds nothing to acknowledge: empty payloads go out, which are
  shorter than a SoL header.
- Its buffer has no bounds, and is emptied when the payload is deactivated. What is
  printed while there is no owner is not kept.
"""

from __future__ import annotations

from typing import Final

from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.payload import Port, SolSettings
from solrecd.sources.ipmi.protocol.constants import (
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
    SolOperation,
)
from solrecd.sources.ipmi.protocol.packets import SolPacket

SETTINGS: Final = SolSettings(
    input_size=MAX_SOL_DATA,
    accumulate_interval=0.1,
    threshold=1,
    retry_interval=0.1,
    retry_count=7,
)
"""What an image has that changes nothing."""

_HAIR: Final = 1e-6
"""Seconds by which a timer may be early: deadlines are sums of floats."""


class OpenBmcPayload:
    """One instance; used as `solrecd.simbmc.payload.SolPayload` is."""

    def __init__(self, settings: SolSettings, port: Port, ledger: Ledger) -> None:
        self.settings = settings
        self.active = False
        """A session owns the instance."""
        self.accepts_zero = False
        """Of the ordinary payload; OpenBMC always counts."""
        self.ignored = 0
        """Packets of the owner's that were dropped for their number."""
        self._port = port
        self._ledger = ledger
        self._buffer = bytearray()
        self._packet: SolPacket | None = None
        """On its way; its bytes are the first of the buffer."""
        self._expected = 0
        """Accepted character count that acknowledges it."""
        self._out = 0
        """Number of the last packet sent."""
        self._in = 1
        """Number of the next packet of the owner's."""
        self._retries_left = settings.retry_count
        self._resend_at: float | None = None
        self._accumulate_at: float | None = None
        self._outgoing: list[SolPacket | None] = []

    # -- the owner --

    def activate(self, now: float) -> None:
        """Begin to serve a new owner, with numbers that begin afresh."""
        self.active = True
        self._out, self._in = 0, 1
        self._forget_packet()
        self._retries_left = self.settings.retry_count
        self._accumulate(now)

    def deactivate(self, *, tell: bool) -> None:
        """Stop serving; ``tell`` is the controller's: no SoL packet says so."""
        del tell
        self._stop(Drop.NO_OWNER)

    def reset(self) -> None:
        """Lose everything, as when the BMC restarts."""
        self._stop(Drop.RESET)
        self._outgoing.clear()

    def _stop(self, reason: Drop) -> None:
        self.active = False
        self._forget_packet()
        self._accumulate_at = None
        self._ledger.dropped[reason] += len(self._buffer)
        self._buffer.clear()

    def jump(self, numbers: int) -> None:
        """Leave out so many sequence numbers before the next packet."""
        self._out = (self._out + numbers - 1) % MAX_SOL_NUMBER + 1

    # -- console output --

    @property
    def waiting(self) -> int:
        """Bytes that no client has ACKed yet."""
        return len(self._buffer)

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do."""
        due = self._resend_at
        at = self._accumulate_at if self._buffer else None
        if due is None or at is None:
            return at if due is None else due
        return min(due, at)

    def print(self, data: bytes, now: float) -> None:
        """Take what the host printed."""
        self._ledger.printed += len(data)
        if not self.active:
            self._ledger.dropped[Drop.NO_OWNER] += len(data)
            return
        at, interval = self._accumulate_at, self.settings.accumulate_interval
        if at is not None and at < now:
            # It has been looking into an empty buffer once each interval.
            self._accumulate_at = now + interval - (now - at) % interval
        self._buffer += data

    def expire(self, now: float) -> None:
        """Send again, give up, or send what has gathered, whatever is due."""
        if self._resend_at is not None and now >= self._resend_at - _HAIR:
            self._retry(now)
        at = self._accumulate_at
        is_due = at is not None and self._buffer and now >= at - _HAIR
        if is_due and not self._send(now):
            self._accumulate_at = now + self.settings.accumulate_interval

    def _accumulate(self, now: float) -> None:
        if len(self._buffer) > self.settings.threshold and self._send(now):
            return
        self._accumulate_at = now + self.settings.accumulate_interval

    def _send(self, now: float, acknowledged: int = 0, accepted: int = 0) -> bool:
        """Send what has gathered under the next number; False: one is on its way."""
        if self._packet is not None:
            return False
        data = bytes(self._buffer[: self.settings.packet_size])
        self._out = self._out % MAX_SOL_NUMBER + 1
        self._packet = SolPacket(self._out, acknowledged, accepted, 0, data)
        self._expected = len(data)
        self._resend_at = now + self.settings.retry_interval
        self._accumulate_at = None
        self._outgoing.append(self._packet)
        return True

    def _retry(self, now: float) -> None:
        self._ledger.retransmissions += 1
        self._outgoing.append(self._packet)
        if self._retries_left:
            self._retries_left -= 1
            self._resend_at = now + self.settings.retry_interval
            return
        self._retries_left = self.settings.retry_count
        self._forget_packet()
        self._accumulate(now)

    def _forget_packet(self) -> None:
        self._packet = self._resend_at = None
        self._expected = 0

    # -- from the client --

    def receive(self, packet: SolPacket, now: float) -> None:
        """Take a packet of the owner's."""
        is_late = packet.acknowledged not in (0, self._out)
        if packet.number not in (0, self._in) or is_late:
            self.ignored += 1
            return
        counts = packet.accepted == self._expected
        if packet.status & SolOperation.NACK or (packet.acknowledged and not counts):
            self._outgoing.append(self._packet)
            self._resend_at = now + self.settings.retry_interval
            return
        if packet.acknowledged:
            self._acknowledged(packet.accepted)
        if packet.number:
            self._input(packet, now)
        else:
            self._accumulate(now)

    def _acknowledged(self, accepted: int) -> None:
        self._ledger.acknowledge(bytes(self._buffer[:accepted]))
        del self._buffer[:accepted]
        self._retries_left = self.settings.retry_count
        self._forget_packet()

    def _input(self, packet: SolPacket, now: float) -> None:
        self._in = self._in % MAX_SOL_NUMBER + 1
        if packet.status & SolOperation.BREAK:
            self._port.send_break()
        if packet.data:
            self._port.receive(packet.data, now)
        accepted = len(packet.data)
        if self._packet is not None or len(self._buffer) < self.settings.threshold:
            self._accumulate(now)
            self._outgoing.append(SolPacket(0, packet.number, accepted, 0, b""))
        else:
            self._send(now, packet.number, accepted)

    # -- to the client --

    def power_changed(self) -> None:
        """OpenBMC says nothing of the host's power in SoL packets."""

    def packets(self) -> list[SolPacket | None]:
        """Return what to send now, and forget it; None: a payload without a byte."""
        packets, self._outgoing = self._outgoing, []
        return packets
