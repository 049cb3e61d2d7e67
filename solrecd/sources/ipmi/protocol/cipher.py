"""The packets of a session, sealed and opened: AES-CBC, AuthCodes, sequence numbers.

Serves both ends. `SessionCipher` is the one judge of what is believed in a session: it
looks at nothing in a packet before the AuthCode was found right (IPMI 2.0 §13.28,
§13.29).

Contexts live as long as the session, because making them costs ten times their use: a
keyed HMAC is copied per packet. CBC chains by itself, so one decryptor is fed
``IV + ciphertext`` and the first block of its output dropped; one encryptor is fed a
zero block before the payload, and what that block encrypts to - the last ciphertext
block under the key, unpredictable without it - is the packet's IV.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from cryptography.hazmat.primitives.ciphers import (
    Cipher,
    CipherContext,
    algorithms,
    modes,
)
from cryptography.hazmat.primitives.hmac import HMAC

from solrecd.sources.ipmi.protocol.auth import SessionKeys
from solrecd.sources.ipmi.protocol.constants import (
    ConfidentialityAlgorithm as Confidentiality,
    IntegrityAlgorithm as Integrity,
)
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
from solrecd.sources.ipmi.protocol.suites import AUTH_CODE_SIZES, HASHES, CipherSuite

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
        self._code_size = AUTH_CODE_SIZES[chosen.integrity]
        self._flags = 0
        self._window = _HALF_SEQUENCE if self.received else _ANY_SEQUENCE
        self._pad_to = 0 if self.short_pad else 2
        if chosen.integrity != Integrity.NONE:
            self._flags |= AUTHENTICATED
            self._mac = HMAC(self.keys.k1, HASHES[chosen.authentication]())
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
        if self.clear_types and payload_type in self.clear_types:
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
