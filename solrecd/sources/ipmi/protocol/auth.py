"""Who is who, and the keys: cipher suites, RAKP codes, session keys, sealed packets.

Serves both ends. The BMC's side computes the same codes; only who sends which differs
(IPMI 2.0 §13.28-13.33). `SessionCipher` is the one judge of what is believed in a
session: it looks at nothing in a packet before the AuthCode was found right.

Contexts live as long as the session, because making them costs ten times their use: a
keyed HMAC is copied per packet. CBC chains by itself, so one decryptor is fed
``IV + ciphertext`` and the first block of its output dropped; one encryptor is fed a
zero block before the payload, and what that block encrypts to - the last ciphertext
block under the key, unpredictable without it - is the packet's IV.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import (
    Cipher,
    CipherContext,
    algorithms,
    modes,
)
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC

from solrecd.sources.ipmi.protocol.constants import (
    AuthenticationAlgorithm as Authentication,
    ConfidentialityAlgorithm as Confidentiality,
    IntegrityAlgorithm as Integrity,
)
from solrecd.sources.ipmi.protocol.handshake import Algorithms
from solrecd.sources.ipmi.protocol.packets import (
    AUTHENTICATED,
    ENCRYPTED,
    HEADER_SIZE,
    PAYLOAD_TYPE_MASK,
    RMCP_HEADER,
    RMCP_PLUS,
    MalformedPacket,
    Rejection,
    pack_header,
    unpack_header,
)

_HASHES: Final[Mapping[int, Callable[[], HashAlgorithm]]] = MappingProxyType(
    {
        # SHA-1 as HMAC is what cipher suite 3 is; nothing here relies on collisions.
        Authentication.RAKP_HMAC_SHA1: SHA1,
        Authentication.RAKP_HMAC_SHA256: SHA256,
    }
)
_AUTH_CODE_SIZES: Final[Mapping[int, int]] = MappingProxyType(
    {
        Integrity.NONE: 0,
        Integrity.HMAC_SHA1_96: 12,
        Integrity.HMAC_SHA256_128: 16,
    }
)
_ICV_SIZES: Final[Mapping[int, int]] = MappingProxyType(
    {
        # RAKP Message 4 is truncated like a packet's AuthCode (§13.28.1, §13.28.4).
        Authentication.RAKP_NONE: 0,
        Authentication.RAKP_HMAC_SHA1: 12,
        Authentication.RAKP_HMAC_SHA256: 16,
    }
)


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
    make_hash = _HASHES.get(suite.algorithms.authentication)
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
        return code[: _AUTH_CODE_SIZES[suite.algorithms.integrity]]
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


_BLOCK: Final = 16
_ZERO_BLOCK: Final = bytes(_BLOCK)
_CONFIDENTIALITY_PADS: Final = tuple(
    bytes(range(1, size + 1)) + bytes((size,)) for size in range(_BLOCK)
)
"""Pad bytes 1, 2, 3 ... and their number, by their number (§13.29)."""

_INTEGRITY_PADS: Final = tuple(
    b"\xff" * size + bytes((size, 0x07)) for size in range(4)
)
"""Pad bytes, their number, and the next header (Table 13-8), by their number."""

_SIGNED_FROM: Final = len(RMCP_HEADER)
"""The AuthCode covers everything from the authentication type on (§13.28.4)."""

_SEALED: Final = AUTHENTICATED | ENCRYPTED

_SEQUENCE_MASK: Final = 0xFFFF_FFFF
_ANY_SEQUENCE: Final = 0x1_0000_0000
_HALF_SEQUENCE: Final = 0x8000_0000
"""A number is newer if it is ahead by less than this, modulo 2^32: a busy session wraps
within a year. Strictly newer, no window: an original that arrives after its
retransmission would be recorded as new bytes."""


class _Unsigned:
    """The keyed hash of suites without integrity: nothing matches nothing."""

    def copy(self) -> _Unsigned:
        return self

    def update(self, data: bytes) -> None:
        """Take no notice."""

    def finalize(self) -> bytes:
        return b""


@dataclass(slots=True)
class SessionCipher:
    """Seals and opens the packets of one session, at either end.

    Attributes:
        suite: what was agreed on.
        keys: of this session.
        local_id: session ID that packets to us carry.
        peer_id: session ID that packets from us carry.
        sent: session sequence number of the last packet sealed.
        received: of the last packet opened; 0 before the first.
    """

    suite: CipherSuite
    keys: SessionKeys
    local_id: int
    peer_id: int
    iv: bytes = field(repr=False)
    """16 random bytes to start the encryptor with; never sent."""
    sent: int = 0
    received: int = 0
    short_pad: bool = False
    """Quirk ``icts``: padding is counted without the two bytes that follow it."""
    clear_types: frozenset[int] = frozenset()
    """Payload types that were activated without encryption (§24.1); usually none."""
    _window: int = field(init=False, repr=False)
    """How far ahead of the last number the next may be: anywhere at first."""
    _pad_to: int = field(init=False, repr=False)
    _flags: int = field(init=False, repr=False)
    _code_size: int = field(init=False, repr=False)
    _mac: HMAC | _Unsigned = field(init=False, repr=False)
    _encrypt: CipherContext | None = field(init=False, repr=False, default=None)
    _decrypt: CipherContext | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        chosen = self.suite.algorithms
        self._code_size = _AUTH_CODE_SIZES[chosen.integrity]
        self._flags = 0
        self._window = _HALF_SEQUENCE if self.received else _ANY_SEQUENCE
        self._pad_to = 0 if self.short_pad else 2
        if chosen.integrity != Integrity.NONE:
            self._flags |= AUTHENTICATED
            self._mac = HMAC(self.keys.k1, _HASHES[chosen.authentication]())
        else:
            self._mac = _Unsigned()
        if chosen.confidentiality == Confidentiality.AES_CBC_128:
            self._flags |= ENCRYPTED
            cipher = Cipher(algorithms.AES(self.keys.k2[:_BLOCK]), modes.CBC(self.iv))
            self._encrypt, self._decrypt = cipher.encryptor(), cipher.decryptor()

    def seal(self, payload_type: int, payload: bytes) -> bytes:
        """Return the datagram that carries a payload, under the next sequence number.

        Args:
            payload_type: `PayloadType.IPMI` or `PayloadType.SOL`.
            payload: at most 1 KiB in practice; the length field is two bytes.
        """
        self.sent = sequence = self.sent + 1 & _SEQUENCE_MASK or 1
        kind = payload_type | self._flags
        if payload_type in self.clear_types:
            kind &= ~ENCRYPTED
        if kind & ENCRYPTED and self._encrypt is not None:
            pad = _CONFIDENTIALITY_PADS[~len(payload) % _BLOCK]
            payload = self._encrypt.update(_ZERO_BLOCK + payload + pad)
        size = len(payload)
        packet = pack_header(RMCP_PLUS, kind, self.peer_id, sequence, size) + payload
        if not self._code_size:
            return packet
        packet += _INTEGRITY_PADS[(self._pad_to - size) % 4]
        mac = self._mac.copy()
        mac.update(packet[_SIGNED_FROM:])
        return packet + mac.finalize()[: self._code_size]

    def open(self, datagram: bytes) -> tuple[int, bytes]:
        """Return payload type and payload of a datagram, if it is believed.

        Otherwise nothing has changed. One function without helpers: every packet of
        every console comes through here, and a call costs as much as the decryption.

        Raises:
            MalformedPacket: with the cause to count; see `Rejection`.
        """
        size = self._code_size
        signed = len(datagram) - size
        if signed < HEADER_SIZE:
            raise MalformedPacket("shorter than an RMCP+ packet of this session")
        kind = datagram[5]
        if kind & _SEALED != self._flags and not self._may_be_clear(kind):
            raise MalformedPacket("not sealed as agreed", Rejection.UNAUTHENTICATED)
        mac = self._mac.copy()
        mac.update(datagram[_SIGNED_FROM:signed])
        if not compare_digest(mac.finalize()[:size], datagram[signed:]):
            raise MalformedPacket("wrong AuthCode", Rejection.FORGED)
        # Nothing of the packet counted before this line.
        start, _, session_id, sequence, length = unpack_header(datagram)
        if session_id != self.local_id or start != RMCP_PLUS:
            raise MalformedPacket("session ID of another", Rejection.SESSION_ID)
        end = HEADER_SIZE + length
        if end > signed:
            raise MalformedPacket("payload length beyond the datagram's end")
        ahead = sequence - self.received & _SEQUENCE_MASK
        if not 0 < ahead < self._window and not self._is_unnumbered(sequence):
            raise MalformedPacket("sequence number did not grow", Rejection.REPLAYED)
        payload = datagram[HEADER_SIZE:end]
        if kind & ENCRYPTED:
            payload = self._decipher(payload)
        self.received = sequence
        self._window = _HALF_SEQUENCE
        return kind & PAYLOAD_TYPE_MASK, payload

    def _may_be_clear(self, kind: int) -> bool:
        """Whether a packet that lacks encryption, and only that, is acceptable."""
        return (
            kind & PAYLOAD_TYPE_MASK in self.clear_types
            and kind & _SEALED == self._flags & AUTHENTICATED
        )

    def _is_unnumbered(self, sequence: int) -> bool:
        """Whether this is a packet of an unsigned session (suites 0 and 1)."""
        return not self._code_size and not sequence

    def _decipher(self, sealed: bytes) -> bytes:
        # A torn block would stay in the context and shift every later packet.
        if self._decrypt is None or len(sealed) % _BLOCK or len(sealed) < 2 * _BLOCK:
            raise MalformedPacket("ciphertext is not whole blocks after an IV")
        clear = self._decrypt.update(sealed)
        end = len(clear) - 1 - clear[-1]
        if end < _BLOCK:
            raise MalformedPacket("confidentiality pad longer than the payload")
        return clear[_BLOCK:end]
