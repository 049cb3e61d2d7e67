"""One login and its SoL payload: datagrams and ``now`` in, events and datagrams out.

The only class that a user of this package drives. After every call that takes ``now``,
send what `Session.datagrams` returns and arm a timer for `Session.deadline`.

A session lives through `_Phase`, its payload through `_Payload`; both only ever move as
these tables say::

    NEW -open-> LOGIN -RAKP 4-> PRIVILEGE -answer-> READY -close-> CLOSING -> OVER
                (any of them -lost-> OVER)
    INACTIVE -activate-> ACTIVATING -answer-> ACTIVE -deactivated, stolen-> INACTIVE
                                   -refusal-> INACTIVE

**Recorded before acknowledged.** A packet with console output yields `SolData` and
nothing else happens. `Session.acknowledge`, called before the next `Session.receive`,
says that these bytes are recorded; only then is the ACK queued and the packet's number
taken. Without it the packet counts as never received and the BMC sends it again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from solrecd.events import LostReason
from solrecd.ipmi.auth import SessionCipher
from solrecd.ipmi.commands import Command, CommandQueue, Purpose
from solrecd.ipmi.constants import (
    AppCommand,
    CompletionCode,
    IntegrityAlgorithm,
    NetFn,
    PayloadType,
    PrivilegeLevel,
)
from solrecd.ipmi.events import (
    CommandAnswered,
    CommandFailed,
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolActivated,
    SolAvailable,
    SolBreak,
    SolData,
    SolDeactivated,
    SolLoss,
    SolRefused,
    SolStolen,
    SolUnavailable,
)
from solrecd.ipmi.login import ATTEMPT_MASK, Login, LoginFailure, LoginSuccess
from solrecd.ipmi.messages import Response, decode_response
from solrecd.ipmi.options import SessionOptions
from solrecd.ipmi.packets import MalformedPacket, Rejection, decode_envelope
from solrecd.ipmi.quirks import behaviour_of
from solrecd.ipmi.sol import SolReceiver, SolSender, check_sol, usable_size
from solrecd.ipmi.watch import OwnerWatch, Verdict, ask_owner, owner_of

__all__ = [
    "CommandAnswered",
    "CommandFailed",
    "LoggedIn",
    "Session",
    "SessionEvent",
    "SessionLost",
    "SessionOptions",
    "SessionStatistics",
    "SolActivated",
    "SolAvailable",
    "SolBreak",
    "SolData",
    "SolDeactivated",
    "SolLoss",
    "SolRefused",
    "SolStolen",
    "SolUnavailable",
]

SILENCE: Final = 6.0
"""Seconds without output after output flowed, until the BMC is asked whether we are
still its owner: most robberies and resets happen to consoles somebody looks at."""

_SOL: Final = int(PayloadType.SOL)
_IPMI: Final = int(PayloadType.IPMI)
_AUXILIARY_ENCRYPTED: Final = 0x80
_AUXILIARY_AUTHENTICATED: Final = 0x40


class _Phase(enum.Enum):
    NEW = enum.auto()
    LOGIN = enum.auto()
    PRIVILEGE = enum.auto()
    READY = enum.auto()
    CLOSING = enum.auto()
    OVER = enum.auto()


class _Payload(enum.Enum):
    INACTIVE = enum.auto()
    ACTIVATING = enum.auto()
    ACTIVE = enum.auto()


_ACTIVATION_REFUSALS: Final[Mapping[int, LostReason]] = MappingProxyType(
    {
        CompletionCode.PAYLOAD_DISABLED: LostReason.SOL_DISABLED,
        CompletionCode.INVALID_COMMAND: LostReason.SOL_DISABLED,
        CompletionCode.PAYLOAD_LIMIT_REACHED: LostReason.PAYLOAD_LIMIT,
        CompletionCode.ENCRYPTION_NOT_POSSIBLE: LostReason.ENCRYPTION_REFUSED,
        CompletionCode.ENCRYPTION_REQUIRED: LostReason.ENCRYPTION_REFUSED,
        # Boards that do not know 0x83 and 0x84 complain about the auxiliary byte.
        CompletionCode.INVALID_DATA_FIELD: LostReason.ENCRYPTION_REFUSED,
        CompletionCode.INSUFFICIENT_PRIVILEGE: LostReason.PRIVILEGE_REFUSED,
        CompletionCode.NODE_BUSY: LostReason.BMC_BUSY,
        CompletionCode.TIMEOUT: LostReason.BMC_BUSY,
        CompletionCode.OUT_OF_SPACE: LostReason.BMC_BUSY,
        CompletionCode.DESTINATION_UNAVAILABLE: LostReason.BMC_BUSY,
        CompletionCode.NOT_SUPPORTED_IN_STATE: LostReason.BMC_BUSY,
    }
)


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """What happened on the wire so far."""

    received: int
    """Datagrams, believed or not."""
    rejected: Mapping[Rejection, int]
    """Datagrams that were not believed, by cause."""
    duplicates: int
    """SoL packets that brought nothing new."""
    grown: int
    """SoL retransmissions that brought new bytes at their end."""
    commands_retransmitted: int
    input_retransmitted: int


class Session:
    """One login to one BMC, and the SoL payload on it. See the module's text."""

    def __init__(
        self,
        options: SessionOptions,
        *,
        token_bytes: Callable[[int], bytes],
        session_id: int,
    ) -> None:
        """Prepare a session; nothing is sent before `open`.

        Args:
            options: credentials and habits.
            token_bytes: returns that many unpredictable bytes (``secrets.token_bytes``).
            session_id: remote console session ID, 17 to 2^32-1. Attempts of the login
                vary its low 4 bits, so IDs of one socket differ in the others.

        Raises:
            ValueError: the session ID is out of range.
        """
        if not ATTEMPT_MASK < session_id <= 0xFFFF_FFFF:
            raise ValueError(f"session_id: {session_id} is not within 17 to 2^32-1")
        self._options = options
        self._behaviour = behaviour_of(options.quirks)
        self._phase = _Phase.NEW
        self._payload = _Payload.INACTIVE
        self._login: Login | None = Login(
            options, self._behaviour, token_bytes, session_id
        )
        self._cipher: SessionCipher | None = None
        self._granted = PrivilegeLevel.USER
        self._level = PrivilegeLevel.USER
        self._commands = CommandQueue()
        self._receiver = SolReceiver()
        self._sender = SolSender(self._behaviour, options.first_number)
        self._watch = OwnerWatch(
            options.instance, believe_status=self._behaviour.believe_activation_status
        )
        # Between 3/4 and all of the interval, by session: fleets must not beat time.
        self._interval = options.keepalive_interval * (
            1.0 - (session_id >> 4 & 0xFF) / 1024
        )
        self._probe_at = 0.0
        self._probed_at = 0.0
        self._heard_at = 0.0
        """When the last SoL packet came."""
        self._doubt = False
        """The BMC said that the payload is being deactivated; who has it now?"""
        self._close_reason = LostReason.STOPPED
        self._tickets = 0
        self._events: list[SessionEvent] = []
        self._outbox: list[bytes] = []
        self._received = 0
        self._rejected = dict.fromkeys(Rejection, 0)
        self._handlers: Mapping[Purpose, Callable[[Command, Response, float], None]] = {
            Purpose.SET_PRIVILEGE: self._privilege_answered,
            Purpose.RAISE_PRIVILEGE: self._raise_answered,
            Purpose.ACTIVATE: self._activate_answered,
            Purpose.FIND_OWNER: self._owner_answered,
            Purpose.DEACTIVATE: self._deactivate_answered,
            Purpose.PROBE: self._probe_answered,
            Purpose.CLOSE: self._close_answered,
            Purpose.REQUEST: self._request_answered,
        }

    # What the owner reads.

    @property
    def session_id(self) -> int:
        """Remote console session ID that the BMC's datagrams carry at present."""
        if self._cipher is not None:
            return self._cipher.local_id
        return 0 if self._login is None else self._login.session_id

    @property
    def next_number(self) -> int:
        """SoL number that our next packet will have; see `SessionOptions`."""
        return self._sender.next_number

    @property
    def unsent(self) -> int:
        """Bytes of `write` that no BMC has accepted yet."""
        return self._sender.unsent

    @property
    def statistics(self) -> SessionStatistics:
        """What happened so far, as a snapshot."""
        return SessionStatistics(
            received=self._received,
            rejected=dict(self._rejected),
            duplicates=self._receiver.duplicates,
            grown=self._receiver.grown,
            commands_retransmitted=self._commands.retransmissions,
            input_retransmitted=self._sender.retransmissions,
        )

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which `expire` has something to do; None: never."""
        if self._events:
            return 0.0
        if self._login is not None:
            return self._login.deadline
        if self._cipher is None:
            return None
        due = self._next_probe()
        if self._commands.deadline is not None:
            due = min(due, self._commands.deadline)
        if self._sender.deadline is not None:
            due = min(due, self._sender.deadline)
        return due

    # What the owner asks for.

    def open(self, now: float) -> None:
        """Begin to log in; `LoggedIn` or `SessionLost` follows."""
        if self._phase is not _Phase.NEW or self._login is None:
            raise RuntimeError("a session is opened once")
        self._phase = _Phase.LOGIN
        self._login.start(now)

    def activate(self, now: float) -> None:
        """Ask for the SoL payload; `SolActivated` or `SolRefused` follows.

        Nothing happens unless the session stands: its end was told already.
        """
        if self._phase is not _Phase.READY or self._payload is _Payload.ACTIVATING:
            return
        self._payload = _Payload.ACTIVATING
        self._receiver.restart()
        self._request_activation(now, encrypted=True)

    def deactivate(self, now: float) -> None:
        """Take the payload from whoever holds it; `SolDeactivated` follows.

        Also where the BMC refuses: only the next `activate` tells what is true.
        """
        if self._phase is _Phase.READY:
            self._submit(self._make_deactivation(), now)

    def close(self, now: float, reason: LostReason = LostReason.STOPPED) -> None:
        """Give the payload back and end the session; `SessionLost` follows.

        Within 1.2 s, whether the BMC answers or not. Output that arrives meanwhile is
        still to be recorded.

        Args:
            now: monotonic time.
            reason: what `SessionLost` is to say.
        """
        if self._phase in (_Phase.CLOSING, _Phase.OVER):
            return
        self._close_reason = reason
        if self._cipher is None:
            self._lose(reason, "closed before the login was done")
            return
        self._phase = _Phase.CLOSING
        self._fail_requests()
        self._commands.hurry()
        if self._payload is not _Payload.INACTIVE:
            self._commands.add(self._make_deactivation())
        peer_id = self._cipher.peer_id.to_bytes(4, "little")
        self._submit(
            Command(Purpose.CLOSE, NetFn.APP, AppCommand.CLOSE_SESSION, peer_id), now
        )

    def write(self, data: bytes, now: float) -> None:
        """Type bytes on the console; they wait for the payload to be active.

        Raises:
            BufferError: `sol.UNSENT_LIMIT` bytes wait already; see `unsent`.
        """
        if self._phase is _Phase.OVER:
            return
        self._sender.write(data)
        self._pump_input(now)

    def send_break(self, now: float) -> None:
        """Send a break, in order with what was written.

        Raises:
            BufferError: too much input waits already.
        """
        if self._phase is _Phase.OVER:
            return
        self._sender.send_break()
        self._pump_input(now)

    def request(
        self, netfn: int, command: int, data: bytes, now: float, *, lun: int = 0
    ) -> int:
        """Send any IPMI command over the session, retransmitted until answered.

        Returns:
            The ticket that `CommandAnswered` or `CommandFailed` will name. Without a
            session, or with `commands.MAX_QUEUED` commands waiting, it fails at once.
        """
        self._tickets += 1
        if self._phase is not _Phase.READY or self._commands.is_full:
            self._events.append(CommandFailed(self._tickets))
        else:
            wish = Command(
                Purpose.REQUEST, netfn, command, bytes(data), lun, self._tickets
            )
            self._submit(wish, now)
        return self._tickets

    def acknowledge(self) -> None:
        """The bytes of the last `SolData` are recorded: queue the ACK for them."""
        payload = self._receiver.acknowledge()
        if payload is not None and self._cipher is not None:
            self._outbox.append(self._cipher.seal(_SOL, payload))

    # What the owner carries.

    def datagrams(self) -> list[bytes]:
        """Return what to send now, in this order, and forget it."""
        outbox, self._outbox = self._outbox, []
        if self._login is not None:
            outbox += self._login.datagrams()
        return outbox

    def receive(self, datagram: bytes, now: float) -> Sequence[SessionEvent]:
        """Take a datagram and return what it means. Never raises.

        Whatever is not believed changes nothing and is counted.
        """
        self._received += 1
        cipher = self._cipher
        try:
            if cipher is None:
                return self._receive_login(datagram, now)
            payload_type, payload = cipher.open(datagram)
            if payload_type == _SOL:
                return self._receive_sol(payload, now)
            self._receive_message(payload_type, payload, now)
        except MalformedPacket as error:
            self._rejected[error.cause] += 1
        return self._take_events()

    def expire(self, now: float) -> Sequence[SessionEvent]:
        """Do what is due at `deadline`; harmless when called early."""
        if self._login is not None:
            self._finish_login(self._login.expire(now), now)
        elif self._cipher is not None:
            self._expire_commands(now)
            self._expire_input(now)
            self._expire_probe(now)
        return self._take_events()

    def _take_events(self) -> Sequence[SessionEvent]:
        if not self._events:
            return ()
        events, self._events = self._events, []
        return events

    # Login.

    def _receive_login(self, datagram: bytes, now: float) -> Sequence[SessionEvent]:
        if self._login is None:
            raise MalformedPacket("the session is over", Rejection.UNEXPECTED)
        result = self._login.receive(decode_envelope(datagram), now)
        self._finish_login(result, now)
        return self._take_events()

    def _finish_login(
        self, result: LoginSuccess | LoginFailure | None, now: float
    ) -> None:
        if isinstance(result, LoginFailure):
            self._lose(result.reason, result.detail)
        elif result is not None and self._login is not None:
            self._outbox += self._login.datagrams()
            self._login = None
            self._cipher = result.cipher
            self._granted = result.privilege
            self._phase = _Phase.PRIVILEGE
            self._heard_at = self._probed_at = now
            self._probe_at = now + self._interval
            self._ask_privilege(now)

    def _ask_privilege(self, now: float, above: PrivilegeLevel | None = None) -> None:
        """Run the session at the first level wanted that the BMC grants."""
        wanted = [p for p in self._options.privileges if p <= self._granted]
        self._level = wanted[0] if above is None else above
        if self._behaviour.set_privilege:
            self._submit(_set_privilege(Purpose.SET_PRIVILEGE, self._level), now)
        else:
            self._become_ready()

    def _privilege_answered(
        self, command: Command, response: Response, now: float
    ) -> None:
        if response.code == CompletionCode.OK:
            self._become_ready()
            return
        lower = [p for p in self._options.privileges if p < self._level]
        if lower:
            self._granted = max(lower)
            self._ask_privilege(now)
            return
        self._lose(
            LostReason.PRIVILEGE_REFUSED,
            f"privilege level {self._level.name.lower()} refused "
            f"(completion code 0x{response.code:02x})",
        )

    def _become_ready(self) -> None:
        self._phase = _Phase.READY
        if self._cipher is not None:
            self._events.append(LoggedIn(self._cipher.suite.number, self._granted))

    # Commands.

    def _submit(self, command: Command, now: float, *, first: bool = False) -> None:
        self._commands.add(command, first=first)
        self._pump_commands(now)

    def _pump_commands(self, now: float) -> None:
        message = self._commands.next_message(now)
        if message is not None:
            self._send(_IPMI, message)

    def _send(self, payload_type: int, payload: bytes) -> None:
        if self._cipher is not None:
            self._outbox.append(self._cipher.seal(payload_type, payload))

    def _receive_message(self, payload_type: int, payload: bytes, now: float) -> None:
        if payload_type != _IPMI:
            raise MalformedPacket("unknown payload type", Rejection.UNEXPECTED)
        strict = self._behaviour.check_checksums
        response = decode_response(payload, strict=strict)
        command = self._commands.answered(response)
        if command is None:
            raise MalformedPacket("answer to nothing", Rejection.UNEXPECTED)
        if not self._raise_privilege(command, response, now):
            self._handlers[command.purpose](command, response, now)
        self._pump_commands(now)

    def _raise_privilege(
        self, command: Command, response: Response, now: float
    ) -> bool:
        """Ask again at a higher level where a command is refused for its level."""
        if (
            response.code != CompletionCode.INSUFFICIENT_PRIVILEGE
            or command.purpose not in (Purpose.ACTIVATE, Purpose.REQUEST)
            or not self._behaviour.set_privilege
        ):
            return False
        higher = [
            p for p in self._options.privileges if self._level < p <= self._granted
        ]
        if not higher:
            return False
        self._commands.add(command, first=True)
        wish = _set_privilege(Purpose.RAISE_PRIVILEGE, min(higher))
        self._submit(wish, now, first=True)
        return True

    def _raise_answered(self, command: Command, response: Response, now: float) -> None:
        if response.code == CompletionCode.OK:
            self._level = PrivilegeLevel(command.data[0])
        else:
            self._granted = self._level

    def _request_answered(
        self, command: Command, response: Response, now: float
    ) -> None:
        self._events.append(
            CommandAnswered(command.ticket, response.code, response.data)
        )

    def _expire_commands(self, now: float) -> None:
        result = self._commands.expire(now)
        if isinstance(result, Command):
            self._unanswered(result, now)
            self._pump_commands(now)
        elif result is not None:
            self._send(_IPMI, result)

    def _unanswered(self, command: Command, now: float) -> None:
        """A command was given up. Only what says that the BMC is gone ends a session."""
        if self._phase is _Phase.CLOSING:
            self._lose(self._close_reason, "closed; the BMC did not answer")
            return
        match command.purpose:
            case Purpose.REQUEST:
                self._events.append(CommandFailed(command.ticket))
                self._probe_at = now
            case Purpose.FIND_OWNER:
                self._refuse(CompletionCode.PAYLOAD_ALREADY_ACTIVE, None)
            case Purpose.RAISE_PRIVILEGE:
                self._granted = self._level
            case Purpose.PROBE if self._heard_at > command.began:
                # Busy, not gone: output still flows. Never end a session that does.
                self._probe_at = now + self._interval
            case _:
                waited = now - command.began
                self._lose(LostReason.BMC_TIMEOUT, f"no answer for {waited:.0f} s")

    def _fail_requests(self) -> None:
        for command in self._commands.clear():
            if command.purpose is Purpose.REQUEST:
                self._events.append(CommandFailed(command.ticket))

    def _lose(self, reason: LostReason, detail: str) -> None:
        if self._login is not None:
            self._outbox += self._login.datagrams()
        self._phase = _Phase.OVER
        self._payload = _Payload.INACTIVE
        self._login = self._cipher = None
        self._sender.stop()
        self._fail_requests()
        self._events.append(SessionLost(reason, detail))

    def _close_answered(self, command: Command, response: Response, now: float) -> None:
        self._lose(self._close_reason, "closed")

    # Activation.

    def _request_activation(self, now: float, *, encrypted: bool) -> None:
        cipher = self._cipher
        if cipher is None:
            return
        cipher.clear_types = frozenset() if encrypted else frozenset((_SOL,))
        auxiliary = self._options.auxiliary
        if auxiliary is None:
            auxiliary = self._behaviour.auxiliary
        if encrypted and cipher.suite.is_secure:
            auxiliary |= _AUXILIARY_ENCRYPTED
        if cipher.suite.algorithms.integrity != IntegrityAlgorithm.NONE:
            auxiliary |= _AUXILIARY_AUTHENTICATED
        data = bytes((_SOL, self._options.instance, auxiliary & 0xFF, 0, 0, 0))
        self._submit(
            Command(Purpose.ACTIVATE, NetFn.APP, AppCommand.ACTIVATE_PAYLOAD, data), now
        )

    def _activate_answered(
        self, command: Command, response: Response, now: float
    ) -> None:
        code = response.code
        if code == CompletionCode.OK:
            self._activated(response.data, now)
        elif code == CompletionCode.PAYLOAD_ALREADY_ACTIVE:
            self._submit(ask_owner(self._options.instance, Purpose.FIND_OWNER), now)
        elif self._may_try_clear(command, code):
            self._request_activation(now, encrypted=False)
        else:
            self._refuse(code, None)

    def _may_try_clear(self, command: Command, code: int) -> bool:
        refusal = _ACTIVATION_REFUSALS.get(code)
        return (
            self._options.insecure
            and refusal is LostReason.ENCRYPTION_REFUSED
            and bool(command.data[2] & _AUXILIARY_ENCRYPTED)
        )

    def _owner_answered(self, command: Command, response: Response, now: float) -> None:
        owner = owner_of(response.code, response.data)
        if self._cipher is not None and owner == self._cipher.peer_id:
            # The answer to our first Activate Payload was lost on the way.
            self._activated(b"", now)
        else:
            self._refuse(CompletionCode.PAYLOAD_ALREADY_ACTIVE, owner or None)

    def _refuse(self, code: int, owner: int | None) -> None:
        self._payload = _Payload.INACTIVE
        reason = LostReason.FOREIGN_OWNER
        if code != CompletionCode.PAYLOAD_ALREADY_ACTIVE:
            reason = _ACTIVATION_REFUSALS.get(code, LostReason.PROTOCOL_ERROR)
        self._events.append(SolRefused(reason, code, owner))

    def _activated(self, data: bytes, now: float) -> None:
        """Read the answer: 4 auxiliary bytes, two sizes, port, VLAN (Table 24-2)."""
        cipher = self._cipher
        if cipher is None:
            return
        told = int.from_bytes(data[4:6], "little")
        if not self._behaviour.believe_sizes:
            told = 0
        size = usable_size(told, self._options.payload_size)
        port = int.from_bytes(data[8:10], "little") or None
        self._payload = _Payload.ACTIVE
        self._doubt = False
        self._events.append(SolActivated(self._options.instance, size, port))
        self._watch.activated(cipher.peer_id, cipher.local_id)
        self._sender.start(size)
        self._pump_input(now)
        self._probe(now)

    def _make_deactivation(self) -> Command:
        data = bytes((_SOL, self._options.instance, 0, 0, 0, 0))
        return Command(
            Purpose.DEACTIVATE, NetFn.APP, AppCommand.DEACTIVATE_PAYLOAD, data
        )

    def _deactivate_answered(
        self, command: Command, response: Response, now: float
    ) -> None:
        self._deactivated(SolDeactivated())

    def _deactivated(self, event: SolDeactivated | SolStolen) -> None:
        self._payload = _Payload.INACTIVE
        self._doubt = False
        self._sender.stop()
        self._events.append(event)

    # Keepalive and ownership.

    def _next_probe(self) -> float:
        if self._phase is _Phase.CLOSING or self._commands.has(Purpose.PROBE):
            return float("inf")
        if self._heard_at > self._probed_at:
            return min(self._probe_at, self._heard_at + SILENCE)
        return self._probe_at

    def _expire_probe(self, now: float) -> None:
        if self._cipher is not None and now >= self._next_probe():
            self._probe(now)

    def _probe(self, now: float) -> None:
        self._probed_at = now
        self._probe_at = now + self._interval
        if self._commands.has(Purpose.PROBE):
            return
        command = Command(Purpose.PROBE, NetFn.APP, AppCommand.GET_DEVICE_ID)
        if self._payload is _Payload.ACTIVE:
            command = self._watch.command()
        self._submit(command, now, first=True)

    def _probe_answered(self, command: Command, response: Response, now: float) -> None:
        if self._payload is not _Payload.ACTIVE or self._phase is not _Phase.READY:
            return
        if command.command != self._watch.command().command:
            return
        verdict = self._watch.judge(response.code, response.data)
        if verdict is Verdict.STOLEN:
            self._deactivated(SolStolen(self._watch.owner))
        elif verdict is Verdict.INACTIVE or self._doubt:
            self._deactivated(SolDeactivated())

    # Serial over LAN.

    def _receive_sol(self, payload: bytes, now: float) -> Sequence[SessionEvent]:
        check_sol(payload)
        self._heard_at = now
        if payload[1] & 0x0F:
            self._sender.acknowledged(payload[1] & 0x0F, payload[2], payload[3], now)
            self._pump_input(now)
        events = self._receiver.receive(payload)
        if len(events) == 1 and type(events[0]) is SolData:
            return events
        return self._settle(events, now)

    def _settle(
        self, events: Sequence[SessionEvent], now: float
    ) -> Sequence[SessionEvent]:
        """Acknowledge what brought nothing to record; ask before we call it an end."""
        has_data = False
        for event in events:
            if type(event) is SolDeactivated:
                self._suspect(now)
            else:
                self._events.append(event)
                has_data = has_data or type(event) is SolData
        if not has_data:
            self.acknowledge()
        return self._take_events()

    def _suspect(self, now: float) -> None:
        """The payload is being deactivated: `SolStolen` or just `SolDeactivated`?"""
        if self._payload is _Payload.ACTIVE and self._phase is _Phase.READY:
            self._doubt = True
            self._probe(now)

    def _pump_input(self, now: float) -> None:
        payload = self._sender.next_payload(now)
        if payload is not None:
            self._send(_SOL, payload)

    def _expire_input(self, now: float) -> None:
        payload = self._sender.expire(now)
        if payload is not None:
            self._send(_SOL, payload)


def _set_privilege(purpose: Purpose, level: PrivilegeLevel) -> Command:
    return Command(
        purpose, NetFn.APP, AppCommand.SET_SESSION_PRIVILEGE_LEVEL, bytes((level,))
    )
