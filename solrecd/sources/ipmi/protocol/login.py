"""Logging in: Open Session and RAKP Messages 1-4, until one attempt succeeds.

One attempt is one walk through `Step`; anything that goes wrong ends the attempt, and
the `LoginPlan` decides what is tried instead. Nothing that arrives here is
authenticated before RAKP Message 4: no refusal is ever final to the keeper, and a
datagram that does not fit is ignored.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from solrecd.events import LostReason
from solrecd.sources.ipmi.protocol.auth import (
    Exchange,
    SessionKeys,
    codes_match,
    derive_keys,
    rakp2_code,
    rakp3_code,
    rakp4_code,
)
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import (
    MAX_USERNAME,
    NAME_ONLY_LOOKUP,
    RANDOM_SIZE,
    PayloadType,
    PrivilegeLevel,
    RmcpStatus,
)
from solrecd.sources.ipmi.protocol.handshake import (
    OpenSessionRequest,
    OpenSessionResponse,
    Rakp1,
    Rakp2,
    Rakp3,
    Rakp4,
    decode_open_session_response,
    decode_rakp2,
    decode_rakp4,
    describe_status,
    encode_open_session_request,
    encode_rakp1,
    encode_rakp3,
)
from solrecd.sources.ipmi.protocol.login_plan import LoginFailure, LoginPlan, reason_of
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import (
    Envelope,
    MalformedPacket,
    Rejection,
    encode_plain,
)
from solrecd.sources.ipmi.protocol.quirks import Behaviour
from solrecd.sources.ipmi.protocol.suites import CipherSuite

ATTEMPT_MASK: Final = 0x0F
"""Bits of the remote console session ID that tell the attempts of a login apart."""


class Step(enum.Enum):
    """What an attempt waits for."""

    OPEN_SESSION_RESPONSE = PayloadType.OPEN_SESSION_RESPONSE
    RAKP_2 = PayloadType.RAKP_2
    RAKP_4 = PayloadType.RAKP_4


@dataclass(frozen=True, slots=True)
class LoginSuccess:
    """The result of a login: what seals and opens packets from now on."""

    cipher: SessionCipher
    privilege: PrivilegeLevel
    """The highest level that the BMC grants."""


@dataclass(slots=True)
class _Attempt:
    """One walk from Open Session to RAKP Message 4."""

    suite: CipherSuite
    privilege: PrivilegeLevel
    session_id: int
    tag: int
    random: bytes
    step: Step = Step.OPEN_SESSION_RESPONSE
    bmc_session_id: int = 0
    exchange: Exchange | None = None
    keys: SessionKeys | None = None


class Login:
    """Everything between a session's first datagram and its keys."""

    def __init__(
        self,
        options: SessionOptions,
        behaviour: Behaviour,
        token_bytes: Callable[[int], bytes],
        session_id: int,
    ) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            options: credentials, suites and privilege levels.
            behaviour: what the quirks say.
            token_bytes: returns that many unpredictable bytes.
            session_id: of the first attempt; later ones vary its low 4 bits.
        """
        self._options = options
        self._behaviour = behaviour
        self._token_bytes = token_bytes
        self._base_id = session_id
        self._plan = LoginPlan(options.cipher_suites, options.privileges)
        self._heard = False
        """The BMC has answered something."""
        self._attempt: _Attempt | None = None
        self._deadline = 0.0
        self._outbox: list[bytes] = []

    # What the session drives.

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do."""
        return self._deadline if self._attempt is not None else None

    @property
    def session_id(self) -> int:
        """Remote console session ID of the present attempt."""
        return self._base_id ^ self._plan.number - 1 & ATTEMPT_MASK

    def datagrams(self) -> list[bytes]:
        """Return what to send now."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def start(self, now: float) -> None:
        """Send the first Open Session Request."""
        self._begin(now)

    def expire(self, now: float) -> LoginFailure | None:
        """Give up waiting for the present answer; return a failure if it was the last.

        Call when `deadline` is over.
        """
        attempt = self._attempt
        if attempt is None or now < self._deadline:
            return None
        self._plan.unanswered()
        if self._heard:
            waited = attempt.step.name.lower().replace("_", " ")
            failure = LoginFailure(LostReason.BMC_TIMEOUT, f"no {waited}")
        else:
            failure = LoginFailure(LostReason.UNREACHABLE, "no answer to Open Session")
        return self._next_attempt(failure, now)

    def receive(
        self, envelope: Envelope, now: float
    ) -> LoginSuccess | LoginFailure | None:
        """Take an answer; return how the login ended, if it did.

        Raises:
            MalformedPacket: it cannot be read, or is not what we wait for.
        """
        attempt = self._attempt
        if (
            attempt is None
            or envelope.session_id
            or envelope.payload_type != attempt.step.value
        ):
            raise MalformedPacket("not the answer we wait for", Rejection.UNEXPECTED)
        match attempt.step:
            case Step.OPEN_SESSION_RESPONSE:
                return self._opened(attempt, envelope.payload, now)
            case Step.RAKP_2:
                return self._got_rakp2(attempt, envelope.payload, now)
            case Step.RAKP_4:
                return self._got_rakp4(attempt, envelope.payload, now)

    # The walk.

    def _begin(self, now: float) -> None:
        attempt = self._attempt = _Attempt(
            suite=self._plan.suite,
            privilege=self._plan.privilege,
            session_id=self.session_id,
            tag=self._plan.number & 0xFF,
            random=self._token_bytes(RANDOM_SIZE),
        )
        wish = PrivilegeLevel.HIGHEST
        if self._behaviour.open_session_privilege:
            wish = attempt.privilege
        request = OpenSessionRequest(
            attempt.tag, wish, attempt.session_id, attempt.suite.algorithms
        )
        self._send(
            PayloadType.OPEN_SESSION_REQUEST, encode_open_session_request(request), now
        )

    def _send(self, payload_type: PayloadType, payload: bytes, now: float) -> None:
        self._outbox.append(encode_plain(payload_type, payload))
        self._deadline = now + self._plan.patience

    def _check_answer(
        self, attempt: _Attempt, answer: OpenSessionResponse | Rakp2 | Rakp4
    ) -> None:
        """Refuse answers to older attempts; a refusal may lack the session ID."""
        addressed = answer.console_session_id
        if answer.tag != attempt.tag or (
            addressed != attempt.session_id and not (answer.status and not addressed)
        ):
            raise MalformedPacket("answer to another attempt", Rejection.UNEXPECTED)
        self._heard = True

    def _opened(
        self, attempt: _Attempt, payload: bytes, now: float
    ) -> LoginFailure | None:
        answer = decode_open_session_response(payload)
        self._check_answer(attempt, answer)
        if answer.status:
            return self._refused("Open Session", answer.status, now)
        if answer.algorithms != attempt.suite.algorithms or not answer.bmc_session_id:
            failure = LoginFailure(
                LostReason.SUITE_REFUSED,
                f"the BMC chose algorithms {tuple(answer.algorithms)} "
                f"when asked for suite {attempt.suite.number}",
            )
            return self._next_attempt(failure, now)
        attempt.bmc_session_id = answer.bmc_session_id
        attempt.step = Step.RAKP_2
        self._send(PayloadType.RAKP_1, self._make_rakp1(attempt), now)
        return None

    @property
    def _username(self) -> bytes:
        name = self._options.username
        return name.ljust(MAX_USERNAME, b"\0") if self._behaviour.pad_username else name

    def _make_rakp1(self, attempt: _Attempt) -> bytes:
        message = Rakp1(
            attempt.tag,
            attempt.bmc_session_id,
            attempt.random,
            attempt.privilege | NAME_ONLY_LOOKUP,
            self._username,
        )
        return encode_rakp1(message, pad_username=self._behaviour.pad_username_field)

    def _got_rakp2(
        self, attempt: _Attempt, payload: bytes, now: float
    ) -> LoginFailure | None:
        answer = decode_rakp2(payload)
        self._check_answer(attempt, answer)
        if answer.status:
            if answer.status == RmcpStatus.INVALID_SESSION_ID and self._plan.number > 1:
                # A late word on an attempt that we have given up ourselves.
                raise MalformedPacket("stale RAKP 2", Rejection.UNEXPECTED)
            return self._refused("RAKP 2", answer.status, now)
        exchange = self._make_exchange(attempt, answer)
        expected = rakp2_code(attempt.suite, self._options.password, exchange)
        # Some boards append a byte; what counts is that the code itself is right.
        if not codes_match(answer.code[: len(expected)], expected):
            return self._wrong_password(attempt, now)
        attempt.exchange = exchange
        kg = self._options.kg or self._options.password
        attempt.keys = derive_keys(attempt.suite, kg, exchange)
        attempt.step = Step.RAKP_4
        self._send_rakp3(attempt, exchange, now)
        return None

    def _make_exchange(self, attempt: _Attempt, answer: Rakp2) -> Exchange:
        role = int(attempt.privilege)
        if self._behaviour.hash_lookup_bit:
            role |= NAME_ONLY_LOOKUP
        return Exchange(
            attempt.session_id,
            attempt.bmc_session_id,
            attempt.random,
            answer.bmc_random,
            answer.guid,
            role,
            self._username,
        )

    def _wrong_password(self, attempt: _Attempt, now: float) -> LoginFailure | None:
        """Tell the BMC that its code is wrong; that frees its session slot (§13.22)."""
        status = RmcpStatus.INVALID_INTEGRITY_CHECK_VALUE
        message = Rakp3(attempt.tag, status, attempt.bmc_session_id)
        self._send(PayloadType.RAKP_3, encode_rakp3(message), now)
        failure = LoginFailure(
            LostReason.BAD_PASSWORD, "the BMC has another password for this user"
        )
        return self._next_attempt(failure, now)

    def _send_rakp3(self, attempt: _Attempt, exchange: Exchange, now: float) -> None:
        if not self._behaviour.rakp3_lookup_bit:
            exchange = _without_lookup_bit(exchange, self._options.username)
        code = rakp3_code(attempt.suite, self._options.password, exchange)
        message = Rakp3(attempt.tag, 0, attempt.bmc_session_id, code)
        self._send(PayloadType.RAKP_3, encode_rakp3(message), now)

    def _got_rakp4(
        self, attempt: _Attempt, payload: bytes, now: float
    ) -> LoginSuccess | LoginFailure | None:
        answer = decode_rakp4(payload)
        self._check_answer(attempt, answer)
        if answer.status:
            return self._refused("RAKP 4", answer.status, now)
        exchange, keys = attempt.exchange, attempt.keys
        if exchange is None or keys is None:
            raise MalformedPacket("RAKP 4 before RAKP 2", Rejection.UNEXPECTED)
        expected = rakp4_code(
            attempt.suite,
            keys,
            exchange,
            by_integrity=self._behaviour.rakp4_by_integrity,
        )
        if not codes_match(answer.code[: len(expected)], expected):
            failure = LoginFailure(
                LostReason.BAD_PASSWORD, "the BMC has another key K_G"
            )
            return self._next_attempt(failure, now)
        self._attempt = None
        return LoginSuccess(self._make_cipher(attempt, keys), attempt.privilege)

    def _make_cipher(self, attempt: _Attempt, keys: SessionKeys) -> SessionCipher:
        return SessionCipher(
            attempt.suite,
            keys,
            local_id=attempt.session_id,
            peer_id=attempt.bmc_session_id,
            iv=self._token_bytes(16),
            short_pad=self._behaviour.short_integrity_pad,
        )

    # When it went wrong.

    def _refused(self, message: str, status: int, now: float) -> LoginFailure | None:
        reason = reason_of(status)
        detail = f"{message} refused: {describe_status(status)}"
        if reason is LostReason.BMC_TIMEOUT:
            self._plan.unanswered()
        return self._next_attempt(LoginFailure(reason, detail), now)

    def _next_attempt(self, failure: LoginFailure, now: float) -> LoginFailure | None:
        """Begin the attempt that follows a failed one, or return why none does."""
        final = self._plan.after(failure)
        if final is None:
            self._begin(now)
        else:
            self._attempt = None
        return final


def _without_lookup_bit(exchange: Exchange, username: bytes) -> Exchange:
    return Exchange(
        exchange.console_session_id,
        exchange.bmc_session_id,
        exchange.console_random,
        exchange.bmc_random,
        exchange.guid,
        exchange.role & ~NAME_ONLY_LOOKUP,
        username,
    )
