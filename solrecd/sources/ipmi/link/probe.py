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

from solrecd.sources.ipmi.link.base import LinkError, not_sendable
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

LAST_INTERVAL: Final = 8.5
"""Seconds more for the first question of all: a slow BMC is not one that is gone."""

_SLACK: Final = 1.25
"""How many times the longest answer so far the next one may take."""

_LARGEST: Final = 2048
"""Bytes of a datagram that are looked at."""

_T = TypeVar("_T")


class Probe:
    """A conversation with one BMC; `probing` makes one.

    Args:
        peer: a socket of the BMC's family.
        address: of the BMC.
        rng: numbers that a late answer to an earlier question does not have.
    """

    def __init__(
        self, peer: trio.socket.SocketType, address: Address, rng: random.Random
    ) -> None:
        self.delay = 0.0
        """Seconds that the slowest answer took; 0: there was none."""
        self.elsewhere: str | None = None
        """An address that answers, and is not the one that was asked."""
        self._peer = peer
        self._address = address
        self._sequence = rng.randrange(SEQUENCE_MASK)

    async def ping(self) -> bool:
        """Send an ASF presence ping (IPMI 2.0 §13.2.3); return whether it came back.

        Raises:
            LinkError: it cannot be sent.
        """
        ping = _ping(self._next())
        return await self._exchange(ping, _is_pong, RETRY_INTERVALS) is not None

    async def ask(self, netfn: int, command: int, data: bytes) -> Response | None:
        """Send a command outside of any session; None: no answer came.

        Raises:
            LinkError: it cannot be sent.
        """
        request = Request(netfn, command, data, self._next())
        intervals = RETRY_INTERVALS if self.delay else (*RETRY_INTERVALS, LAST_INTERVAL)
        return await self._exchange(
            encode_legacy(encode_request(request)),
            lambda datagram: _answer(request, datagram),
            intervals,
        )

    def _next(self) -> int:
        self._sequence = self._sequence + 1 & SEQUENCE_MASK
        return self._sequence

    async def _exchange(
        self,
        datagram: bytes,
        understand: Callable[[bytes], _T | None],
        intervals: tuple[float, ...],
    ) -> _T | None:
        began = trio.current_time()
        for seconds in intervals:
            await self._send(datagram)
            with trio.move_on_after(max(seconds, _SLACK * self.delay)):
                found = await self._listen(understand)
                self.delay = max(self.delay, trio.current_time() - began)
                return found
        return None

    async def _send(self, datagram: bytes) -> None:
        try:
            await self._peer.sendto(datagram, self._address.sockaddr)
        except OSError as error:
            raise LinkError(not_sendable(self._address.host, error)) from None

    async def _listen(self, understand: Callable[[bytes], _T | None]) -> _T:
        while True:
            datagram, source = await self._peer.recvfrom(_LARGEST)
            found = understand(datagram)
            if found is None:
                continue
            if source == self._address.sockaddr:
                return found
            host, port, *_ = source
            same_host = host == self._address.host
            self.elsewhere = f"port {port}" if same_host else str(host)


@asynccontextmanager
async def probing(address: Address, rng: random.Random) -> AsyncIterator[Probe]:
    """Open a conversation with a BMC.

    Raises:
        LinkError: this machine does not have the address to send from.
    """
    with trio.socket.socket(address.family, socket.SOCK_DGRAM) as peer:
        try:
            if address.source:
                await peer.bind((address.source, 0))
        except OSError as error:
            raise LinkError(f"{address.host}: {error.strerror or error}") from None
        yield Probe(peer, address, rng)


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
