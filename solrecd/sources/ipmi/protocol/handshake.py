"""Codec of the login: Open Session and RAKP Messages 1-4, both directions.

Payloads of `packets.Envelope`, IPMI 2.0 §13.17-13.23. Decoders raise nothing but
`packets.MalformedPacket`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from solrecd.sources.ipmi.protocol.constants import (
    MAX_USERNAME,
    RANDOM_SIZE,
    AuthenticationAlgorithm,
    ConfidentialityAlgorithm,
    IntegrityAlgorithm,
    RmcpStatus,
)
from solrecd.sources.ipmi.protocol.packets import (
    MalformedPacket,
    require,
    unpack_session_id,
)


class Algorithms(NamedTuple):
    """What the two sides agree on; plain numbers, for a BMC may say anything."""

    authentication: int
    integrity: int
    confidentiality: int


NO_ALGORITHMS: Final = Algorithms(
    AuthenticationAlgorithm.RAKP_NONE,
    IntegrityAlgorithm.NONE,
    ConfidentialityAlgorithm.NONE,
)


@dataclass(frozen=True, slots=True)
class OpenSessionRequest:
    """RMCP+ Open Session Request (IPMI 2.0 Table 13-9), one proposal per algorithm."""

    tag: int
    privilege: int
    console_session_id: int
    algorithms: Algorithms


@dataclass(frozen=True, slots=True)
class OpenSessionResponse:
    """RMCP+ Open Session Response (IPMI 2.0 Table 13-10).

    With a ``status`` other than 0 the last three fields mean nothing.
    """

    tag: int
    status: int
    privilege: int
    console_session_id: int
    bmc_session_id: int = 0
    algorithms: Algorithms = NO_ALGORITHMS


_OPEN_REQUEST: Final = Struct("<BBxxI")
_OPEN_RESPONSE: Final = Struct("<BBBxI")
_ALGORITHM: Final = Struct("<BxxBBxxx")
_ALGORITHM_SIZE: Final = 8


def _encode_algorithms(algorithms: Algorithms) -> bytes:
    return b"".join(
        [
            _ALGORITHM.pack(kind, _ALGORITHM_SIZE, algorithm)
            for kind, algorithm in enumerate(algorithms)
        ]
    )


def _decode_algorithms(data: bytes) -> Algorithms:
    """Read three algorithm payloads; the first of each kind counts."""
    require(data, 3 * _ALGORITHM_SIZE, "algorithm proposals")
    found: dict[int, int] = {}
    for offset in range(0, len(data) - _ALGORITHM_SIZE + 1, _ALGORITHM_SIZE):
        kind, size, algorithm = _ALGORITHM.unpack_from(data, offset)
        # Length 0 is a wildcard in a request ("you choose", §13.17): offered as 3 of
        # each would be, and we never send it.
        found.setdefault(kind, algorithm & 0x3F if size else 0)
    try:
        return Algorithms(found[0], found[1], found[2])
    except KeyError as missing:
        raise MalformedPacket(f"no algorithm payload of type {missing}") from None


def encode_open_session_request(request: OpenSessionRequest) -> bytes:
    """Return the payload of an Open Session Request."""
    head = _OPEN_REQUEST.pack(
        request.tag, request.privilege, request.console_session_id
    )
    return head + _encode_algorithms(request.algorithms)


def decode_open_session_request(payload: bytes) -> OpenSessionRequest:
    """Read the payload of an Open Session Request.

    Raises:
        MalformedPacket: cut short, or an algorithm payload is missing.
    """
    require(payload, _OPEN_REQUEST.size, "Open Session Request")
    tag, privilege, session_id = _OPEN_REQUEST.unpack_from(payload)
    algorithms = _decode_algorithms(payload[_OPEN_REQUEST.size :])
    return OpenSessionRequest(tag, privilege & 0x0F, session_id, algorithms)


def encode_open_session_response(response: OpenSessionResponse) -> bytes:
    """Return the payload of an Open Session Response (short where it refuses)."""
    head = _OPEN_RESPONSE.pack(
        response.tag, response.status, response.privilege, response.console_session_id
    )
    if response.status:
        return head
    bmc_session_id = response.bmc_session_id.to_bytes(4, "little")
    return head + bmc_session_id + _encode_algorithms(response.algorithms)


def decode_open_session_response(payload: bytes) -> OpenSessionResponse:
    """Read the payload of an Open Session Response.

    Raises:
        MalformedPacket: cut short, or an algorithm payload is missing.
    """
    # Some BMCs refuse with nothing but tag and status; the session ID is then absent.
    if len(payload) >= 2 and payload[1]:
        padded = payload[: _OPEN_RESPONSE.size].ljust(_OPEN_RESPONSE.size, b"\0")
        return OpenSessionResponse(*_OPEN_RESPONSE.unpack(padded))
    require(payload, _OPEN_RESPONSE.size + 4, "Open Session Response")
    tag, status, privilege, session_id = _OPEN_RESPONSE.unpack_from(payload)
    (bmc_session_id,) = unpack_session_id(payload, _OPEN_RESPONSE.size)
    algorithms = _decode_algorithms(payload[_OPEN_RESPONSE.size + 4 :])
    return OpenSessionResponse(
        tag, status, privilege & 0x0F, session_id, bmc_session_id, algorithms
    )


# --- RAKP (IPMI 2.0 §13.20-13.23) ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rakp1:
    """RAKP Message 1: the remote console says who it is."""

    tag: int
    bmc_session_id: int
    console_random: bytes
    role: int
    """Requested privilege level and `NAME_ONLY_LOOKUP`, as one byte."""
    username: bytes


@dataclass(frozen=True, slots=True)
class Rakp2:
    """RAKP Message 2: the BMC proves that it knows the password."""

    tag: int
    status: int
    console_session_id: int
    bmc_random: bytes = b""
    guid: bytes = b""
    code: bytes = b""


@dataclass(frozen=True, slots=True)
class Rakp3:
    """RAKP Message 3: the remote console proves it too, or says why it gave up."""

    tag: int
    status: int
    bmc_session_id: int
    code: bytes = b""


@dataclass(frozen=True, slots=True)
class Rakp4:
    """RAKP Message 4: the BMC proves that it has the same session key."""

    tag: int
    status: int
    console_session_id: int
    code: bytes = b""


_RAKP_1: Final = Struct("<BxxxI16sBxxB")
_RAKP_STATUS: Final = Struct("<BBxxI")
_RAKP_2_SIZE: Final = _RAKP_STATUS.size + 2 * RANDOM_SIZE


def encode_rakp1(message: Rakp1, *, pad_username: bool = False) -> bytes:
    """Return the payload of RAKP Message 1.

    Args:
        message: what to say.
        pad_username: quirk ``intel20``: 16 bytes whatever the name's length is.
    """
    name = message.username
    head = _RAKP_1.pack(
        message.tag,
        message.bmc_session_id,
        message.console_random,
        message.role,
        len(name),
    )
    return head + (name.ljust(MAX_USERNAME, b"\0") if pad_username else name)


def decode_rakp1(payload: bytes) -> Rakp1:
    """Read the payload of RAKP Message 1.

    Raises:
        MalformedPacket: cut short, or the name is longer than 16 bytes.
    """
    require(payload, _RAKP_1.size, "RAKP Message 1")
    tag, session_id, random, role, size = _RAKP_1.unpack_from(payload)
    if size > MAX_USERNAME:
        raise MalformedPacket(f"RAKP Message 1: user name of {size} bytes, 16 allowed")
    require(payload, _RAKP_1.size + size, "RAKP Message 1 user name")
    name = payload[_RAKP_1.size : _RAKP_1.size + size]
    return Rakp1(tag, session_id, random, role, name)


def encode_rakp2(message: Rakp2) -> bytes:
    """Return the payload of RAKP Message 2 (short where it refuses)."""
    head = _RAKP_STATUS.pack(message.tag, message.status, message.console_session_id)
    if message.status:
        return head
    return head + message.bmc_random + message.guid + message.code


def _decode_status(payload: bytes, what: str) -> tuple[int, int, int]:
    """Read tag, status, session ID; a refusal may lack the ID."""
    if len(payload) >= 2 and payload[1]:
        payload = payload[: _RAKP_STATUS.size].ljust(_RAKP_STATUS.size, b"\0")
    require(payload, _RAKP_STATUS.size, what)
    tag, status, session_id = _RAKP_STATUS.unpack_from(payload)
    return tag, status, session_id


def decode_rakp2(payload: bytes) -> Rakp2:
    """Read the payload of RAKP Message 2; with a status the rest is empty.

    Raises:
        MalformedPacket: cut short.
    """
    tag, status, session_id = _decode_status(payload, "RAKP Message 2")
    if status:
        return Rakp2(tag, status, session_id)
    require(payload, _RAKP_2_SIZE, "RAKP Message 2")
    random, guid = payload[8:24], payload[24:40]
    return Rakp2(tag, status, session_id, random, guid, payload[_RAKP_2_SIZE:])


def encode_rakp3(message: Rakp3) -> bytes:
    """Return the payload of RAKP Message 3."""
    head = _RAKP_STATUS.pack(message.tag, message.status, message.bmc_session_id)
    return head + message.code


def decode_rakp3(payload: bytes) -> Rakp3:
    """Read the payload of RAKP Message 3.

    Raises:
        MalformedPacket: cut short.
    """
    tag, status, session_id = _decode_status(payload, "RAKP Message 3")
    return Rakp3(tag, status, session_id, payload[_RAKP_STATUS.size :])


def encode_rakp4(message: Rakp4) -> bytes:
    """Return the payload of RAKP Message 4."""
    head = _RAKP_STATUS.pack(message.tag, message.status, message.console_session_id)
    return head + message.code


def decode_rakp4(payload: bytes) -> Rakp4:
    """Read the payload of RAKP Message 4.

    Raises:
        MalformedPacket: cut short.
    """
    tag, status, session_id = _decode_status(payload, "RAKP Message 4")
    return Rakp4(tag, status, session_id, payload[_RAKP_STATUS.size :])


def describe_status(status: int) -> str:
    """Return an RMCP+ status for people, for example ``unauthorized name (0x0d)``."""
    try:
        name = RmcpStatus(status).name.lower().replace("_", " ")
    except ValueError:
        name = "unknown status"
    return f"{name} (0x{status:02x})"
