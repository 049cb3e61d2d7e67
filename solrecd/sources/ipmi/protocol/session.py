"""One login and its SoL payload: datagrams and ``now`` in, events and datagrams out.

The only class that a user of this package drives. After every call that takes ``now``,
send what `Session.datagrams` returns and arm a timer for `Session.deadline`.

A session lives through `_Phase`; what its SoL payload lives through is in `payload`::

    NEW -open-> LOGIN -RAKP 4-> PRIVILEGE -answer-> READY -close-> CLOSING -> OVER
                (any of them -lost-> OVER)

**Recorded before acknowledged.** A packet with console output yields `SolData` and
nothing else happens. `Session.acknowledge`, called before the next `Session.receive`,
says that these bytes are recorded; only then is the ACK queued and the packet's number
taken. Without it the packet counts as never received and the BMC sends it again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Final

from solrecd.counts import WireCounts
from solrecd.events import LostReason
from solrecd.sources.ipmi.protocol.activation import deactivate_payload
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS, Command, Purpose
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PayloadType,
)
from solrecd.sources.ipmi.protocol.dialogue import Answer, Dialogue, taken
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    CommandFailed,
    LoggedIn,
    SessionEvent,
    SessionLost,
    SolActivated,
    SolAvailable,
    SolBreak,
    SolConfirmed,
    SolData,
    SolDeactivated,
    SolLoss,
    SolRefused,
    SolStolen,
    SolUnavailable,
)
from solrecd.sources.ipmi.protocol.frozen import FrozenSession, Numbers
from solrecd.sources.ipmi.protocol.login import ATTEMPT_MASK, Login, LoginSuccess
from solrecd.sources.ipmi.protocol.login_plan import LoginFailure
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import (
    MalformedPacket,
    Rejection,
    decode_envelope,
)
from solrecd.sources.ipmi.protocol.payload import SolPayload
from solrecd.sources.ipmi.protocol.privilege import Privileges, set_privilege
from solrecd.sources.ipmi.protocol.quirks import behaviour_of
from solrecd.sources.ipmi.protocol.session_statistics import SessionStatistics, snapshot

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
    "SolConfirmed",
    "SolData",
    "SolDeactivated",
    "SolLoss",
    "SolRefused",
    "SolStolen",
    "SolUnavailable",
]

_SOL: Final = int(PayloadType.SOL)
_IPMI: Final = int(PayloadType.IPMI)


class _Phase(enum.Enum):
    NEW = enum.auto()
    LOGIN = enum.auto()
    PRIVILEGE = enum.auto()
    READY = enum.auto()
    CLOSING = enum.auto()
    OVER = enum.auto()


class Session:
    """One login to one BMC, and the SoL payload on it. See the module's text."""

    def __init__(
        self,
        options: SessionOptions,
        *,
        token_bytes: Callable[[int], bytes],
        session_id: int,
        counts: WireCounts | None = None,
    ) -> None:
        """Prepare a session; nothing is sent before `open`.

        Args:
            options: credentials and habits.
            token_bytes: returns that many unpredictable bytes: `secrets.token_bytes`.
            session_id: remote console session ID, 16 to 2^32-1. Attempts of the login
                vary its low 4 bits, so IDs of one socket differ in the others.
            counts: of the console, are added to; None: it has none.

        Raises:
            ValueError: the session ID is out of range.
        """
        if not ATTEMPT_MASK < session_id <= 0xFFFF_FFFF:
            raise ValueError(f"session_id: {session_id} is not within 16 to 2^32-1")
        self._options = options
        self._behaviour = behaviour_of(options.quirks)
        self._phase = _Phase.NEW
        self._login: Login | None = Login(
            options, self._behaviour, token_bytes, session_id
        )
        self._sol: SolPayload | None = None
        """From the login on; stays when the session is over, for its numbers."""
        self._cipher: SessionCipher | None = None
        """Only while anything is believed."""
        self._close_reason = LostReason.STOPPED
        self._tickets = 0
        self._events: list[SessionEvent] = []
        self._outbox: list[bytes] = []
        self._counts = WireCounts() if counts is None else counts
        self.rejected: dict[Rejection, int] = {}
        """Datagrams not believed, by cause; without what never happened."""

    @classmethod
    def resume(
        cls,
        options: SessionOptions,
        frozen: FrozenSession,
        numbers: Numbers,
        now: float,
        *,
        token_bytes: Callable[[int], bytes],
        counts: WireCounts | None = None,
    ) -> Session:
        """Go on with a session that another process had; it is `open` already.

        Output is taken at once. The BMC is asked whose the payload is: `SolConfirmed`
        follows, or `SolStolen`, `SolDeactivated` or `SessionLost`. The options are
        those of the other process, ``frozen`` what its `freeze` returned, the numbers
        settled.

        Raises:
            KeyError: the cipher suite is unknown.
            ValueError: a session ID or a key is none.
        """
        session = cls(
            options,
            token_bytes=token_bytes,
            session_id=frozen.local_id,
            counts=counts,
        )
        short_pad = session._behaviour.short_integrity_pad
        cipher = frozen.cipher(numbers, token_bytes(16), short_pad=short_pad)
        privileges = Privileges(options.privileges, frozen.granted)
        privileges.level = frozen.level
        session._login = None
        session._phase = _Phase.READY
        session._carry(cipher, privileges, now).resume(frozen, numbers, now)
        return session

    # What the owner reads.

    @property
    def session_id(self) -> int:
        """Remote console session ID that the BMC's datagrams carry; 0: none now."""
        if self._cipher is not None:
            return self._cipher.local_id
        return 0 if self._login is None else self._login.session_id

    @property
    def next_number(self) -> int:
        """SoL number that our next packet will have; see `SessionOptions`."""
        if self._sol is None:
            return self._options.first_number
        return self._sol.sender.next_number

    @property
    def sent(self) -> int:
        """Session sequence number of our last packet."""
        return 0 if self._cipher is None else self._cipher.sent

    def freeze(self) -> FrozenSession | None:
        """Return what another process needs to go on; None without active payload.

        Ask again after `SolConfirmed`: then it is known how the BMC names us.
        """
        return None if self._sol is None else self._sol.freeze()

    def numbers(self) -> tuple[int, ...]:
        """Return the fields of `Numbers`; for the hot path, with an active payload."""
        return () if self._sol is None else self._sol.numbers()

    @property
    def line_seen_at(self) -> float | None:
        """Monotonic time of the last sign that the payload was ours; None: never."""
        return None if self._sol is None else self._sol.line_seen_at

    @property
    def unsent(self) -> int:
        """Bytes of `write` that the BMC has not accepted yet."""
        return 0 if self._sol is None else self._sol.sender.unsent

    @property
    def statistics(self) -> SessionStatistics:
        """What happened so far, as a snapshot; with what the counts held before."""
        return snapshot(self._counts, self.rejected)

    @property
    def deadline(self) -> float | None:
        """Monotonic time at which `expire` has something to do; None: never."""
        if self._events:
            return 0.0
        if self._login is not None:
            return self._login.deadline
        if self._cipher is None or self._sol is None:
            return None
        due = self._sol.dialogue.commands.deadline
        if self._phase is _Phase.CLOSING:
            return due
        return self._sol.deadline if due is None else min(due, self._sol.deadline)

    # What the owner asks for.

    def open(self, now: float) -> None:
        """Begin to log in; `LoggedIn` or `SessionLost` follows.

        Raises:
            RuntimeError: it was opened before.
        """
        if self._phase is not _Phase.NEW or self._login is None:
            raise RuntimeError("a session is opened once")
        self._phase = _Phase.LOGIN
        self._login.start(now)

    def activate(self, now: float) -> None:
        """Ask for the SoL payload; `SolActivated` or `SolRefused` follows.

        Nothing happens unless the session stands: its end was told already.
        """
        if self._phase is _Phase.READY and self._sol is not None:
            self._sol.activate(now)

    def deactivate(self, now: float) -> None:
        """Take the payload from whoever holds it; `SolDeactivated` follows.

        Also where the BMC refuses: only the next `activate` tells what is true.
        """
        if self._phase is _Phase.READY and self._sol is not None:
            self._sol.dialogue.submit(deactivate_payload(self._options.instance), now)

    def close(self, now: float, reason: LostReason = LostReason.STOPPED) -> None:
        """Give the payload back and end the session; `SessionLost` follows.

        Within 2 s, whether the BMC answers or not. Output that arrives meanwhile is
        still to be recorded.

        Args:
            now: monotonic time.
            reason: what `SessionLost` is to say.
        """
        if self._phase in (_Phase.CLOSING, _Phase.OVER):
            return
        if self._sol is None:
            self._lose(reason, "closed before the login was done")
            return
        self._phase = _Phase.CLOSING
        self._close_reason = reason
        self._sol.dialogue.abandon()
        self._begin_close(self._sol, now)

    def _begin_close(self, sol: SolPayload, now: float) -> None:
        dialogue = sol.dialogue
        dialogue.commands.hurry()
        if sol.is_active:
            dialogue.commands.add(deactivate_payload(self._options.instance))
        bmc_session_id = dialogue.cipher.peer_id.to_bytes(4, "little")
        goodbye = Command(
            Purpose.CLOSE, NetFn.APP, AppCommand.CLOSE_SESSION, bmc_session_id
        )
        dialogue.submit(goodbye, now)

    def write(self, data: bytes, now: float) -> None:
        """Type bytes on the console; they wait for the payload to be active.

        Without a session they are dropped: nobody wants them typed minutes later.

        Raises:
            BufferError: `sol.UNSENT_LIMIT` bytes wait already; see `unsent`.
        """
        if self._sol is not None and self._phase is not _Phase.OVER:
            self._sol.sender.write(data)
            self._sol.pump(now)

    def send_break(self, now: float) -> None:
        """Send a break, in order with what was written.

        Raises:
            BufferError: too much input waits already.
        """
        if self._sol is not None and self._phase is not _Phase.OVER:
            self._sol.sender.send_break()
            self._sol.pump(now)

    def request(
        self,
        netfn: int,
        command: int,
        data: bytes,
        now: float,
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = RETRY_INTERVALS,
    ) -> int:
        """Send any IPMI command over the session, retransmitted until answered.

        Args:
            netfn: network function, even.
            command: its number.
            data: request data.
            now: monotonic time.
            lun: of the BMC.
            retry_intervals: seconds to wait after each transmission. Short for what
                others must not wait behind, such as whether the BMC is there.

        Returns:
            The ticket that `CommandAnswered` or `CommandFailed` will name. Without a
            session, or with `commands.MAX_QUEUED` commands waiting, it fails at once.
        """
        self._tickets += 1
        ticket, sol = self._tickets, self._sol
        if sol is None or self._phase is not _Phase.READY or sol.dialogue.is_full:
            self._events.append(CommandFailed(ticket))
        else:
            wish = Command(
                Purpose.REQUEST, netfn, command, data, lun, ticket, retry_intervals
            )
            sol.dialogue.submit(wish, now)
        return ticket

    def acknowledge(self) -> None:
        """The bytes of the last `SolData` are recorded: queue the ACK for them."""
        if self._cipher is not None and self._sol is not None:
            self._sol.acknowledge()

    # What the owner carries.

    def datagrams(self) -> list[bytes]:
        """Return what to send now, in this order, and forget it."""
        if self._sol is not None:
            self._sol.send_acks()
        outbox = self._outbox[:]
        self._outbox.clear()
        if self._login is not None:
            outbox += self._login.datagrams()
        return outbox

    def receive(self, datagram: bytes, now: float) -> Sequence[SessionEvent]:
        """Take a datagram and return what it means. Never raises.

        Whatever is not believed changes nothing and is counted.
        """
        self._counts.received += 1
        cipher, sol = self._cipher, self._sol
        try:
            if cipher is None or sol is None:
                self._receive_login(datagram, now)
            else:
                payload_type, payload = cipher.open(datagram)
                if payload_type == _SOL:
                    events = sol.receive(payload, now)
                    if events:
                        return events
                else:
                    self._receive_message(sol, payload_type, payload, now)
        except MalformedPacket as error:
            count = self.rejected.get(error.cause, 0)
            self.rejected[error.cause] = count + 1
            self._counts.rejected += 1
        return taken(self._events)

    def expire(self, now: float) -> Sequence[SessionEvent]:
        """Do what is due at `deadline`; harmless when called early."""
        if self._login is not None:
            self._finish_login(self._login.expire(now), now)
        elif self._sol is not None and self._cipher is not None:
            self._expire_command(self._sol, now)
            if self._phase is _Phase.READY or self._phase is _Phase.PRIVILEGE:
                self._sol.expire(now)
        return taken(self._events)

    # Login.

    def _receive_login(self, datagram: bytes, now: float) -> None:
        if self._login is None:
            raise MalformedPacket("the session is over", Rejection.UNEXPECTED)
        result = self._login.receive(decode_envelope(datagram), now)
        self._finish_login(result, now)

    def _finish_login(
        self, result: LoginSuccess | LoginFailure | None, now: float
    ) -> None:
        match result:
            case LoginFailure(reason, detail):
                self._lose(reason, detail)
            case LoginSuccess():
                self._establish(result, now)
            case None:
                pass

    def _establish(self, result: LoginSuccess, now: float) -> None:
        self._login = None
        self._phase = _Phase.PRIVILEGE
        privileges = Privileges(self._options.privileges, result.privilege)
        dialogue = self._carry(result.cipher, privileges, now).dialogue
        if self._behaviour.set_privilege:
            wish = set_privilege(Purpose.SET_PRIVILEGE, privileges.level)
            dialogue.submit(wish, now)
        else:
            self._become_ready(dialogue)

    def _carry(
        self, cipher: SessionCipher, privileges: Privileges, now: float
    ) -> SolPayload:
        """Believe what this cipher opens from now on."""
        dialogue = Dialogue(
            cipher,
            privileges,
            self._behaviour,
            self._outbox,
            self._events,
            self._counts,
        )
        self._cipher = cipher
        self._sol = SolPayload(
            self._options, self._behaviour, dialogue, now, self._counts
        )
        return self._sol

    def _privilege_answered(self, dialogue: Dialogue, code: int, now: float) -> None:
        privileges = dialogue.privileges
        if code == CompletionCode.OK:
            self._become_ready(dialogue)
        elif privileges.lower():
            wish = set_privilege(Purpose.SET_PRIVILEGE, privileges.level)
            dialogue.submit(wish, now)
        else:
            level = privileges.level.name.lower()
            detail = f"privilege level {level} refused (completion code 0x{code:02x})"
            self._lose(LostReason.PRIVILEGE_REFUSED, detail)

    def _become_ready(self, dialogue: Dialogue) -> None:
        self._phase = _Phase.READY
        suite = dialogue.cipher.suite.number
        self._events.append(LoggedIn(suite, dialogue.privileges.granted))

    # Commands.

    def _receive_message(
        self, sol: SolPayload, payload_type: int, payload: bytes, now: float
    ) -> None:
        if payload_type != _IPMI:
            raise MalformedPacket("unknown payload type", Rejection.UNEXPECTED)
        answer = sol.dialogue.receive(payload, now)
        if answer is not None:
            self._answered(sol, answer, now)
        if self._phase is not _Phase.OVER:
            sol.dialogue.pump(now)

    def _answered(self, sol: SolPayload, answer: Answer, now: float) -> None:
        match answer.command.purpose:
            case Purpose.SET_PRIVILEGE:
                self._privilege_answered(sol.dialogue, answer.response.code, now)
            case Purpose.CLOSE:
                self._lose(self._close_reason, "closed")
            case _:
                sol.answered(answer.command, answer.response, now)

    def _expire_command(self, sol: SolPayload, now: float) -> None:
        given_up = sol.dialogue.expire(now)
        if given_up is not None:
            self._unanswered(sol, given_up, now)
            if self._phase is not _Phase.OVER:
                sol.dialogue.pump(now)

    def _unanswered(self, sol: SolPayload, command: Command, now: float) -> None:
        """A command was given up; only a BMC that is gone ends the session."""
        if self._phase is _Phase.CLOSING:
            self._lose(self._close_reason, "closed; the BMC did not answer")
            return
        match command.purpose:
            case Purpose.REQUEST | Purpose.RAISE_PRIVILEGE:
                sol.probe_soon(now)
            case Purpose.FIND_OWNER:
                sol.unanswered_owner()
            case Purpose.PROBE if sol.heard_at > command.began:
                # Busy, not gone: never end a session that delivers.
                sol.postpone_probe(now)
            case _:
                waited = now - command.began
                detail = f"no answer to a command for {waited:.0f} s"
                self._lose(LostReason.BMC_TIMEOUT, detail)

    def _lose(self, reason: LostReason, detail: str) -> None:
        if self._login is not None:
            self._outbox += self._login.datagrams()
        self._phase = _Phase.OVER
        self._login = self._cipher = None
        if self._sol is not None:
            self._sol.stop()
            self._sol.dialogue.abandon()
        self._events.append(SessionLost(reason, detail))
