"""The SoL payload's two directions (IPMI 2.0 §15.9-15.11).

Each direction numbers its packets 1-15 and has one of them in flight at a time. The
receiver of a packet acknowledges its number and how many characters it took; number 0
carries an acknowledgement only and is not acknowledged itself.

`SolReceiver` is the rule this project exists for: what a packet brought counts as
received when `SolReceiver.acknowledge` is called, not before. Until then the BMC sends
the packet again, under the same number, perhaps with more characters at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from solrecd.counts import Repeat, WireCounts
from solrecd.events import GapReason
from solrecd.sources.ipmi.protocol.constants import (
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
    SolOperation,
    SolStatus,
)
from solrecd.sources.ipmi.protocol.events import (
    SessionEvent,
    SolAvailable,
    SolBreak,
    SolData,
    SolDeactivated,
    SolLoss,
    SolUnavailable,
)
from solrecd.sources.ipmi.protocol.frozen import Numbers
from solrecd.sources.ipmi.protocol.packets import SOL_HEADER_SIZE, SolPacket, encode_sol
from solrecd.sources.ipmi.protocol.quirks import Behaviour
from solrecd.sources.limits import UNSENT_LIMIT

_NOTEWORTHY: Final = int(
    SolStatus.TRANSFER_UNAVAILABLE
    | SolStatus.DEACTIVATED
    | SolStatus.TRANSMIT_OVERRUN
    | SolStatus.BREAK
)
_SOL_END: Final = SOL_HEADER_SIZE + MAX_SOL_DATA
_NO_NUMBER: Final = -1
_UNAVAILABLE: Final = int(SolStatus.TRANSFER_UNAVAILABLE)
_NACK: Final = int(SolStatus.NACK)
_MOMENTARY: Final = (
    (SolStatus.TRANSMIT_OVERRUN, SolLoss(GapReason.OVERRUN)),
    (SolStatus.BREAK, SolBreak()),
    (SolStatus.DEACTIVATED, SolDeactivated()),
)
"""Status bits that are events of their own, in the order in which they are told."""


def next_number(number: int) -> int:
    """Return the SoL number after ``number``: 1-15, then 1 again."""
    return number % MAX_SOL_NUMBER + 1


class SolReceiver:
    """Console output: takes each byte once, in order, and notices what is missing."""

    def __init__(self, counts: WireCounts) -> None:
        """Expect a first packet of any number, as after every activation.

        Args:
            counts: are added to.
        """
        self._counts = counts
        self._taken = 0
        """Number of the last packet that was acknowledged; 0: none yet."""
        self._taken_size = 0
        self._expected = _NO_NUMBER
        self._pending = 0
        """Number of the packet that waits for `acknowledge`; 0: none."""
        self._pending_size = 0
        self._seen = 0
        """Number of the last packet, acknowledged or not, whose status was told."""
        self._seen_status = 0
        self._unavailable = False

    def restart(self) -> None:
        """Forget the numbers: the payload is about to be activated."""
        self._taken = self._taken_size = 0
        self._expected = _NO_NUMBER
        self._pending = self._seen = self._seen_status = 0
        self._unavailable = False

    def numbers(self) -> tuple[int, int, int, int, int, int]:
        """Return `taken` to `status` of `protocol.frozen.Numbers`."""
        return (
            self._taken,
            self._taken_size,
            self._pending,
            self._pending_size,
            self._seen,
            self._seen_status,
        )

    def resume(self, numbers: Numbers) -> None:
        """Go on behind these numbers, which are settled."""
        self._taken, self._taken_size = numbers.taken, numbers.taken_size
        if self._taken:
            self._expected = next_number(self._taken)
        self._seen, self._seen_status = numbers.seen, numbers.status

    def receive(self, payload: bytes) -> Sequence[SessionEvent]:
        """Return what a SoL payload says, apart from its acknowledgement of ours.

        Args:
            payload: at least 4 bytes, from an authenticated packet.
        """
        number = payload[0] & 0x0F
        status = payload[3] & _NOTEWORTHY
        if number == self._expected and not status and not self._unavailable:
            # The path of nearly every packet: the next number, nothing special.
            self._pending = self._seen = number
            self._seen_status = 0
            data = payload[SOL_HEADER_SIZE:_SOL_END]
            self._pending_size = len(data)
            return (SolData(data),) if data else ()
        # What is not acknowledged by now was not recorded, and will come again.
        self._pending = 0
        events = self._read_status(number, status)
        if number:
            events += self._read_number(number)
            events += self._read_data(number, payload[SOL_HEADER_SIZE:_SOL_END])
            self._seen, self._seen_status = number, status
        return events

    def _read_status(self, number: int, status: int) -> list[SessionEvent]:
        """Return events for status bits that this packet did not show before."""
        events: list[SessionEvent] = []
        fresh = status & ~self._seen_status if number == self._seen else status
        if not number:
            # Acknowledgements repeat a state that lasts; it is told once.
            fresh = status & ~self._seen_status
            self._seen_status |= status
        for bit, event in _MOMENTARY:
            if fresh & bit:
                events.append(event)
        unavailable = bool(status & _UNAVAILABLE)
        if unavailable != self._unavailable:
            self._unavailable = unavailable
            events.append(SolUnavailable() if unavailable else SolAvailable())
        return events

    def _read_number(self, number: int) -> list[SessionEvent]:
        """Return a mark where numbers were skipped: the BMC dropped its backlog."""
        if not self._taken or number in (self._taken, self._expected, self._seen):
            return []
        missing = (number - self._expected) % MAX_SOL_NUMBER
        return [SolLoss(GapReason.SKIPPED, packets=missing)]

    def _read_data(self, number: int, data: bytes) -> Sequence[SessionEvent]:
        if number != self._taken:
            return self._offer(number, data, 0)
        if len(data) > self._taken_size:
            self._counts.repeated(Repeat.GROWN)
            return self._offer(number, data, self._taken_size)
        self._counts.repeated(Repeat.OUTPUT)
        return self._offer(number, data, len(data))

    def _offer(self, number: int, data: bytes, known: int) -> Sequence[SessionEvent]:
        """Make a packet the one to acknowledge; ``known`` bytes of it were taken."""
        self._pending = number
        self._pending_size = len(data)
        if known:
            data = data[known:]
        return (SolData(data),) if data else ()

    def acknowledge(self) -> bytes | None:
        """Count the last packet as received; return the payload that says so.

        None where nothing waits. The full length is acknowledged, also of a
        retransmission of which only the end was new (§15.11).
        """
        number = self._pending
        if not number:
            return None
        size = self._pending_size
        self._pending = 0
        if number != self._taken or size > self._taken_size:
            self._taken, self._taken_size = number, size
            self._expected = number % MAX_SOL_NUMBER + 1
        return bytes((0, number, size, 0))


DEFAULT_SEND_SIZE: Final = 32
"""Bytes per packet where the BMC says nothing usable; freeipmi's choice too."""

_RETRANSMIT_AFTER: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds; the last repeats. BMCs echo within milliseconds, but their own clocks for
retransmission run at about 1 s, and hurrying some of them makes them repeat input."""

_RESUME_AFTER: Final = 0.5
"""Seconds after a NACK: the BMC's buffer is full, or the machine is off."""

_STUCK_AFTER: Final = 6
"""Retransmissions before quirk ``solpacketseq`` bumps the number."""

_BREAK: Final = b""
"""In the queue: a break, which is a status bit and carries no characters."""


class SolSender:
    """Console input: cut to size, one packet in flight, sent until it was accepted."""

    def __init__(
        self, behaviour: Behaviour, first_number: int, counts: WireCounts
    ) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            behaviour: what the quirks say.
            first_number: of the first packet, 1-15.
            counts: are added to.
        """
        self._counts = counts
        self._behaviour = behaviour
        self.next_number = first_number
        self.size: int | None = None
        """Bytes per packet; None while the payload is not active."""
        self._queue: list[bytes] = []
        self.unsent = 0
        """Bytes written that no BMC has accepted yet."""
        self._flight: SolPacket | None = None
        self._attempts = 0
        self.deadline: float | None = None
        """When `expire` has something to do."""

    def start(self, size: int) -> None:
        """The payload is active: packets of at most ``size`` bytes may go."""
        self.size = size

    def stop(self) -> None:
        """The payload is gone, and with it what was typed: it is unwanted later."""
        self.size = self._flight = self.deadline = None
        self._queue.clear()
        self.unsent = 0

    def write(self, data: bytes) -> None:
        """Queue input.

        Raises:
            BufferError: more than `UNSENT_LIMIT` bytes would wait.
        """
        if not data:
            return
        if self.unsent + len(data) > UNSENT_LIMIT:
            raise BufferError(
                f"{self.unsent} bytes of input wait already, {UNSENT_LIMIT} allowed"
            )
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

    def next_payload(self, now: float) -> bytes | None:
        """Return the packet to send now, if there is one."""
        if (
            self.size is None
            or self._flight is not None
            or self.deadline is not None
            or not self._queue
        ):
            return None
        self._attempts = 0
        return self._launch(self._take_chunk(self.size), now)

    def _take_chunk(self, size: int) -> bytes:
        chunk = self._queue.pop(0)
        if chunk == _BREAK:
            return chunk
        while len(chunk) < size and self._queue and self._queue[0] != _BREAK:
            chunk += self._queue.pop(0)
        if len(chunk) > size:
            self._queue.insert(0, chunk[size:])
        return chunk[:size]

    def _launch(self, data: bytes, now: float) -> bytes:
        operation = 0 if data else SolOperation.BREAK
        self._flight = SolPacket(self.next_number, 0, 0, operation, data)
        self.next_number = next_number(self.next_number)
        return self._transmit(self._flight, now)

    def _transmit(self, packet: SolPacket, now: float) -> bytes:
        wait = _RETRANSMIT_AFTER[min(self._attempts, len(_RETRANSMIT_AFTER) - 1)]
        self.deadline = now + wait
        return encode_sol(packet)

    def acknowledged(self, number: int, accepted: int, status: int, now: float) -> None:
        """Take the BMC's word on a packet of ours.

        What was not accepted goes again, under a new number (§15.11).
        """
        flight = self._flight
        if flight is None or number != flight.number:
            return
        self._flight = self.deadline = None
        refused = bool(status & _NACK)
        if flight.data:
            accepted = min(accepted, len(flight.data))
            if self._behaviour.zero_accepts_all and not accepted and not refused:
                accepted = len(flight.data)
            self.unsent -= accepted
            rest = flight.data[accepted:]
            if not rest:
                return
            self._queue.insert(0, rest)
        elif refused:
            self._queue.insert(0, _BREAK)
        else:
            return
        if not accepted or refused:
            self.deadline = now + _RESUME_AFTER

    def expire(self, now: float) -> bytes | None:
        """Return what to send again, or now at last; call when `deadline` is over."""
        if self.deadline is None or now < self.deadline:
            return None
        self.deadline = None
        if self._flight is None:
            return self.next_payload(now)
        self._attempts += 1
        self._counts.repeated(Repeat.INPUT)
        if self._behaviour.bump_stuck_number and self._attempts == _STUCK_AFTER:
            return self._launch(self._flight.data, now)
        return self._transmit(self._flight, now)


def usable_size(told: int, wanted: int | None) -> int:
    """Return how many bytes of input one packet may hold.

    Args:
        told: payload size in the answer to Activate Payload, SoL header included; some
            boards say 0 or 1, some swap its bytes. 0 stands for "not believed".
        wanted: `SessionOptions.payload_size`.
    """
    size = told - SOL_HEADER_SIZE if told > SOL_HEADER_SIZE else DEFAULT_SEND_SIZE
    return min(size, wanted or MAX_SOL_DATA, MAX_SOL_DATA)
