"""The SoL payload of an established session: activation, ownership, bytes both ways.

::

    INACTIVE -activate-> ACTIVATING -answer-> ACTIVE -deactivated, stolen-> INACTIVE
                                   -refusal-> INACTIVE

Console output is taken in every state: it may overtake the answer to Activate Payload,
and what was under way when the payload went is output all the same.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Final

from solrecd.events.wire_counts import WireCounts
from solrecd.sources.ipmi.protocol.activation import (
    activate_payload,
    encryption_was_refused,
    is_openbmc_like,
    reason_of,
    size_and_port,
)
from solrecd.sources.ipmi.protocol.beat import next_beat
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS, Command, Purpose
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PayloadType,
)
from solrecd.sources.ipmi.protocol.dialogue import Dialogue
from solrecd.sources.ipmi.protocol.events import (
    SessionEvent,
    SolActivated,
    SolConfirmed,
    SolData,
    SolDeactivated,
    SolRefused,
    SolStolen,
)
from solrecd.sources.ipmi.protocol.frozen import FrozenSession, Numbers
from solrecd.sources.ipmi.protocol.messages import Response
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import SOL_HEADER_SIZE, MalformedPacket
from solrecd.sources.ipmi.protocol.quirks import Behaviour
from solrecd.sources.ipmi.protocol.sol_input import SolSender
from solrecd.sources.ipmi.protocol.sol_output import SolReceiver
from solrecd.sources.ipmi.protocol.watch import OwnerWatch, Verdict, ask_owner, owner_of

SILENCE: Final = 6.0
"""Seconds without output after output flowed, until the BMC is asked whether we are
still its owner: most robberies and resets happen to consoles in use."""

RESUME_PATIENCE: Final[tuple[float, ...]] = (0.5, 0.5, 1.0)
"""Seconds after each time that a resumed session asks whether it is still there: a
fresh login must not wait for long, and within this time a BMC answers or is gone."""

_SOL: Final = int(PayloadType.SOL)
_CLEAR_SOL: Final = frozenset((PayloadType.SOL,))


class _State(enum.Enum):
    INACTIVE = enum.auto()
    ACTIVATING = enum.auto()
    ACTIVE = enum.auto()


class SolPayload:
    """One SoL payload instance, as seen from our session."""

    def __init__(
        self,
        options: SessionOptions,
        behaviour: Behaviour,
        dialogue: Dialogue,
        now: float,
        counts: WireCounts,
    ) -> None:
        """Prepare; nothing is asked before `activate`.

        Args:
            options: of the session.
            behaviour: what the quirks say.
            dialogue: with the BMC, already authenticated.
            now: monotonic time.
            counts: are added to.
        """
        self._options = options
        self._behaviour = behaviour
        self.dialogue = dialogue
        self._state = _State.INACTIVE
        self.receiver = SolReceiver(counts, resends=options.resends)
        self.sender = SolSender(behaviour, counts)
        self._watch = OwnerWatch(
            options.instance, believe_status=behaviour.believe_activation_status
        )
        self._interval = options.keepalive_interval
        self._place = (dialogue.cipher.local_id >> 4 & 0xFF) / 256
        self._probe_at = self._next_beat(now)
        self._probed_at = now
        self.heard_at = now
        """When the last SoL packet came."""
        self._confirmed_at: float | None = None
        """When an answer said last that the payload is ours."""
        self._ack: bytes | None = None
        """The acknowledgement that waits for `send_ack`."""
        self._is_doubted = False
        """The BMC said that the payload is being deactivated; who has it now?"""
        self._is_resumed = False
        """Another process held the payload before us, and it is not yet
        confirmed that it is still ours."""

    @property
    def is_active(self) -> bool:
        """The payload is ours, or may become ours any moment."""
        return self._state is not _State.INACTIVE

    @property
    def line_seen_at(self) -> float | None:
        """When the payload was certainly ours for the last time; None: never.

        Output and acknowledgements come to its owner alone. Answers to other commands
        do not count: a session that was robbed of the payload gets them, too.
        """
        confirmed = self._confirmed_at
        return None if confirmed is None else max(confirmed, self.heard_at)

    @property
    def deadline(self) -> float:
        """When `expire` has something to do."""
        due = self._next_probe()
        if self.sender.deadline is not None and self.sender.deadline < due:
            return self.sender.deadline
        return due

    # What the session asks for.

    def activate(self, now: float) -> None:
        """Send Activate Payload, unless its answer is awaited already."""
        if self._state is _State.ACTIVATING:
            return
        self._state = _State.ACTIVATING
        self.receiver.restart()
        self._request_activation(now, encrypted=True)

    def freeze(self) -> FrozenSession | None:
        """Return what stays while the payload is active; None while it is not."""
        size = self.sender.size
        if self._state is not _State.ACTIVE or size is None:
            return None
        cipher, privileges = self.dialogue.cipher, self.dialogue.privileges
        return FrozenSession(
            suite=cipher.suite.number,
            k1=cipher.keys.k1,
            k2=cipher.keys.k2,
            local_id=cipher.local_id,
            peer_id=cipher.peer_id,
            granted=privileges.granted,
            level=privileges.level,
            send_size=size,
            clear_types=cipher.clear_types,
            question=self._watch.question,
            owner=self._watch.owner,
        )

    def numbers(self) -> tuple[int, ...]:
        """Return the fields of `protocol.frozen.Numbers`, as fast as may be."""
        cipher, numbers = self.dialogue.cipher, self.receiver.numbers()
        # A packet that waits to be recorded will be acknowledged next: that number
        # counts as used already, so that the ACK needs no writing down of its own.
        return (
            cipher.received,
            cipher.sent + (numbers[3] != 0) & 0xFFFF_FFFF,
            *numbers,
            self.sender.next_number,
            self.dialogue.commands.sequence,
        )

    def resume(self, frozen: FrozenSession, numbers: Numbers, now: float) -> None:
        """Go on with a payload that was active, and ask whether it still is."""
        self._state = _State.ACTIVE
        self._is_resumed = True
        self.receiver.resume(numbers)
        self.sender.resume(frozen.send_size, numbers.next_number)
        self.dialogue.commands.sequence = numbers.request
        self._watch.resume(frozen.question, *frozen.session_ids)
        self._probe(now, RESUME_PATIENCE)

    def stop(self) -> None:
        """The session is over."""
        self._state = _State.INACTIVE
        self.sender.stop()

    def pump(self, now: float) -> None:
        """Send the next packet of input if none is on the wire."""
        payload = self.sender.next_payload(now)
        if payload is not None:
            self.dialogue.send(PayloadType.SOL, payload)

    def probe_soon(self, now: float) -> None:
        """Something went wrong elsewhere: ask at once whether the BMC is there."""
        self._probe_at = now

    def postpone_probe(self, now: float) -> None:
        """The BMC is there, but too busy to answer: ask again another time."""
        self._probe_at = self._next_beat(now)

    # SoL packets.

    def receive(self, payload: bytes, now: float) -> Sequence[SessionEvent]:
        """Take a SoL payload from an authenticated packet; return what it means.

        Raises:
            MalformedPacket: shorter than its header.
        """
        self.heard_at = now
        if len(payload) < SOL_HEADER_SIZE:
            if not payload:
                # OpenBMC's answer to an acknowledgement that came twice.
                return ()
            raise MalformedPacket("SoL payload shorter than its header")
        if payload[1] & 0x0F:
            self.sender.acknowledged(payload[1] & 0x0F, payload[2], payload[3], now)
            self._tell_input(now)
            self.pump(now)
        events = self.receiver.receive(payload, now)
        if len(events) == 1 and type(events[0]) is SolData:
            return events
        return self._settle(events, now)

    def _settle(
        self, events: Sequence[SessionEvent], now: float
    ) -> Sequence[SessionEvent]:
        """Acknowledge what brought nothing to record; ask before we call it an end."""
        told = [event for event in events if type(event) is not SolDeactivated]
        if len(told) < len(events):
            self._suspect(now)
        if not any(type(event) is SolData for event in told):
            self.acknowledge()
        return told

    def acknowledge(self) -> None:
        """The last packet is dealt with: have that said with the next datagrams.

        Of packets that came together only the last is acknowledged. A BMC that has sent
        60 characters and hears of the first 20 takes that for a partial accept, and
        sends the other 40 again as a new packet. And one that sent another number has
        given up the one before, if it came: that acknowledgement is late, and where
        fifteen numbers have passed it would be taken for one of the packet that is sent
        next, which may get lost then.
        """
        payload = self.receiver.acknowledge()
        if payload is not None:
            self._ack = payload

    def send_ack(self) -> None:
        """Seal the acknowledgement that waits."""
        payload, self._ack = self._ack, None
        if payload is None:
            return
        dialogue = self.dialogue
        dialogue.outbox.append(dialogue.cipher.seal(_SOL, payload))
        self.receiver.is_ack_out = True

    def activating(self, now: float) -> None:
        """The BMC says "SOL Activating" (§26.1): another session may have it now."""
        if self._state is _State.ACTIVE:
            self._probe(now)

    def _suspect(self, now: float) -> None:
        """The payload is being deactivated: `SolStolen` or just `SolDeactivated`?"""
        if self._state is _State.ACTIVE:
            self._is_doubted = True
            self._probe(now)

    # Answers to our commands.

    def answered(self, command: Command, response: Response, now: float) -> None:
        """Take the answer to one of this payload's commands."""
        if command.attempts == 1:
            self.receiver.round_trip = now - command.began
        match command.purpose:
            case Purpose.ACTIVATE:
                self._activate_answered(command, response, now)
            case Purpose.FIND_OWNER:
                self._owner_answered(owner_of(response.code, response.data), now)
            case Purpose.DEACTIVATE:
                # Whatever the code: boards refuse and have done it, or agree and have
                # not. Only the next Activate Payload tells what is true.
                self._confirm(now)
                self._end(SolDeactivated(response.code))
            case _:
                self._probe_answered(command, response, now)
                self._send_input(self.sender.bmc_answered(now))

    def unanswered_owner(self) -> None:
        """It remains unknown who holds the payload that we wanted."""
        self._refuse(CompletionCode.PAYLOAD_ALREADY_ACTIVE, None)

    def _request_activation(self, now: float, *, encrypted: bool) -> None:
        cipher = self.dialogue.cipher
        cipher.clear_types = frozenset() if encrypted else _CLEAR_SOL
        command = activate_payload(
            self._options, self._behaviour, cipher.suite, encrypted=encrypted
        )
        self.dialogue.submit(command, now)

    def _activate_answered(
        self, command: Command, response: Response, now: float
    ) -> None:
        code = response.code
        if code == CompletionCode.OK:
            self._activated(response.data, now)
        elif code == CompletionCode.PAYLOAD_ALREADY_ACTIVE:
            question = ask_owner(self._options.instance, Purpose.FIND_OWNER)
            self.dialogue.submit(question, now)
        elif self._options.insecure and encryption_was_refused(command, code):
            self._request_activation(now, encrypted=False)
        else:
            self._refuse(code, None)

    def _owner_answered(self, owner: int | None, now: float) -> None:
        if owner == self.dialogue.cipher.peer_id:
            # The answer to our first Activate Payload was lost on the way.
            self._activated(b"", now)
        else:
            self._refuse(CompletionCode.PAYLOAD_ALREADY_ACTIVE, owner or None)

    def _refuse(self, code: int, owner: int | None) -> None:
        self._state = _State.INACTIVE
        refusal = SolRefused(reason_of(code), code, owner)
        self.dialogue.events.append(refusal)

    def _activated(self, data: bytes, now: float) -> None:
        size, port = size_and_port(data, self._options, self._behaviour)
        if is_openbmc_like(data):
            self.receiver.looks_like_openbmc()
        self._state = _State.ACTIVE
        self._confirm(now)
        self._is_doubted = False
        self.dialogue.events.append(SolActivated(self._options.instance, size, port))
        cipher = self.dialogue.cipher
        self._watch.activated(cipher.peer_id, cipher.local_id)
        self.sender.start(size)
        self.pump(now)
        self._probe(now)

    def _confirm(self, now: float) -> None:
        if self._state is _State.ACTIVE:
            self._confirmed_at = now

    def _end(self, event: SolDeactivated | SolStolen) -> None:
        self.stop()
        self._is_doubted = False
        self.dialogue.events.append(event)

    # Keepalive and ownership.

    def expire(self, now: float) -> None:
        """Do what is due at `deadline`."""
        payloads = self.sender.expire(now)
        self._send_input(payloads)
        self._tell_input(now)
        if now >= self._next_probe() or (payloads and self.sender.has_doubts):
            self._probe(now)

    def _send_input(self, payloads: Sequence[bytes]) -> None:
        for payload in payloads:
            self.dialogue.send(PayloadType.SOL, payload)

    def _tell_input(self, now: float) -> None:
        news = self.sender.news(now)
        if news is not None:
            self.dialogue.events.append(news)

    def _next_beat(self, now: float) -> float:
        return next_beat(now, self._interval, self._place)

    def _next_probe(self) -> float:
        if self.dialogue.commands.has(Purpose.PROBE):
            return math.inf
        if self.heard_at > self._probed_at:
            return min(self._probe_at, self.heard_at + SILENCE)
        return self._probe_at

    def _probe(
        self, now: float, retry_intervals: tuple[float, ...] = RETRY_INTERVALS
    ) -> None:
        self._probed_at = now
        self._probe_at = self._next_beat(now)
        if self.dialogue.commands.has(Purpose.PROBE):
            return
        command = Command(Purpose.PROBE, NetFn.APP, AppCommand.GET_DEVICE_ID)
        if self._state is _State.ACTIVE:
            command = self._watch.command()
        command.retry_intervals = retry_intervals
        self.dialogue.submit(command, now, first=True)

    def _probe_answered(self, command: Command, response: Response, now: float) -> None:
        question = self._watch.question
        if self._state is not _State.ACTIVE or command.command != question:
            return
        is_first = self._is_resumed or not self._watch.is_proven
        verdict = self._watch.judge(response.code, response.data)
        is_uncertain = self._is_resumed or self._is_doubted
        if verdict is Verdict.OURS or (verdict is Verdict.UNKNOWN and not is_uncertain):
            # Where a BMC cannot tell whose it is, that it answers has to do.
            self._confirm(now)
        if verdict is Verdict.STOLEN:
            self._end(SolStolen(self._watch.owner))
        elif verdict is Verdict.INACTIVE or self._is_doubted:
            self._end(SolDeactivated())
        elif verdict is Verdict.OURS and is_first:
            self.dialogue.events.append(SolConfirmed())
        elif self._is_resumed:
            # A BMC that cannot tell: it is unknown whose the payload is by now.
            self._end(SolDeactivated())
        elif self._watch.question != question:
            # What could not be told this way may be told another: no time to lose.
            self._probe(now)
        self._is_resumed = False
