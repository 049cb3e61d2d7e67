"""RMCP+ sessions as a BMC sees them: Open Session and RAKP 1-4 (IPMI 2.0 §13.15-13.24).

`Logins` answers the four messages of a login and hands over a `BmcSession` when RAKP
Message 3 proved the password. Codes and keys come from
`solrecd.sources.ipmi.protocol.auth`.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any, Final

from solrecd.simbmc.faults import Misbehaviour
from solrecd.simbmc.options import BmcOptions, User
from solrecd.sources.ipmi.protocol.auth import (
    Exchange,
    codes_match,
    derive_keys,
    rakp2_code,
    rakp3_code,
    rakp4_code,
)
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import (
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
    Rakp4,
    decode_open_session_request,
    decode_rakp1,
    decode_rakp3,
    encode_open_session_response,
    encode_rakp2,
    encode_rakp4,
)
from solrecd.sources.ipmi.protocol.packets import encode_plain
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES, CipherSuite

Address = tuple[Any, ...]
"""Where a datagram came from, as ``socket.recvfrom`` says it; never looked into."""

_LOGIN_LIMIT: Final = 32
"""Logins under way at the same time; the oldest makes room."""

_LOGIN_TIMEOUT: Final = 20.0
"""Seconds that a login may take; a BMC has few slots (§6.12.15 leaves it open)."""


@dataclass(slots=True)
class BmcSession:
    """One session that is active."""

    cipher: SessionCipher
    user: User
    limit: PrivilegeLevel
    """What the login asked for: Set Session Privilege Level goes no further."""
    address: Address
    last_seen: float
    privilege: PrivilegeLevel = PrivilegeLevel.USER
    """A session begins at User level (§6.8)."""

    @property
    def id(self) -> int:
        """Managed system session ID."""
        return self.cipher.local_id


@dataclass(slots=True)
class _Login:
    """A login between Open Session and RAKP Message 3."""

    session_id: int
    console_session_id: int
    suite: CipherSuite
    began: float
    rakp1: bytes = b""
    """The RAKP Message 1 that `rakp2` answers: a duplicate gets the same answer."""
    rakp2: bytes = b""
    exchange: Exchange | None = None
    user: User | None = None
    limit: PrivilegeLevel = PrivilegeLevel.USER


@dataclass(frozen=True, slots=True)
class LoginReply:
    """What a BMC answers to one message of a login."""

    datagram: bytes
    session: BmcSession | None = None
    """The session that this message completed."""


class _RefusalError(Exception):
    """A login is answered with an RMCP+ status code (§13.24)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with status {status:#04x}")
        self.status = status


class Logins:
    """Everything between a first packet and an active session.

    Args:
        options: users, suites and K_G.
        rng: session IDs and randoms; seeded by tests, so never a secret.
    """

    def __init__(self, options: BmcOptions, rng: random.Random) -> None:
        self.misbehaviour = Misbehaviour()
        self.began = 0
        """Logins that were begun: Open Session Requests."""
        self.failed = 0
        """Logins that proved another password than the BMC's, or met a locked user."""
        self._failures = 0
        """Those since the last login that worked."""
        self._locked_until = -math.inf
        self._options = options
        self._rng = rng
        self._logins: dict[int, _Login] = {}

    def clear(self) -> None:
        """Forget all logins under way."""
        self._logins.clear()

    # -- Open Session --

    def open(self, payload: bytes, free_slots: int, now: float) -> LoginReply:
        """Answer an Open Session Request.

        Raises:
            MalformedPacket: the request cannot be read.
        """
        request = decode_open_session_request(payload)
        self.began += 1
        try:
            response = self._open(request, free_slots, now)
        except _RefusalError as refused:
            response = OpenSessionResponse(
                request.tag, refused.status, 0, request.console_session_id
            )
        body = encode_open_session_response(response)
        return LoginReply(encode_plain(PayloadType.OPEN_SESSION_RESPONSE, body))

    def _open(
        self, request: OpenSessionRequest, free_slots: int, now: float
    ) -> OpenSessionResponse:
        _refuse_if(self.misbehaviour.open_session_status)
        if free_slots < 1:
            raise _RefusalError(RmcpStatus.INSUFFICIENT_RESOURCES)
        suite = self._agree(request)
        login = _Login(self._new_id(), request.console_session_id, suite, now)
        # Unproven logins must not use up the slots of those who know the password.
        self._make_room(now)
        self._logins[login.session_id] = login
        privilege = request.privilege or self._options.privilege_limit
        return OpenSessionResponse(
            request.tag,
            RmcpStatus.NO_ERRORS,
            privilege,
            request.console_session_id,
            login.session_id,
            suite.algorithms,
        )

    def _agree(self, request: OpenSessionRequest) -> CipherSuite:
        for number in self._options.cipher_suites:
            if CIPHER_SUITES[number].algorithms == request.algorithms:
                return CIPHER_SUITES[number]
        raise _RefusalError(RmcpStatus.NO_CIPHER_SUITE_MATCH)

    def _new_id(self) -> int:
        return self._rng.randrange(1, 1 << 32)

    def _make_room(self, now: float) -> None:
        stale = [i for i, x in self._logins.items() if now - x.began > _LOGIN_TIMEOUT]
        for session_id in stale:
            del self._logins[session_id]
        while len(self._logins) >= _LOGIN_LIMIT:
            del self._logins[next(iter(self._logins))]

    # -- RAKP Messages 1 and 2 --

    def rakp1(self, payload: bytes, now: float) -> LoginReply | None:
        """Answer RAKP Message 1; None where its session ID is not known.

        Raises:
            MalformedPacket: the message cannot be read.
        """
        message = decode_rakp1(payload)
        login = self._logins.get(message.bmc_session_id)
        if login is None:
            return None
        if payload != login.rakp1:
            login.rakp1, login.rakp2 = (
                payload,
                encode_rakp2(self._rakp2(login, message, now)),
            )
        return LoginReply(encode_plain(PayloadType.RAKP_2, login.rakp2))

    def _rakp2(self, login: _Login, message: Rakp1, now: float) -> Rakp2:
        try:
            _refuse_if(self.misbehaviour.rakp2_status)
            user, limit = self._identify(message, now)
        except _RefusalError as refused:
            return Rakp2(message.tag, refused.status, login.console_session_id)
        login.user, login.limit = user, limit
        login.exchange = exchange = Exchange(
            login.console_session_id,
            login.session_id,
            message.console_random,
            self._rng.randbytes(RANDOM_SIZE),
            self._options.guid,
            message.role,
            message.username,
        )
        return Rakp2(
            message.tag,
            RmcpStatus.NO_ERRORS,
            login.console_session_id,
            exchange.bmc_random,
            exchange.guid,
            rakp2_code(login.suite, user.password, exchange),
        )

    def _identify(self, message: Rakp1, now: float) -> tuple[User, PrivilegeLevel]:
        """Find the user, and what the session may rise to."""
        if now < self._locked_until:
            self._fail(now)
            raise _RefusalError(RmcpStatus.UNAUTHORIZED_NAME)
        users = [x for x in self._options.users if x.name == message.username]
        if not users:
            raise _RefusalError(RmcpStatus.UNAUTHORIZED_NAME)
        most = min(users[0].privilege, self._options.privilege_limit)
        wanted = message.role & ~NAME_ONLY_LOOKUP & 0x0F or most
        if wanted > most:
            raise _RefusalError(RmcpStatus.UNAUTHORIZED_ROLE)
        return users[0], PrivilegeLevel(wanted)

    # -- RAKP Messages 3 and 4 --

    def rakp3(self, payload: bytes, address: Address, now: float) -> LoginReply | None:
        """Answer RAKP Message 3; the reply has the session if the password is right.

        Raises:
            MalformedPacket: the message cannot be read.
        """
        message = decode_rakp3(payload)
        login = self._logins.get(message.bmc_session_id)
        # Silence, also for a repeated RAKP 3: its login is over, its session stands.
        if login is None or login.exchange is None or login.user is None:
            return None
        if message.status:
            self._fail(now)
            del self._logins[message.bmc_session_id]
            return None
        try:
            _refuse_if(self.misbehaviour.rakp4_status)
            _check_code(login.suite, login.user, login.exchange, message.code)
        except _RefusalError as refused:
            self._fail(now)
            return _rakp4(message.tag, login, refused.status)
        self._failures = 0
        del self._logins[message.bmc_session_id]
        cipher = self._cipher(login, login.user, login.exchange)
        code = rakp4_code(login.suite, cipher.keys, login.exchange)
        session = BmcSession(cipher, login.user, login.limit, address, now)
        return _rakp4(message.tag, login, RmcpStatus.NO_ERRORS, code, session)

    def _fail(self, now: float) -> None:
        """Count a failed login, and lock the accounts when there are too many."""
        self.failed += 1
        self._failures += 1
        lock_out = self._options.lock_out
        if lock_out is not None and self._failures >= lock_out.failures:
            self._locked_until = now + lock_out.seconds

    def _cipher(self, login: _Login, user: User, exchange: Exchange) -> SessionCipher:
        return SessionCipher(
            suite=login.suite,
            keys=derive_keys(login.suite, self._options.kg or user.password, exchange),
            local_id=login.session_id,
            peer_id=login.console_session_id,
            iv=self._rng.randbytes(RANDOM_SIZE),
        )


def _rakp4(
    tag: int,
    login: _Login,
    status: int,
    code: bytes = b"",
    session: BmcSession | None = None,
) -> LoginReply:
    body = encode_rakp4(Rakp4(tag, status, login.console_session_id, code))
    return LoginReply(encode_plain(PayloadType.RAKP_4, body), session)


def _refuse_if(status: int | None) -> None:
    """Refuse where a misbehaviour says so."""
    if status is not None:
        raise _RefusalError(status)


def _check_code(
    suite: CipherSuite, user: User, exchange: Exchange, received: bytes
) -> None:
    if not codes_match(received, rakp3_code(suite, user.password, exchange)):
        raise _RefusalError(RmcpStatus.INVALID_INTEGRITY_CHECK_VALUE)
