"""Questions to a BMC before and beside all sessions, over a socket of their own.

What may be asked without a login: is a BMC there, which logins does it take? Nothing
that comes back is authenticated; it is told to people, and decides nothing.
"""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import trio

from solrecd.sources.ipmi.link.base import LinkError
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.protocol.messages import (
    SEQUENCE_MASK,
    Request,
    Response,
    decode_response,
    encode_request,
)
from solrecd.sources.ipmi.protocol.packets import (
    MalformedPacket,
    decode_legacy,
    encode_legacy,
)

RETRY_INTERVALS: Final = (0.5, 1.0)
"""Seconds after each transmission: a person waits, and many BMCs drop the questions
that they do not know."""

_LARGEST: Final = 2048
"""Bytes of a datagram that are looked at."""

_T = TypeVar("_T")


class Probe:
    """A conversation with one BMC; `probing` makes one.

    Args:
        peer: a connected socket.
        rng: numbers that a late answer to an earlier question does not have.
    """

    def __init__(self, peer: trio.socket.SocketType, rng: random.Random) -> None:
        self._peer = peer
        self._sequence = rng.randrange(SEQUENCE_MASK)

    async def ping(self) -> bool:
        """Send an ASF presence ping (IPMI 2.0 §13.2.3); return whether it came back."""
        return await self._exchange(_ping(self._next()), _is_pong) is not None

    async def ask(self, netfn: int, command: int, data: bytes) -> Response | None:
        """Send a command outside of any session; None: no answer came."""
        request = Request(netfn, command, data, self._next())
        return await self._exchange(
            encode_legacy(encode_request(request)),
            lambda datagram: _answer(request, datagram),
        )

    def _next(self) -> int:
        self._sequence = self._sequence + 1 & SEQUENCE_MASK
        return self._sequence

    async def _exchange(
        self, datagram: bytes, understand: Callable[[bytes], _T | None]
    ) -> _T | None:
        for seconds in RETRY_INTERVALS:
            with trio.move_on_after(seconds):
                return await self._try(datagram, understand)
        return None

    async def _try(
        self, datagram: bytes, understand: Callable[[bytes], _T | None]
    ) -> _T:
        while True:
            try:
                await self._peer.send(datagram)
                return await self._listen(understand)
            except OSError:
                # "Port unreachable" is what a BMC says that starts, or shares its
                # address with the machine: as good as silence.
                await trio.sleep(RETRY_INTERVALS[0])

    async def _listen(self, understand: Callable[[bytes], _T | None]) -> _T:
        while True:
            found = understand(await self._peer.recv(_LARGEST))
            if found is not None:
                return found


@asynccontextmanager
async def probing(address: Address, rng: random.Random) -> AsyncIterator[Probe]:
    """Open a conversation with a BMC.

    Raises:
        LinkError: there is no way to its address from here.
    """
    with trio.socket.socket(address.family, socket.SOCK_DGRAM) as peer:
        try:
            if address.source:
                await peer.bind((address.source, 0))
            await peer.connect(address.sockaddr)
        except OSError as error:
            raise LinkError(f"{address.host}: {error.strerror or error}") from None
        yield Probe(peer, rng)


_ASF: Final = bytes.fromhex("0600ff06000011be")
"""RMCP header of class ASF, and ASF's enterprise number (IPMI 2.0 Table 13-6)."""
_PRESENCE_PING: Final = b"\x80"
_PRESENCE_PONG: Final = b"\x40"


def _ping(tag: int) -> bytes:
    return _ASF + _PRESENCE_PING + bytes((tag, 0, 0))


def _is_pong(datagram: bytes) -> bool | None:
    """Whether it is a presence pong (IPMI 2.0 Table 13-7); None: something else."""
    return datagram.startswith(_ASF + _PRESENCE_PONG) or None


def _answer(request: Request, datagram: bytes) -> Response | None:
    """Return the answer to a request; None: it is something else."""
    try:
        found = decode_response(decode_legacy(datagram), strict=False)
    except MalformedPacket:
        return None
    asked = (request.sequence, request.command, request.netfn | 1)
    return found if (found.sequence, found.command, found.netfn) == asked else None
