"""Codec of datagrams and SoL payloads, both directions, without secrets.

Wire layout of RMCP+ (IPMI 2.0 §13.6, Table 13-8), the only long one here::

    offset  size
    0       4     RMCP header: version 06, reserved, sequence FF, class 07
    4       1     authentication type, 06 = RMCP+
    5       1     payload type; bit 7 encrypted, bit 6 authenticated
    6       4     session ID of the receiver, 0 while logging in
    10      4     session sequence number, 0 while logging in
    14      2     payload length
    16      n     payload
    then, if authenticated: FF padding, pad length, next header 07, AuthCode

Decoders take hostile bytes and raise nothing but `MalformedPacket`. They check form
only: `auth.SessionCipher` decides what is believed. `messages` and `handshake` hold the
payloads of commands and of the login.
"""

from __future__ import annotations

import enum
from struct import Struct
from typing import Final, NamedTuple

RMCP_HEADER: Final = b"\x06\x00\xff\x07"
"""RMCP version 1.0, no RMCP acknowledge wanted, class IPMI (IPMI 2.0 Table 13-1)."""

RMCP_PLUS: Final = RMCP_HEADER + b"\x06"
LEGACY: Final = RMCP_HEADER + b"\x00"
"""IPMI 1.5 session header without authentication: for what precedes a session."""

ENCRYPTED: Final = 0x80
AUTHENTICATED: Final = 0x40
PAYLOAD_TYPE_MASK: Final = 0x3F
PAYLOAD_TYPE_AT: Final = 5
"""Where in a datagram it stands."""

HEADER_SIZE: Final = 16
_LEGACY_HEADER_SIZE: Final = 14

_HEADER: Final = Struct("<5sBIIH")
pack_header: Final = _HEADER.pack
unpack_header: Final = _HEADER.unpack_from
_LEGACY_HEADER: Final = Struct("<5sIIB")


class Rejection(enum.StrEnum):
    """Why a datagram was not believed; a closed set, because it is counted by name."""

    MALFORMED = "malformed"
    FOREIGN = "foreign"
    """Not RMCP+ at all, or IPMI 1.5 inside an established RMCP+ session."""
    UNAUTHENTICATED = "unauthenticated"
    """No AuthCode, or clear text, where the cipher suite demands one."""
    FORGED = "forged"
    """The AuthCode is wrong."""
    SESSION_ID = "session_id"
    REPLAYED = "replayed"
    """The session sequence number did not grow."""
    REFUSAL = "refusal"
    """A refusal or a wrong code in a login, before the BMC has proved itself: it is
    believed only when nothing better comes."""
    UNEXPECTED = "unexpected"
    """Well formed, but nothing that this state waits for (late answers mostly)."""


class MalformedPacket(Exception):  # noqa: N818 - the name every decoder's border uses
    """The one exception that decoding hostile bytes raises.

    Attributes:
        cause: what to count it as.
    """

    def __init__(self, message: str, cause: Rejection = Rejection.MALFORMED) -> None:
        super().__init__(message)
        self.cause = cause


def require(data: bytes, size: int, what: str) -> None:
    """Refuse what is too short to be read.

    Raises:
        MalformedPacket: fewer than ``size`` bytes; the message names ``what``.
    """
    if len(data) < size:
        raise MalformedPacket(f"{what}: {len(data)} bytes, at least {size} expected")


class Envelope(NamedTuple):
    """An RMCP+ datagram without trailer, its payload still as it travelled."""

    payload_type: int
    encrypted: bool
    authenticated: bool
    session_id: int
    sequence: int
    payload: bytes


def encode_plain(
    payload_type: int, payload: bytes, session_id: int = 0, sequence: int = 0
) -> bytes:
    """Return an RMCP+ datagram that is neither signed nor encrypted (logins)."""
    header = pack_header(RMCP_PLUS, payload_type, session_id, sequence, len(payload))
    return header + payload


def decode_envelope(datagram: bytes) -> Envelope:
    """Split an RMCP+ datagram; what follows the payload (AuthCode) is not looked at.

    Raises:
        MalformedPacket: not RMCP+, or shorter than its own length field says.
    """
    require(datagram, HEADER_SIZE, "RMCP+ header")
    start, kind, session_id, sequence, length = unpack_header(datagram)
    if start != RMCP_PLUS:
        raise MalformedPacket("not an RMCP+ datagram", Rejection.FOREIGN)
    require(datagram, HEADER_SIZE + length, "RMCP+ payload")
    return Envelope(
        kind & PAYLOAD_TYPE_MASK,
        bool(kind & ENCRYPTED),
        bool(kind & AUTHENTICATED),
        session_id,
        sequence,
        datagram[HEADER_SIZE : HEADER_SIZE + length],
    )


def encode_legacy(message: bytes) -> bytes:
    """Wrap an IPMI message for the time before a session (IPMI 2.0 Table 13-8, 1.5)."""
    return _LEGACY_HEADER.pack(LEGACY, 0, 0, len(message)) + message


def decode_legacy(datagram: bytes) -> bytes:
    """Return the IPMI message in an IPMI 1.5 datagram without authentication.

    Raises:
        MalformedPacket: another kind of datagram, in a session, or cut short.
    """
    require(datagram, _LEGACY_HEADER_SIZE, "IPMI 1.5 header")
    start, sequence, session_id, length = _LEGACY_HEADER.unpack_from(datagram)
    if start != LEGACY or sequence or session_id:
        raise MalformedPacket("not a sessionless IPMI 1.5 datagram", Rejection.FOREIGN)
    require(datagram, _LEGACY_HEADER_SIZE + length, "IPMI 1.5 payload")
    return datagram[_LEGACY_HEADER_SIZE : _LEGACY_HEADER_SIZE + length]


unpack_session_id: Final = Struct("<I").unpack_from


# --- Serial over LAN (IPMI 2.0 §15.9) ------------------------------------------------

SOL_HEADER_SIZE: Final = 4


class SolPacket(NamedTuple):
    """A SoL payload, either direction."""

    number: int
    """Packet sequence number, 1-15; 0: nothing here to acknowledge."""
    acknowledged: int
    """Sequence number that this packet acknowledges, 1-15; 0: none."""
    accepted: int
    """How many characters of the acknowledged packet were accepted."""
    status: int
    """`SolStatus` from the BMC, `SolOperation` from the remote console."""
    data: bytes


def encode_sol(packet: SolPacket) -> bytes:
    """Return the bytes of a SoL payload."""
    number, acknowledged, accepted, status, data = packet
    return bytes((number & 0x0F, acknowledged & 0x0F, accepted, status)) + data


def decode_sol(payload: bytes) -> SolPacket:
    """Read a SoL payload.

    Raises:
        MalformedPacket: shorter than its header.
    """
    if len(payload) < SOL_HEADER_SIZE:
        raise MalformedPacket(f"SoL payload of {len(payload)} bytes, 4 are its header")
    number, acknowledged, accepted, status = payload[:4]
    return SolPacket(number & 0x0F, acknowledged & 0x0F, accepted, status, payload[4:])
