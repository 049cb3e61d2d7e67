"""Who is who, and the keys that follow: RAKP codes and session keys.

Serves both ends. The BMC's side computes the same codes; only who sends which differs
(IPMI 2.0 §13.28-13.33).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.hmac import HMAC

from solrecd.sources.ipmi.protocol.constants import (
    AuthenticationAlgorithm as Authentication,
)
from solrecd.sources.ipmi.protocol.suites import AUTH_CODE_SIZES, HASHES, CipherSuite

_ICV_SIZES: Final[Mapping[int, int]] = MappingProxyType(
    {
        # RAKP Message 4 is truncated like a packet's AuthCode (§13.28.1, §13.28.4).
        Authentication.RAKP_NONE: 0,
        Authentication.RAKP_HMAC_SHA1: 12,
        Authentication.RAKP_HMAC_SHA256: 16,
    }
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What both sides know after RAKP Message 2: the input of every code and key."""

    console_session_id: int
    bmc_session_id: int
    console_random: bytes
    bmc_random: bytes
    guid: bytes
    role: int
    """The role byte as it is hashed (quirks differ from the byte that was sent)."""
    username: bytes

    @property
    def identity(self) -> bytes:
        """Role, name length and name: the end of most hashed strings."""
        return bytes((self.role, len(self.username))) + self.username

    @property
    def session_ids(self) -> bytes:
        """Both session IDs, the remote console's first."""
        return _id(self.console_session_id) + _id(self.bmc_session_id)


def _id(session_id: int) -> bytes:
    return session_id.to_bytes(4, "little")


def _hmac(suite: CipherSuite, key: bytes, message: bytes) -> bytes:
    """HMAC under the suite's hash; empty for RAKP-none."""
    make_hash = HASHES.get(suite.algorithms.authentication)
    if make_hash is None:
        return b""
    context = HMAC(key, make_hash())
    context.update(message)
    return context.finalize()


def rakp2_code(suite: CipherSuite, password: bytes, exchange: Exchange) -> bytes:
    """Return the key exchange authentication code of RAKP Message 2 (§13.31)."""
    message = (
        exchange.session_ids
        + exchange.console_random
        + exchange.bmc_random
        + exchange.guid
        + exchange.identity
    )
    return _hmac(suite, password, message)


def rakp3_code(suite: CipherSuite, password: bytes, exchange: Exchange) -> bytes:
    """Return the key exchange authentication code of RAKP Message 3 (§13.31)."""
    message = exchange.bmc_random + _id(exchange.console_session_id) + exchange.identity
    return _hmac(suite, password, message)


def rakp4_code(
    suite: CipherSuite,
    keys: SessionKeys,
    exchange: Exchange,
    *,
    by_integrity: bool = False,
) -> bytes:
    """Return the integrity check value of RAKP Message 4, truncated (§13.31).

    Args:
        suite: decides hash and length.
        keys: of this exchange.
        exchange: of this login.
        by_integrity: quirk ``intelplus``: the length follows the integrity algorithm.
    """
    message = exchange.console_random + _id(exchange.bmc_session_id) + exchange.guid
    code = _hmac(suite, keys.sik, message)
    if by_integrity:
        return code[: AUTH_CODE_SIZES[suite.algorithms.integrity]]
    return code[: _ICV_SIZES[suite.algorithms.authentication]]


class SessionKeys(NamedTuple):
    """Session integrity key and the two keys derived from it (§13.31, §13.32)."""

    sik: bytes
    k1: bytes
    """Signs packets."""
    k2: bytes
    """Encrypts them: AES-128 takes its first 16 bytes (§13.29)."""

    def __repr__(self) -> str:
        return "SessionKeys(...)"


_CONSTANT_SIZE: Final = 20
"""Bytes of the constants that K1 and K2 hash, for SHA-256 too (§13.32)."""


def derive_keys(suite: CipherSuite, kg: bytes, exchange: Exchange) -> SessionKeys:
    """Return the keys of a session.

    Args:
        suite: decides the hash.
        kg: the BMC's key K_G, or the user's password where none is set (§13.33).
        exchange: of this login.
    """
    randoms = exchange.console_random + exchange.bmc_random
    sik = _hmac(suite, kg, randoms + exchange.identity)
    return SessionKeys(
        sik,
        _hmac(suite, sik, b"\x01" * _CONSTANT_SIZE),
        _hmac(suite, sik, b"\x02" * _CONSTANT_SIZE),
    )


def codes_match(received: bytes, expected: bytes) -> bool:
    """Compare two codes in constant time."""
    return compare_digest(received, expected)
