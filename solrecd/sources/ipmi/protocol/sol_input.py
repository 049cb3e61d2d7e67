"""Console input of the SoL payload: what is typed, and whether the BMC takes it.

Packets are numbered and acknowledged as those of the other direction
(`solrecd.sources.ipmi.protocol.sol_output`), but BMCs differ in the numbers that they
take, and what they do not take they drop without a word:

- OpenBMC takes the next number only, from 1 at each activation. A packet that it has
  taken is dropped, too, when it comes again: if its acknowledgement was lost, that
  number is never acknowledged.
- Others take any number but the last, which may be one of the session before.

An *empty packet* with number 1 before the first one that says something suits both: it
is the first number, or it is dropped and nothing is lost with it.

Where the BMC answers commands, but not a packet that was sent several times, its number
is not the one that it waits for. Then empty packets with all other numbers follow. A
BMC that takes the next number only takes those from there on. Is the first of them
taken, then so was the packet before: only its acknowledgement was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from solrecd.events.wire_counts import Repeat, WireCounts
from solrecd.sources.ipmi.protocol.constants import (
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
    SolOperation,
    SolStatus,
)
from solrecd.sources.ipmi.protocol.events import SolInputStuck
from solrecd.sources.ipmi.protocol.packets import SOL_HEADER_SIZE, SolPacket, encode_sol
from solrecd.sources.ipmi.protocol.quirks import Behaviour
from solrecd.sources.ipmi.protocol.sol_output import next_number
from solrecd.sources.limits import UNSENT_LIMIT, check_room

_NACK: Final = int(SolStatus.NACK)

DEFAULT_SEND_SIZE: Final = 32
"""Bytes per packet where the BMC says nothing usable; freeipmi's choice too."""

_RETRANSMIT_AFTER: Final[tuple[float, ...]] = (0.5, 1.0, 2.0, 4.0)
"""Seconds; the last repeats. BMCs echo within milliseconds, but their own clocks for
retransmission run at about 1 s, and hurrying some of them makes them repeat input."""

_RESUME_AFTER: Final = 0.5
"""Seconds after a NACK: the BMC's buffer is full, or the machine is off."""

_BUMP_AFTER: Final = 6
"""Retransmissions before quirk ``solpacketseq`` bumps the number."""

_OPENINGS: Final = 2
"""Transmissions of the empty packet that comes first; then it goes on without."""

_IGNORED: Final = 3
"""Commands that are answered while a packet is not, before the BMC is taken to drop its
number. A slow BMC that gets other numbers meanwhile would take the packet twice."""

_IGNORED_AGAIN: Final = 1
"""The same for a BMC that has dropped a number before."""

_OTHERS: Final = MAX_SOL_NUMBER - 1
"""Numbers besides the one in flight."""

_OTHERS_WITHIN: Final = 0.5
"""Seconds for the acknowledgements of all other numbers."""

_FIRST_ONES: Final = 3
"""If one of so many of them is taken first, the packet before was; some get lost."""

STUCK_AFTER: Final = 3.0
"""Seconds without a character taken, after which people are told."""

_NOTHING_SENT: Final = 0
"""In place of the next number: the empty packet comes first."""

_BREAK: Final = b""
"""In the queue: a break, which is a status bit and carries no characters."""


class SolSender:
    """Console input: cut to size, one packet in flight, sent until it was accepted."""

    def __init__(self, behaviour: Behaviour, counts: WireCounts) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            behaviour: what the quirks say.
            counts: are added to.
        """
        self._counts = counts
        self._behaviour = behaviour
        self.next_number = _NOTHING_SENT
        """1-15; 0: nothing was sent since the activation."""
        self.size: int | None = None
        """Bytes per packet; None while the payload is not active."""
        self._queue: list[bytes] = []
        self.unsent = 0
        """Bytes written that no BMC has accepted yet."""
        self._flight: SolPacket | None = None
        self._attempts = 0
        self._is_opening = False
        """The packet in flight is the empty one that comes first."""
        self._ignored = 0
        """Commands that were answered meanwhile."""
        self._others: list[int] | None = None
        """Which of all other numbers were acknowledged, counted from the one in flight;
        None: they were not sent."""
        self._is_strict = False
        """This BMC was seen to drop packets for their number."""
        self._waits_since: float | None = None
        """When the BMC should have taken something; None: nothing waits."""
        self._is_told = False
        self.deadline: float | None = None
        """When `expire` has something to do."""

    def start(self, size: int) -> None:
        """The payload is active: packets of at most ``size`` bytes may go."""
        self.size = size
        self.next_number = _NOTHING_SENT

    def resume(self, size: int, number: int) -> None:
        """The payload was active in another process, up to this next number."""
        self.size, self.next_number = size, number

    def stop(self) -> None:
        """The payload is gone, and with it what was typed: it is unwanted later."""
        self.size = self._flight = self.deadline = self._waits_since = None
        self._is_opening = self._is_told = False
        self._others = None
        self._queue.clear()
        self.unsent = 0

    def write(self, data: bytes) -> None:
        """Queue input.

        Raises:
            BufferError: more than `UNSENT_LIMIT` bytes would wait.
        """
        if not data:
            return
        check_room(self.unsent, len(data))
        self._queue.append(data)
        self.unsent += len(data)

    def send_break(self) -> None:
        """Queue a break, in order with what was written.

        Raises:
            BufferError: too much waits.
        """
        if len(self._queue) >= UNSENT_LIMIT:
            raise BufferError("too many breaks wait already")
        self._queue.append(_BREAK)

    # What to send.

    def next_payload(self, now: float) -> bytes | None:
        """Return the packet to send now, if there is one."""
        if (
            self.size is None
            or self._flight is not None
            or self.deadline is not None
            or not self._queue
        ):
            return None
        if self._waits_since is None:
            self._waits_since = now
        self._attempts = self._ignored = 0
        if self.next_number == _NOTHING_SENT:
            self._is_opening = True
            return self._launch(SolPacket(1, 0, 0, 0, b""), now)
        return self._launch(self._packet(self._take_chunk(self.size)), now)

    def _take_chunk(self, size: int) -> bytes:
        chunk = self._queue.pop(0)
        if chunk == _BREAK:
            return chunk
        while len(chunk) < size and self._queue and self._queue[0] != _BREAK:
            chunk += self._queue.pop(0)
        if len(chunk) > size:
            self._queue.insert(0, chunk[size:])
        return chunk[:size]

    def _packet(self, data: bytes) -> SolPacket:
        operation = 0 if data else SolOperation.BREAK
        return SolPacket(self.next_number, 0, 0, operation, data)

    def _launch(self, packet: SolPacket, now: float) -> bytes:
        self._flight = packet
        self.next_number = next_number(packet.number)
        return self._transmit(packet, now)

    def _transmit(self, packet: SolPacket, now: float) -> bytes:
        wait = _RETRANSMIT_AFTER[min(self._attempts, len(_RETRANSMIT_AFTER) - 1)]
        self.deadline = now + wait
        return encode_sol(packet)

    # What the BMC says.

    def acknowledged(self, number: int, accepted: int, status: int, now: float) -> None:
        """Take the BMC's word on a packet of ours.

        What was not accepted goes again, under a new number (§15.11).
        """
        flight = self._flight
        if flight is None:
            return
        if number == flight.number:
            self._settle(flight, accepted, now, refused=bool(status & _NACK))
        elif self._others is not None:
            self._others.append((number - flight.number) % MAX_SOL_NUMBER)
            if self._others[-1] == _OTHERS:
                self._read_others(flight, self._others, now)

    def _read_others(self, flight: SolPacket, taken: Sequence[int], now: float) -> None:
        """Go on behind the other numbers that the BMC took."""
        self._is_strict = True
        was_taken = min(taken) <= _FIRST_ONES
        accepted = len(flight.data) if was_taken else 0
        self._settle(flight, accepted, now, refused=not was_taken)
        self.deadline = None
        self.next_number = (flight.number + max(taken)) % MAX_SOL_NUMBER + 1

    def _settle(
        self, flight: SolPacket, accepted: int, now: float, *, refused: bool
    ) -> None:
        self._flight = self.deadline = self._others = None
        if self._is_opening:
            self._is_opening = False
            return
        if flight.data:
            accepted = min(accepted, len(flight.data))
            if self._behaviour.zero_accepts_all and not accepted and not refused:
                accepted = len(flight.data)
            self.unsent -= accepted
            rest = flight.data[accepted:]
            if rest:
                self._queue.insert(0, rest)
            is_done = not rest
        else:
            is_done = not refused
            if refused:
                self._queue.insert(0, _BREAK)
        if is_done or accepted:
            self._waits_since = now if self._queue else None
        if not is_done and (not accepted or refused):
            self.deadline = now + _RESUME_AFTER

    def news(self, now: float) -> SolInputStuck | None:
        """Return whether input is stuck, once for each change of that."""
        since = self._waits_since
        is_stuck = since is not None and now - since >= STUCK_AFTER
        if is_stuck == self._is_told:
            return None
        self._is_told = is_stuck
        return SolInputStuck(self.unsent if is_stuck else 0, is_stuck=is_stuck)

    # What time brings.

    def expire(self, now: float) -> Sequence[bytes]:
        """Return what to send again, or now at last; call when `deadline` is over."""
        if self.deadline is None or now < self.deadline:
            return ()
        self.deadline = None
        flight = self._flight
        if flight is None:
            return self._go_on(now)
        others, self._others = self._others, None
        if others:
            self._read_others(flight, others, now)
            return self._go_on(now)
        if others is not None:
            # It takes none at all: that is not for its number. Do not do this often.
            self._ignored -= _IGNORED * self._attempts
        self._attempts += 1
        if self._is_opening and self._attempts == _OPENINGS:
            self._flight = None
            self._is_opening = False
            return self._go_on(now)
        self._counts.repeated(Repeat.INPUT)
        if self._behaviour.bump_stuck_number and self._attempts == _BUMP_AFTER:
            return (self._launch(self._packet(flight.data), now),)
        return (self._transmit(flight, now),)

    def _go_on(self, now: float) -> Sequence[bytes]:
        payload = self.next_payload(now)
        return () if payload is None else (payload,)

    @property
    def has_doubts(self) -> bool:
        """A packet was sent again: does the BMC answer anything at all?"""
        return self._flight is not None and self._attempts > 0

    def bmc_answered(self, now: float) -> Sequence[bytes]:
        """Take note that the BMC answers commands; return what that leads to."""
        flight = self._flight
        is_asked = self.has_doubts and not self._is_opening and self._others is None
        if flight is None or not is_asked or self._behaviour.bump_stuck_number:
            return ()
        self._ignored += 1
        if self._ignored < (_IGNORED_AGAIN if self._is_strict else _IGNORED):
            return ()
        self._others = []
        self.deadline = now + _OTHERS_WITHIN
        numbers = [next_number(flight.number)]
        while len(numbers) < _OTHERS:
            numbers.append(next_number(numbers[-1]))
        return [encode_sol(SolPacket(number, 0, 0, 0, b"")) for number in numbers]


def usable_size(told: int, wanted: int | None) -> int:
    """Return how many bytes of input one packet may hold.

    Args:
        told: payload size in the answer to Activate Payload, SoL header included; some
            boards say 0 or 1, some swap its bytes. 0 stands for "not believed".
        wanted: `SessionOptions.payload_size`.
    """
    size = told - SOL_HEADER_SIZE if told > SOL_HEADER_SIZE else DEFAULT_SEND_SIZE
    return min(size, wanted or MAX_SOL_DATA, MAX_SOL_DATA)
