"""Logging in: Open Session and RAKP Messages 1-4, until one attempt succeeds.

One attempt is one walk through `Step`; anything that goes wrong ends the attempt, and
`Login._next_attempt` is the one place that decides what is tried instead:

* no answer: the same again, from Open Session on, under a new tag and a new session ID
  - RAKP 1 and 3 are never repeated, BMCs do not take that kindly; then the next suite,
  for a BMC may drop what it does not know;
* refused for user or privilege level: a lower privilege level, then the next suite;
* refused otherwise, or wrong codes: the next suite.

When nothing is left, the login fails with the reason that tells most. Nothing that
arrives here is authenticated before RAKP Message 4: no refusal is ever final to the
keeper, and a datagram that does not fit is ignored.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

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
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import (
    Envelope,
    MalformedPacket,
    Rejection,
    encode_plain,
)
from solrecd.sources.ipmi.protocol.quirks import Behaviour
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES, CipherSuite

_PATIENCE: Final = (1.0, 2.0, 3.0)
"""Seconds for each answer, by attempt with one suite: RAKP on a slow BMC takes one."""

_UNHEARD_ATTEMPTS: Final = 2
"""Attempts per suite with a BMC that has not answered anything yet."""

_MAX_ATTEMPTS: Final = 12
"""Attempts in one login; bounds what a confused or hostile BMC can make us do."""

ATTEMPT_MASK: Final = 0x0F
"""Bits of the remote console session ID that tell the attempts of a login apart."""


class Step(enum.Enum):
    """What an attempt waits for."""

    OPEN_SESSION_RESPONSE = PayloadType.OPEN_SESSION_RESPONSE
    RAKP_2 = PayloadType.RAKP_2
    RAKP_4 = PayloadType.RAKP_4


class LoginFailure(NamedTuple):
    """Why a login did not succeed."""

    reason: LostReason
    detail: str


@dataclass(frozen=True, slots=True)
class LoginSuccess:
    """The result of a login: what seals and opens packets from now on."""

    cipher: SessionCipher
    privilege: PrivilegeLevel
    """The highest level that the BMC grants."""


_REFUSALS: Final = {
    RmcpStatus.INSUFFICIENT_RESOURCES: LostReason.BMC_BUSY,
    RmcpStatus.INSUFFICIENT_RESOURCES_FOR_ROLE: LostReason.BMC_BUSY,
    RmcpStatus.INVALID_ROLE: LostReason.PRIVILEGE_REFUSED,
    RmcpStatus.UNAUTHORIZED_ROLE: LostReason.PRIVILEGE_REFUSED,
    RmcpStatus.INVALID_NAME_LENGTH: LostReason.BAD_USERNAME,
    RmcpStatus.UNAUTHORIZED_NAME: LostReason.BAD_USERNAME,
    RmcpStatus.INVALID_INTEGRITY_CHECK_VALUE: LostReason.BAD_PASSWORD,
    RmcpStatus.INVALID_AUTHENTICATION_ALGORITHM: LostReason.SUITE_REFUSED,
    RmcpStatus.INVALID_INTEGRITY_ALGORITHM: LostReason.SUITE_REFUSED,
    RmcpStatus.NO_MATCHING_AUTHENTICATION_PAYLOAD: LostReason.SUITE_REFUSED,
    RmcpStatus.NO_MATCHING_INTEGRITY_PAYLOAD: LostReason.SUITE_REFUSED,
    RmcpStatus.INVALID_CONFIDENTIALITY_ALGORITHM: LostReason.SUITE_REFUSED,
    RmcpStatus.NO_CIPHER_SUITE_MATCH: LostReason.SUITE_REFUSED,
    RmcpStatus.INVALID_SESSION_ID: LostReason.BMC_TIMEOUT,
    RmcpStatus.INACTIVE_SESSION_ID: LostReason.BMC_TIMEOUT,
}
"""Status codes (Table 13-15) as reasons; stale session IDs are a matter of timing."""

_LOWERS_PRIVILEGE: Final = frozenset(
    # BMCs call a user "unauthorized" whose limit is below the level asked for.
    {LostReason.PRIVILEGE_REFUSED, LostReason.BAD_USERNAME}
)

_TELLING: Final = (
    LostReason.BMC_BUSY,
    LostReason.BAD_PASSWORD,
    LostReason.BAD_USERNAME,
    LostReason.PRIVILEGE_REFUSED,
    LostReason.SUITE_REFUSED,
    LostReason.PROTOCOL_ERROR,
    LostReason.BMC_TIMEOUT,
    LostReason.UNREACHABLE,
)
"""Reasons, the one first that says most of what an operator has to change."""


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
        self._levels = sorted(set(options.privileges), reverse=True)
        self._suites = list(options.cipher_suites)
        self._attempts = 0
        self._silences = 0
        """Attempts with the present suite that ended in silence."""
        self._level = 0
        self._heard = False
        """The BMC has answered something."""
        self._failure: LoginFailure | None = None
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
        return self._base_id ^ max(self._attempts - 1, 0) & ATTEMPT_MASK

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
        self._silences += 1
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
        self._attempts += 1
        attempt = self._attempt = _Attempt(
            suite=CIPHER_SUITES[self._suites[0]],
            privilege=self._levels[self._level],
            session_id=self.session_id,
            tag=self._attempts & 0xFF,
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
        self._deadline = now + _PATIENCE[min(self._silences, len(_PATIENCE) - 1)]

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
            if answer.status == RmcpStatus.INVALID_SESSION_ID and self._attempts > 1:
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

    # What to try when it went wrong.

    def _refused(self, message: str, status: int, now: float) -> LoginFailure | None:
        reason = _reason_of(status)
        detail = f"{message} refused: {describe_status(status)}"
        if reason is LostReason.BMC_TIMEOUT:
            self._silences += 1
        return self._next_attempt(LoginFailure(reason, detail), now)

    def _next_attempt(self, failure: LoginFailure, now: float) -> LoginFailure | None:
        """Begin the attempt that follows a failed one, or return why none does."""
        self._remember(failure)
        if failure.reason is LostReason.BMC_BUSY or self._attempts >= _MAX_ATTEMPTS:
            return self._give_up()
        if failure.reason in _LOWERS_PRIVILEGE and self._level + 1 < len(self._levels):
            self._level += 1
        elif not self._may_repeat(failure.reason):
            del self._suites[0]
            self._level = self._silences = 0
            if not self._suites:
                return self._give_up()
        self._begin(now)
        return None

    def _may_repeat(self, reason: LostReason) -> bool:
        """Whether the same suite is tried once more."""
        match reason:
            case LostReason.BMC_TIMEOUT:
                return self._silences < len(_PATIENCE)
            case LostReason.UNREACHABLE:
                return self._silences < _UNHEARD_ATTEMPTS
            case _:
                return False

    def _remember(self, failure: LoginFailure) -> None:
        known = self._failure
        if known is None or _TELLING.index(failure.reason) < _TELLING.index(
            known.reason
        ):
            self._failure = failure

    def _give_up(self) -> LoginFailure:
        self._attempt = None
        return self._failure or LoginFailure(LostReason.PROTOCOL_ERROR, "login failed")


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


def _reason_of(status: int) -> LostReason:
    try:
        return _REFUSALS.get(RmcpStatus(status), LostReason.PROTOCOL_ERROR)
    except ValueError:
        return LostReason.PROTOCOL_ERROR
