"""One login and its SoL payload: datagrams and ``now`` in, events and datagrams out.

The only class that a user of this package drives. After every call that takes ``now``,
send what `Session.datagrams` returns and arm a timer for `Session.deadline`.

`login` leads to its keys, `established` from there to its end; what its SoL payload
lives through is in `payload`::

    new -open-> login -RAKP 4-> established -closed, lost-> over
                       (login -closed, lost-> over)

**Recorded before acknowledged.** A packet with console output yields `SolData` and
nothing else happens. `Session.acknowledge`, called before the next `Session.receive`,
says that these bytes are recorded; only then is the ACK queued and the packet's number
taken. Without it the packet counts as never received and the BMC sends it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from solrecd.events.sessions import LostReason
from solrecd.events.wire_counts import WireCounts
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS, Command, Purpose
from solrecd.sources.ipmi.protocol.constants import PayloadType, PrivilegeLevel
from solrecd.sources.ipmi.protocol.dialogue import Dialogue, taken
from solrecd.sources.ipmi.protocol.established import Established
from solrecd.sources.ipmi.protocol.events import (
    CommandFailed,
    SessionEvent,
    SessionLost,
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
from solrecd.sources.ipmi.protocol.privilege import Privileges
from solrecd.sources.ipmi.protocol.quirks import behaviour_of
from solrecd.sources.ipmi.protocol.session_statistics import SessionStatistics, snapshot

_SOL: Final = int(PayloadType.SOL)


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
        self._login: Login | None = Login(
            options, self._behaviour, token_bytes, session_id
        )
        """Until it succeeds or the session is over."""
        self.answer_delay = options.answer_delay  # Seconds; 0: not known.
        self.proved_suite: int | None = None
        """Under which the BMC has proved that it knows the password."""
        self.refused_suite: int | None = None
        """Under which it has proved that it knows another one."""
        self._was_opened = False
        self._established: Established | None = None
        """Only while anything is believed."""
        self._sol: SolPayload | None = None
        """From the login on; stays when the session is over, for its numbers."""
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
        session._establish(cipher, privileges, now).resume(frozen, numbers, now)
        session.proved_suite = frozen.suite
        return session

    # What the owner reads.

    @property
    def session_id(self) -> int:
        """Remote console session ID that the BMC's datagrams carry; 0: none now."""
        if self._established is not None:
            return self._established.cipher.local_id
        return 0 if self._login is None else self._login.session_id

    @property
    def privilege(self) -> PrivilegeLevel | None:
        """The level that the session runs at; None: it never stood."""
        return None if self._sol is None else self._sol.dialogue.privileges.level

    @property
    def resends(self) -> bool:
        """The BMC keeps what it gave up on, and sends it again (`sol_output`)."""
        if self._sol is None:
            return self._options.resends
        return self._sol.receiver.resends

    @property
    def sent(self) -> int:
        """Session sequence number of our last packet."""
        return 0 if self._established is None else self._established.cipher.sent

    @property
    def keeps_output(self) -> bool:
        """The BMC, as far as is known, keeps output for a reader that is away."""
        return self._sol is not None and self._sol.receiver.may_resend

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
        return None if self._established is None else self._established.deadline

    # What the owner asks for.

    def open(self, now: float) -> None:
        """Begin to log in; `LoggedIn` or `SessionLost` follows.

        Raises:
            RuntimeError: it was opened before.
        """
        if self._was_opened or self._login is None:
            raise RuntimeError("a session is opened once")
        self._was_opened = True
        self._login.start(now)

    def activate(self, now: float) -> None:
        """Ask for the SoL payload; `SolActivated` or `SolRefused` follows.

        Nothing happens unless the session stands: its end was told already.
        """
        if self._established is not None and self._established.is_ready:
            self._established.sol.activate(now)

    def deactivate(self, now: float) -> None:
        """Take the payload from the session that holds it; `SolDeactivated` follows.

        Also where the BMC refuses: only the next `activate` tells what is true.
        """
        if self._established is not None and self._established.is_ready:
            self._established.deactivate(now)

    def close(self, now: float, reason: LostReason = LostReason.STOPPED) -> None:
        """Give the payload back and end the session; `SessionLost` follows.

        Within 2 s, whether the BMC answers or not. Output that arrives meanwhile is
        still to be recorded.

        Args:
            now: monotonic time.
            reason: what `SessionLost` is to say.
        """
        if self._login is not None:
            self._lose(SessionLost(reason, "closed before the login was done"))
        elif self._established is not None:
            self._established.close(now, reason)

    def write(self, data: bytes, now: float) -> None:
        """Type bytes on the console; they wait for the payload to be active.

        Without a session they are dropped: typed minutes later they would be unwanted.

        Raises:
            BufferError: `UNSENT_LIMIT` bytes wait already; see `unsent`.
        """
        if self._established is not None:
            self._established.sol.sender.write(data)
            self._established.sol.pump(now)

    def send_break(self, now: float) -> None:
        """Send a break, in order with what was written.

        Raises:
            BufferError: too much input waits already.
        """
        if self._established is not None:
            self._established.sol.sender.send_break()
            self._established.sol.pump(now)

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
        ticket, established = self._tickets, self._established
        if established is None or not established.takes_requests:
            self._events.append(CommandFailed(ticket))
        else:
            wish = Command(
                Purpose.REQUEST, netfn, command, data, lun, ticket, retry_intervals
            )
            established.dialogue.submit(wish, now)
        return ticket

    def acknowledge(self) -> None:
        """The bytes of the last `SolData` are recorded: queue the ACK for them."""
        if self._established is not None:
            self._established.sol.acknowledge()

    # What the owner carries.

    def datagrams(self) -> list[bytes]:
        """Return what to send now, in this order, and forget it."""
        if self._sol is not None:
            self._sol.send_ack()
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
        established = self._established
        try:
            if established is None:
                self._receive_login(datagram, now)
            else:
                payload_type, payload = established.cipher.open(datagram)
                if payload_type == _SOL:
                    events = established.sol.receive(payload, now)
                    if events:
                        return events
                else:
                    self._lose(established.receive(payload_type, payload, now))
        except MalformedPacket as error:
            count = self.rejected.get(error.cause, 0)
            self.rejected[error.cause] = count + 1
            self._counts.rejected += 1
        return taken(self._events)

    def expire(self, now: float) -> Sequence[SessionEvent]:
        """Do what is due at `deadline`; harmless when called early."""
        if self._login is not None:
            self._finish_login(self._login.expire(now), now)
        elif self._established is not None:
            self._lose(self._established.expire(now))
        return taken(self._events)

    # From the login to the end.

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
                self._lose(SessionLost(reason, detail))
            case LoginSuccess(cipher, privilege, kept):
                privileges = Privileges(self._options.privileges, privilege)
                self._establish(cipher, privileges, now).start(now, kept)
            case None:
                pass

    def _establish(
        self, cipher: SessionCipher, privileges: Privileges, now: float
    ) -> Established:
        """Believe what this cipher opens from now on."""
        dialogue = Dialogue(
            cipher,
            privileges,
            self._behaviour,
            self._outbox,
            self._events,
            self._counts,
        )
        self._note_login()
        dialogue.commands.delay = self.answer_delay
        self._login = None
        self._sol = SolPayload(
            self._options, self._behaviour, dialogue, now, self._counts
        )
        self._established = Established(self._options, self._behaviour, self._sol)
        return self._established

    def _note_login(self) -> None:
        """Keep what the login has seen of the BMC, and has still to say."""
        if (login := self._login) is not None:
            self._outbox += login.datagrams()
            self.answer_delay, self.proved_suite = login.delay, login.proved_suite
            self.refused_suite = login.refused_suite

    def _lose(self, lost: SessionLost | None) -> None:
        """End the session, if it is lost."""
        if lost is None:
            return
        self._note_login()
        self._login = self._established = None
        if self._sol is not None:
            self._sol.stop()
            self._sol.dialogue.abandon()
        self._events.append(lost)
