"""A WebSocket over a stream, as bmcweb's console speaks it (RFC 6455).

wsproto knows the protocol; here it gets a stream of Trio's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from solrecd.sources.https.request import READ, ClosedError
from solrecd.sources.https.server import Header

_GOODBYE: Final = 1.0
"""Seconds that the goodbye may take."""


class RefusedError(Exception):
    """There will be no WebSocket.

    Args:
        status: of HTTP.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class WebSocket:
    """An open WebSocket: `opened` makes it.

    Args:
        stream: below it.
        protocol: has been accepted.
    """

    def __init__(self, stream: trio.abc.Stream, protocol: WSConnection) -> None:
        self._stream = stream
        self._protocol = protocol
        self._sending = trio.Lock()
        self._goodbye: CloseConnection | None = None
        self.heard = trio.current_time()
        """When the other end was last heard of, by Trio's clock."""

    async def receive(self) -> bytes:
        """Return the next bytes; not empty.

        Raises:
            ClosedError: there will be no more.
        """
        while True:
            data = await self._waiting()
            if data:
                return data
            if self._goodbye is not None:
                raise await self._answered(self._goodbye)
            received = await _read(self._stream)
            self.heard = trio.current_time()
            _feed(self._protocol, received)

    async def _waiting(self) -> bytes:
        """Return the bytes that were read from the stream and not returned yet."""
        data = bytearray()
        for event in _events(self._protocol):
            match event:
                case TextMessage(data=text):
                    data += text.encode()
                case BytesMessage(data=some):
                    data += some
                case Ping():
                    await self._send(event.response())
                case CloseConnection():
                    self._goodbye = event
                case _:
                    pass
        return bytes(data)

    async def _answered(self, goodbye: CloseConnection) -> ClosedError:
        """Answer the other end's goodbye, and return the error that tells it."""
        with suppress(ClosedError):
            await self._send(goodbye.response())
        return ClosedError(goodbye.reason or "no reason given", was_clean=True)

    async def send(self, data: bytes) -> None:
        """Send bytes as one message.

        Raises:
            ClosedError: the connection has ended.
        """
        await self._send(BytesMessage(data=data))

    async def ping(self) -> None:
        """Ask for a sign of life; `heard` shows it.

        Raises:
            ClosedError: the connection has ended.
        """
        await self._send(Ping())

    async def close(self) -> None:
        """Say goodbye where that works at once, and close the stream."""
        with trio.move_on_after(_GOODBYE), suppress(ClosedError):
            await self._send(CloseConnection(code=1000))
        await trio.aclose_forcefully(self._stream)

    async def _send(self, event: Event) -> None:
        async with self._sending:
            try:
                await self._stream.send_all(self._protocol.send(event))
            except LocalProtocolError:
                raise ClosedError("it is closed") from None
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise ClosedError(_said(error)) from None


async def opened(
    stream: trio.abc.Stream,
    host: str,
    target: str,
    headers: Sequence[Header],
    subprotocols: Sequence[str] = (),
) -> WebSocket:
    """Ask for a WebSocket over a stream, which stays the caller's to close on errors.

    Args:
        stream: connected; nothing was sent over it.
        host: for the header ``Host``.
        target: path.
        headers: more of them.
        subprotocols: offered.

    Raises:
        RefusedError: the server said no.
        ClosedError: it said nothing, or nonsense.
    """
    protocol = WSConnection(ConnectionType.CLIENT)
    request = Request(
        host=host,
        target=target,
        extra_headers=list(headers),
        subprotocols=list(subprotocols),
    )
    try:
        await stream.send_all(protocol.send(request))
    except trio.BrokenResourceError as error:
        raise ClosedError(_said(error)) from None
    while True:
        _feed(protocol, await _read(stream))
        for event in _events(protocol):
            match event:
                case AcceptConnection():
                    return WebSocket(stream, protocol)
                case RejectConnection(status_code=status):
                    raise RefusedError(status)
                case Pong() | RejectData():
                    pass
                case _:
                    raise ClosedError("it does not speak WebSocket")


async def _read(stream: trio.abc.Stream) -> bytes:
    try:
        return bytes(await stream.receive_some(READ))
    except trio.BrokenResourceError as error:
        raise ClosedError(_said(error)) from None


def _feed(protocol: WSConnection, received: bytes) -> None:
    if not received:
        raise ClosedError("it closed the connection")
    try:
        protocol.receive_data(received)
    except RemoteProtocolError as error:
        raise ClosedError(f"it does not speak WebSocket: {error}") from None


def _events(protocol: WSConnection) -> Iterator[Event]:
    try:
        yield from protocol.events()
    except RemoteProtocolError as error:
        raise ClosedError(f"it does not speak WebSocket: {error}") from None


def _said(error: BaseException) -> str:
    cause = error.__cause__
    said = getattr(cause, "strerror", None) or getattr(cause, "reason", None)
    return f"the connection broke: {said}" if said else "the connection broke"
