"""What a login sends, and which codes prove it: messages under one BMC's habits."""

from __future__ import annotations

from typing import Final

from solrecd.sources.ipmi.protocol.attempt import Attempt
from solrecd.sources.ipmi.protocol.auth import (
    Exchange,
    SessionKeys,
    codes_match,
    rakp2_code,
    rakp3_code,
    rakp4_code,
)
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import (
    MAX_USERNAME,
    NAME_ONLY_LOOKUP,
    PrivilegeLevel,
    RmcpStatus,
)
from solrecd.sources.ipmi.protocol.handshake import (
    OpenSessionRequest,
    Rakp1,
    Rakp2,
    Rakp3,
    Rakp4,
    encode_open_session_request,
    encode_rakp1,
    encode_rakp3,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.quirks import Behaviour

IV_SIZE: Final = 16
"""Bytes of the first initialization vector of a session's cipher."""


class LoginMessages:
    """Makes and checks the messages of a login; has no state of its own.

    Args:
        options: credentials.
        behaviour: what the quirks say.
    """

    def __init__(self, options: SessionOptions, behaviour: Behaviour) -> None:
        self._options = options
        self._behaviour = behaviour

    @property
    def _username(self) -> bytes:
        name = self._options.username
        return name.ljust(MAX_USERNAME, b"\0") if self._behaviour.pad_username else name

    # What is sent.

    def open_session(self, attempt: Attempt) -> bytes:
        """Return an Open Session Request."""
        wish = PrivilegeLevel.HIGHEST
        if self._behaviour.open_session_privilege:
            wish = attempt.privilege
        request = OpenSessionRequest(
            attempt.tag, wish, attempt.session_id, attempt.suite.algorithms
        )
        return encode_open_session_request(request)

    def rakp1(self, attempt: Attempt) -> bytes:
        """Return RAKP Message 1: who we are."""
        message = Rakp1(
            attempt.tag,
            attempt.bmc_session_id,
            attempt.random,
            attempt.privilege | NAME_ONLY_LOOKUP,
            self._username,
        )
        return encode_rakp1(message, pad_username=self._behaviour.pad_username_field)

    def rakp3(self, attempt: Attempt) -> bytes:
        """Return RAKP Message 3: that we know the password."""
        exchange = attempt.exchange
        if exchange is None:
            raise ValueError("RAKP Message 3 follows RAKP Message 2")
        if not self._behaviour.rakp3_lookup_bit:
            exchange = _without_lookup_bit(exchange, self._options.username)
        code = rakp3_code(attempt.suite, attempt.password, exchange)
        return encode_rakp3(Rakp3(attempt.tag, 0, attempt.bmc_session_id, code))

    def wrong_code(self, attempt: Attempt) -> bytes:
        """Return RAKP Message 3: that the BMC's code is wrong."""
        status = RmcpStatus.INVALID_INTEGRITY_CHECK_VALUE
        return encode_rakp3(Rakp3(attempt.tag, status, attempt.bmc_session_id))

    # What came.

    def exchange(self, attempt: Attempt, answer: Rakp2) -> Exchange:
        """Return what both sides know after RAKP Message 2."""
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

    def password(
        self, attempt: Attempt, answer: Rakp2, exchange: Exchange
    ) -> bytes | None:
        """Return the password that the BMC proves to know; None: it is another one."""
        for password in self._options.passwords:
            expected = rakp2_code(attempt.suite, password, exchange)
            # Some boards append a byte; what counts is that the code itself is right.
            if codes_match(answer.code[: len(expected)], expected):
                return password
        return None

    def is_right(self, answer: Rakp4, attempt: Attempt, keys: SessionKeys) -> bool:
        """Whether the BMC proves that it has the same session keys."""
        if attempt.exchange is None:
            return False
        by_integrity = self._behaviour.rakp4_by_integrity
        code = rakp4_code(
            attempt.suite, keys, attempt.exchange, by_integrity=by_integrity
        )
        return codes_match(answer.code[: len(code)], code)

    def cipher(self, attempt: Attempt, keys: SessionKeys, iv: bytes) -> SessionCipher:
        """Return what seals and opens the packets of the session."""
        return SessionCipher(
            attempt.suite,
            keys,
            local_id=attempt.session_id,
            peer_id=attempt.bmc_session_id,
            iv=iv,
            short_pad=self._behaviour.short_integrity_pad,
        )


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
