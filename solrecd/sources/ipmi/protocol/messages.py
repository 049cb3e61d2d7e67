"""Codec of IPMI messages, requests and responses, both directions (IPMI 2.0 §13.8).

Layout (Figure 13-4): target address, net function and LUN, checksum of the two, source
address, sequence number and LUN, command, (completion code,) data, checksum of that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solrecd.sources.ipmi.protocol.constants import BMC_ADDRESS, REMOTE_CONSOLE_ADDRESS
from solrecd.sources.ipmi.protocol.packets import MalformedPacket, require

_MESSAGE_OVERHEAD: Final = 7
"""Two addresses, net function, two checksums, sequence, command."""

SEQUENCE_MASK: Final = 0x3F
"""rqSeq has six bits."""


def checksum(data: bytes) -> int:
    """Return the 2's complement checksum that makes the sum of all bytes zero."""
    return -sum(data) & 0xFF


@dataclass(frozen=True, slots=True)
class Request:
    """An IPMI request as it travels to the BMC."""

    netfn: int
    command: int
    data: bytes
    sequence: int
    lun: int = 0
    responder: int = BMC_ADDRESS
    requester: int = REMOTE_CONSOLE_ADDRESS


@dataclass(frozen=True, slots=True)
class Response:
    """An IPMI response as it travels to the remote console."""

    netfn: int
    """Of the response: the request's plus one."""
    command: int
    code: int
    """Completion code, 0 = success."""
    data: bytes
    sequence: int
    lun: int = 0
    responder: int = BMC_ADDRESS
    requester: int = REMOTE_CONSOLE_ADDRESS


def _encode_message(target: int, netfn_lun: int, body: bytes) -> bytes:
    head = bytes((target, netfn_lun & 0xFF))
    return b"%b%c%b%c" % (head, checksum(head), body, checksum(body))


def _check_message(message: bytes, minimum: int, *, strict: bool) -> None:
    require(message, minimum, "IPMI message")
    if strict and (sum(message[:3]) & 0xFF or sum(message[3:]) & 0xFF):
        raise MalformedPacket("IPMI message: wrong checksum")


def encode_request(request: Request) -> bytes:
    """Return the bytes of a request."""
    head = bytes(
        (request.requester, (request.sequence & SEQUENCE_MASK) << 2, request.command)
    )
    netfn_lun = request.netfn << 2 | request.lun
    return _encode_message(request.responder, netfn_lun, head + request.data)


def is_request(message: bytes) -> bool:
    """Tell whether a message is a request; what is too short is none."""
    return len(message) >= _MESSAGE_OVERHEAD and not message[1] >> 2 & 1


def decode_request(message: bytes, *, strict: bool = True) -> Request:
    """Read a request.

    Args:
        message: an IPMI message.
        strict: False accepts wrong checksums (quirk ``nochecksumcheck``).

    Raises:
        MalformedPacket: too short, or a checksum is wrong.
    """
    _check_message(message, _MESSAGE_OVERHEAD, strict=strict)
    return Request(
        netfn=message[1] >> 2,
        command=message[5],
        data=message[6:-1],
        sequence=message[4] >> 2,
        lun=message[1] & 3,
        responder=message[0],
        requester=message[3],
    )


def answer(request: Request, code: int = 0, data: bytes = b"") -> Response:
    """Return the response that belongs to a request."""
    return Response(
        netfn=request.netfn | 1,
        command=request.command,
        code=code,
        data=data,
        sequence=request.sequence,
        lun=request.lun,
        responder=request.responder,
        requester=request.requester,
    )


def encode_response(response: Response) -> bytes:
    """Return the bytes of a response."""
    head = bytes(
        (
            response.responder,
            (response.sequence & SEQUENCE_MASK) << 2 | response.lun,
            response.command,
            response.code,
        )
    )
    netfn_lun = response.netfn << 2
    return _encode_message(response.requester, netfn_lun, head + response.data)


def decode_response(message: bytes, *, strict: bool = True) -> Response:
    """Read a response.

    Args:
        message: an IPMI message from a BMC.
        strict: False accepts wrong checksums (quirk ``nochecksumcheck``).

    Raises:
        MalformedPacket: too short, or a checksum is wrong.
    """
    _check_message(message, _MESSAGE_OVERHEAD + 1, strict=strict)
    return Response(
        netfn=message[1] >> 2,
        command=message[5],
        code=message[6],
        data=message[7:-1],
        sequence=message[4] >> 2,
        lun=message[4] & 3,
        responder=message[3],
        requester=message[0],
    )
