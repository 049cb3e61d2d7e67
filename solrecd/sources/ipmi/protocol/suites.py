"""Cipher suites: which algorithms a number stands for, and what those produce."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from solrecd.sources.ipmi.protocol.constants import (
    AuthenticationAlgorithm as Authentication,
    ConfidentialityAlgorithm as Confidentiality,
    IntegrityAlgorithm as Integrity,
)
from solrecd.sources.ipmi.protocol.handshake import Algorithms

HASHES: Final[Mapping[int, Callable[[], HashAlgorithm]]] = MappingProxyType(
    {
        # SHA-1 as HMAC is what cipher suite 3 is; nothing here relies on collisions.
        Authentication.RAKP_HMAC_SHA1: SHA1,
        Authentication.RAKP_HMAC_SHA256: SHA256,
    }
)
"""Hash by authentication algorithm; RAKP-none has none."""

AUTH_CODE_SIZES: Final[Mapping[int, int]] = MappingProxyType(
    {
        Integrity.NONE: 0,
        Integrity.HMAC_SHA1_96: 12,
        Integrity.HMAC_SHA256_128: 16,
    }
)
"""Bytes of a packet's AuthCode, by integrity algorithm."""


@dataclass(frozen=True, slots=True)
class CipherSuite:
    """A cipher suite (IPMI 2.0 Table 22-20)."""

    number: int
    algorithms: Algorithms

    @property
    def is_secure(self) -> bool:
        """Whether packets are both signed and encrypted."""
        return (
            self.algorithms.integrity != Integrity.NONE
            and self.algorithms.confidentiality != Confidentiality.NONE
        )


def _suite(
    number: int, auth: Authentication, integrity: Integrity, secret: Confidentiality
) -> tuple[int, CipherSuite]:
    return number, CipherSuite(number, Algorithms(auth, integrity, secret))


CIPHER_SUITES: Final[Mapping[int, CipherSuite]] = MappingProxyType(
    dict(
        (
            _suite(0, Authentication.RAKP_NONE, Integrity.NONE, Confidentiality.NONE),
            _suite(
                1, Authentication.RAKP_HMAC_SHA1, Integrity.NONE, Confidentiality.NONE
            ),
            _suite(
                2,
                Authentication.RAKP_HMAC_SHA1,
                Integrity.HMAC_SHA1_96,
                Confidentiality.NONE,
            ),
            _suite(
                3,
                Authentication.RAKP_HMAC_SHA1,
                Integrity.HMAC_SHA1_96,
                Confidentiality.AES_CBC_128,
            ),
            _suite(
                17,
                Authentication.RAKP_HMAC_SHA256,
                Integrity.HMAC_SHA256_128,
                Confidentiality.AES_CBC_128,
            ),
        )
    )
)
"""Suites by number. MD5 and xRC4 are left out on purpose."""
