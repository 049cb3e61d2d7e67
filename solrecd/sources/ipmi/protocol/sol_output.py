"""Console output of the SoL payload: each byte once, in order (IPMI 2.0 §15.9-15.11).

Each direction numbers its packets 1-15 and has one of them in flight at a time. The
receiver of a packet acknowledges its number and how many characters it took; number 0
carries an acknowledgement only and is not acknowledged itself.

`SolReceiver` is the rule this project exists for: what a packet brought counts as
received when `SolReceiver.acknowledge` is called, not before. Until then the BMC sends
the packet again, under the same number, perhaps with more characters at its end.

A BMC that hears no acknowledgement gives up some time. Most drop the packet, or all
that waits, and skip a number. OpenBMC drops nothing: after 0.8 s the same bytes go
again under the next number, with what came since, and an acknowledgement of the number
before is not believed any more. So a packet with another number than the last one may
begin with bytes that were taken already. That it does begin with them is not enough:
machines print the same thing twice, dots for example. It counts as the same bytes

- for certain, where our acknowledgement had not left yet when it came: what a BMC sends
  before it has heard of an acknowledgement cannot be what follows it;
- where the packet before was repeated up to now, for as long as BMCs try, or so often:
  a BMC that had heard us would have been silent in between;
- where numbers are missing in between, so much time has passed that a BMC may have
  tried each of them, and the bytes are enough not to be chance; that is told as well,
  for "something may be lost", unless the BMC is known to do so;
- where the BMC is one of this kind, or looks like one, was silent for so long, and
  sends more than these bytes.

Once a BMC was seen to do so it is known for it (`SolReceiver.resends`): numbers that
it leaves out are not lost then. Until then "something may be lost" is all they tell.

OpenBMC counts an acknowledgement that comes twice against the packet that follows,
which it then gives up at once. So where the way is longer than its 0.1 s between two
attempts the repetition is not acknowledged: the first acknowledgement is on its way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from struct import Struct
from typing import Final
from zlib import crc32

from solrecd.events.gaps import GapReason
from solrecd.events.wire_counts import Repeat, WireCounts
from solrecd.sources.ipmi.protocol.constants import (
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
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
from solrecd.sources.ipmi.protocol.packets import SOL_HEADER_SIZE

_NOTEWORTHY: Final = int(
    SolStatus.TRANSFER_UNAVAILABLE
    | SolStatus.DEACTIVATED
    | SolStatus.TRANSMIT_OVERRUN
    | SolStatus.BREAK
)
_SOL_END: Final = SOL_HEADER_SIZE + MAX_SOL_DATA
_HEADER: Final = Struct("BBBB").pack
"""Packet number, number and characters acknowledged, status (§15.9)."""
_NO_NUMBER: Final = -1
_NOT_SUMMED: Final = -1
_UNAVAILABLE: Final = int(SolStatus.TRANSFER_UNAVAILABLE)
_MOMENTARY: Final = (
    (SolStatus.TRANSMIT_OVERRUN, SolLoss(GapReason.OVERRUN)),
    (SolStatus.BREAK, SolBreak()),
    (SolStatus.DEACTIVATED, SolDeactivated()),
)
"""Status bits that are events of their own, in the order in which they are told."""

_GIVES_UP: Final = 0.7
"""Seconds for which no BMC tries less: OpenBMC sends a number for 0.8 s."""

_CLOSE: Final = 0.35
"""Seconds between the last repetition of a number and the next number where a BMC gave
up: OpenBMC's is at most 0.1, and a repetition or two may be lost."""

_AT_ONCE: Final = 0.0001
"""Seconds between two numbers that came together: less than any acknowledgement of the
first needs for its way."""

_OFTEN: Final = 4
"""Transmissions of one number after which a BMC may give up sooner than `_GIVES_UP`."""

_DISTINCT: Final = 8
"""Bytes that do not come twice by chance."""


_MOST_PATIENCE: Final = 0.6
"""Seconds to wait at most for an acknowledgement to come to the BMC."""

_LEARNT: Final = 1
_LIKELY: Final = 2
"""What is known of a BMC: that it sends again what it gave up, or that it looks so."""


def next_number(number: int) -> int:
    """Return the SoL number after ``number``: 1-15, then 1 again."""
    return number % MAX_SOL_NUMBER + 1


class SolReceiver:
    """Console output: takes each byte once, in order, and notices what is missing."""

    def __init__(self, counts: WireCounts, *, resends: bool = False) -> None:
        """Expect a first packet of any number, as after every activation.

        Args:
            counts: are added to.
            resends: what an earlier session has taught about this BMC.
        """
        self._counts = counts
        self._habit = _LEARNT if resends else 0
        self.round_trip = 0.0
        """Seconds from a question to the BMC's answer, lately."""
        self._acked_at = -math.inf
        """When the packet taken last was acknowledged last."""
        self._taken = 0
        """Number of the last packet that was acknowledged; 0: none yet."""
        self._taken_size = 0
        self._taken_data = b""
        """Its bytes; after `resume` only `_taken_sum` is known of them."""
        self._taken_sum = 0
        """CRC of its bytes, or `_NOT_SUMMED`: few packets are ever compared."""
        self._copies = 0
        """How often it came."""
        self._first_at = self._last_at = -math.inf
        """When it came first, and last."""
        self._is_old = False
        """It came behind numbers that were left out: it may have been sent before."""
        self.is_ack_out = True
        """What `acknowledge` returned last has left: the BMC may have heard of it."""
        self._expected = _NO_NUMBER
        self._pending = 0
        """Number of the packet that waits for `acknowledge`; 0: none."""
        self._pending_data = b""
        """All of its bytes."""
        self._pending_sum = _NOT_SUMMED
        """Their CRC, as `_taken_sum`."""
        self._pending_known = 0
        """How many of them were taken before."""
        self._is_repeat = False
        """It has the number of the one taken last, and more of it or less."""
        self._seen = 0
        """Number of the last packet, acknowledged or not, whose status was told."""
        self._seen_status = 0
        self._unavailable = False
        self._now = 0.0
        """When the last packet came."""

    @property
    def resends(self) -> bool:
        """This BMC sends what it gave up on again under the next number."""
        return bool(self._habit & _LEARNT)

    @property
    def may_resend(self) -> bool:
        """It does, or looks like a BMC that does."""
        return bool(self._habit)

    def looks_like_openbmc(self) -> None:
        """It does what no other firmware does; that alone marks no byte as known."""
        self._habit |= _LIKELY

    def restart(self) -> None:
        """Forget the numbers: the payload is about to be activated."""
        self._taken = self._taken_size = self._taken_sum = self._copies = 0
        self.is_ack_out = True
        self._expected = _NO_NUMBER
        self._pending = self._seen = self._seen_status = 0
        self._unavailable = False

    def numbers(self) -> tuple[int, ...]:
        """Return `taken` to `status` of `protocol.frozen.Numbers`."""
        pending = self._pending
        if pending and self._pending_sum == _NOT_SUMMED:
            self._pending_sum = crc32(self._pending_data)
        return (
            self._taken,
            self._taken_size,
            self._sum_of_taken(),
            pending,
            len(self._pending_data) if pending else 0,
            self._pending_sum if pending else 0,
            self._pending_known,
            self._habit,
            self._seen,
            self._seen_status,
        )

    def _sum_of_taken(self) -> int:
        if self._taken_sum == _NOT_SUMMED:
            self._taken_sum = crc32(self._taken_data)
        return self._taken_sum

    def resume(self, numbers: Numbers) -> None:
        """Go on behind these numbers, which are settled."""
        self._taken, self._taken_size = numbers.taken, numbers.taken_size
        self._taken_sum, self._copies = numbers.taken_sum, 1
        self._first_at = self._last_at = -math.inf
        self._habit = numbers.habit
        if self._taken:
            self._expected = next_number(self._taken)
        self._seen, self._seen_status = numbers.seen, numbers.status

    def receive(self, payload: bytes, now: float) -> Sequence[SessionEvent]:
        """Return what a SoL payload says, apart from its acknowledgement of ours.

        Args:
            payload: at least 4 bytes, from an authenticated packet.
            now: monotonic time.
        """
        number = payload[0] & 0x0F
        status = payload[3] & _NOTEWORTHY
        self._now = now
        if (
            number == self._expected
            and not status
            and not self._unavailable
            and self._copies == 1
            and self.is_ack_out
            and now - self._first_at < _GIVES_UP
        ):
            # The path of nearly every packet: the next number, nothing special.
            self._pending = self._seen = number
            self._seen_status = self._pending_known = 0
            self._pending_sum = _NOT_SUMMED
            self._is_repeat = False
            data = self._pending_data = payload[SOL_HEADER_SIZE:_SOL_END]
            return (SolData(data),) if data else ()
        # What is not acknowledged by now was not recorded, and will come again.
        self._pending = 0
        events = self._read_status(number, status)
        if number:
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

    def _read_data(self, number: int, data: bytes) -> list[SessionEvent]:
        """Return a packet's new bytes, behind a mark where some may be missing."""
        begins_alike = self._begins_alike(data)
        self._is_repeat = number == self._taken and (
            begins_alike or len(data) < self._taken_size
        )
        if self._is_repeat:
            self._copies += 1
            self._last_at = self._now
            grown = len(data) > self._taken_size
            self._counts.repeated(Repeat.GROWN if grown else Repeat.OUTPUT)
            patience = min(self.round_trip * 1.25, _MOST_PATIENCE)
            if len(data) == self._taken_size and self._now - self._acked_at < patience:
                return []
            return self._offer(number, data, min(self._taken_size, len(data)))
        missing = self._missing(number)
        if self._taken_size and begins_alike and self._is_resent(number, data):
            self._counts.repeated(Repeat.RENUMBERED)
            return [*missing, *self._offer(number, data, self._taken_size)]
        return [*missing, *self._offer(number, data, 0)]

    def _begins_alike(self, data: bytes) -> bool:
        """Tell whether a packet begins with all the bytes of the one before."""
        size = self._taken_size
        return size <= len(data) and crc32(data[:size]) == self._sum_of_taken()

    def _is_resent(self, number: int, data: bytes) -> bool:
        """Tell whether bytes like those taken last, under another number, are those."""
        is_distinct = self._taken_size >= _DISTINCT
        if not self.is_ack_out:
            self._learn(is_distinct)
            return True
        if number != self._expected:
            # What is in between was lost on its way, or dropped by the BMC.
            tried = self.resends or self._may_have_tried(number)
            is_often = self._copies >= _OFTEN
            is_likely = is_often or bool(self._habit & _LIKELY)
            self._learn(is_distinct and tried and is_likely)
            return tried and (is_distinct or self._copies > 1)
        since = self._now - self._last_at
        is_late = self._now - self._first_at >= _GIVES_UP
        is_often = self._copies >= _OFTEN
        self._learn(is_distinct and is_often and since <= _CLOSE)
        has_more = len(data) > self._taken_size or self._taken_size == MAX_SOL_DATA
        if self._habit and (is_late or self._is_old) and is_distinct and has_more:
            return True
        if since <= _AT_ONCE:
            return True
        return self._copies > 1 and since <= _CLOSE and (is_late or is_often)

    def _may_have_tried(self, number: int) -> bool:
        """Tell whether time was enough to give up the numbers that were left out.

        The one before may have been given up as soon as it came: its first tries may
        be what was lost.
        """
        count = (number - self._expected) % MAX_SOL_NUMBER
        return self._now - self._first_at >= _GIVES_UP * count

    def _learn(self, is_certain: bool) -> None:  # noqa: FBT001 - a private short form
        if is_certain:
            self._habit |= _LEARNT

    def _missing(self, number: int) -> list[SessionEvent]:
        """Return a mark where numbers were left out: the BMC may have dropped output.

        The number of the packet before with other bytes is one that came round.
        """
        if not self._taken or self.resends:
            return []
        if number == self._expected or (number == self._seen != self._taken):
            return []
        missing = (number - self._expected) % MAX_SOL_NUMBER
        return [SolLoss(GapReason.SKIPPED, packets=missing)]

    def _offer(self, number: int, data: bytes, known: int) -> list[SessionEvent]:
        """Make a packet the one to acknowledge; ``known`` bytes of it were taken."""
        self._pending, self._pending_data = number, data
        self._pending_sum, self._pending_known = _NOT_SUMMED, known
        if known:
            data = data[known:]
        return [SolData(data)] if data else []

    def acknowledge(self) -> bytes | None:
        """Count the last packet as received; return the payload that says so.

        None where nothing waits. The full length is acknowledged, also of a
        retransmission of which only the end was new (§15.11).
        """
        number = self._pending
        if not number:
            return None
        data = self._pending_data
        size = len(data)
        self._pending = 0
        self._acked_at = now = self._now
        if not self._is_repeat:
            self._first_at = self._last_at = now
            self.is_ack_out = False
            if number != self._expected or self._copies != 1:
                # OpenBMC begins with 1, so others were lost before it, and it may be
                # old.
                self._is_old = number != (self._expected if self._taken else 1)
                self._copies = 1
            elif self._is_old:
                self._is_old = False
        elif size <= self._taken_size:
            return _HEADER(0, number, size, 0)
        self._taken, self._taken_size = number, size
        self._taken_data, self._taken_sum = data, self._pending_sum
        self._expected = number % MAX_SOL_NUMBER + 1
        return _HEADER(0, number, size, 0)
