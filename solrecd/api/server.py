"""Serves an ASGI application on a unix socket or a TCP port, inside a Trio loop.

Hypercorn's connection handler speaks HTTP/1.1 (`solrecd.api.http1`); the rest of
hypercorn is left out on purpose. Its `serve` sends to clients under a shield without a
deadline, so that one viewer who stops reading would block the daemon's shutdown; and
its worker does not survive an application that has no lifespan. Here every client's
socket is closed when the server is cancelled, and a client who takes no bytes for too
long is dropped (`solrecd.api.send_timeout`).
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ASGIFramework, ConnectionState
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from solrecd.api.connection_limits import ConnectionLimits
from solrecd.api.denials import DenialReason
from solrecd.api.gate import CALLER, PEER
from solrecd.api.http1 import Http1Connection
from solrecd.api.listening_sockets import Bind, address_of, listen
from solrecd.api.peer import credentials_of, local_caller
from solrecd.api.send_timeout import SEND_TIMEOUT_STATE, SendTimeout, bounded
from solrecd.process.access import Caller, RemoteCaller
from solrecd.process.descriptors import ClientPlaces
from solrecd.process.tls import names_in

HANDSHAKE_TIMEOUT = 10.0
"""Seconds for a client's side of a TLS handshake."""

MAX_REQUEST_HEAD = 256 * 1024
"""Bytes of request line and headers: names of thousands of consoles fit in it."""

STRANGERS_HEAD = 64 * 1024
"""The same over TLS: `connection_limits.MOST` unknown clients take 16 MiB of it."""

MESSAGE_MAX = 64 * 1024
"""Bytes of one message from a terminal; more is neither typed nor pasted by us."""

NAMES_AT_ONCE = 8
"""Threads that look users and groups up, where a directory service is slow."""

_LOGGER = logging.getLogger("solrecd.api")

Tls = Callable[[], ssl.SSLContext | None]
"""Returns what the next connection is served with; None: plain HTTP."""


def plain() -> ssl.SSLContext | None:
    """Return None: no TLS."""
    return None


async def serve(
    app: ASGIApp,
    bind: Bind,
    *,
    tls: Tls = plain,
    limits: ConnectionLimits | None = None,
    places: ClientPlaces | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an application until cancelled.

    Args:
        app: an ASGI application; lifespan events are not sent.
        bind: the path of a unix socket, or a TCP host and port (0: any free port).
        tls: asked for each new connection, so that certificates may change.
        limits: of connections from unknown clients; None: no limits.
        places: of the clients of all listeners; None: as many as come.
        task_status: told the address: the path, or ``host:port``.

    Never returns by itself. A client's fault ends that client's connection; the unix
    socket's file is removed at the end.

    Raises:
        ListenError: the address is in use, forbidden, or not there.
    """
    async with listen(bind) as listeners:
        wrapped = wrap_app(cast("ASGIFramework", bounded(app)), 0, "asgi")
        connections = _Connections(wrapped, tls, limits, places)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connections.close_when_cancelled)
            task_status.started(address_of(bind, listeners))
            await trio.serve_listeners(connections.handle, listeners)


class _Connections:
    """All connected clients, and how they are served."""

    def __init__(
        self,
        app: AppWrapper,
        tls: Tls,
        limits: ConnectionLimits | None,
        places: ClientPlaces | None,
    ) -> None:
        self._app = app
        self._tls = tls
        self._limits = limits
        self._places = places
        self._config = _config(MAX_REQUEST_HEAD if limits is None else STRANGERS_HEAD)
        self._context = WorkerContext(None)
        self._open: set[trio.SocketStream] = set()
        self._names = trio.CapacityLimiter(NAMES_AT_ONCE)

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one client until it leaves; never raises for what it did."""
        self._open.add(stream)
        try:
            with self._placed(stream) as is_placed, self._admitted(stream) as address:
                if is_placed and address is not None:
                    await self._serve(stream, address)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            # Hypercorn lets these out when a client vanishes at certain moments.
            pass
        except* Exception:
            # No request of a client may stop the daemon.
            _LOGGER.exception("a client's connection failed")
        finally:
            self._open.discard(stream)
            stream.socket.close()

    @contextmanager
    def _placed(self, stream: trio.SocketStream) -> Iterator[bool]:
        """Yield whether there is a descriptor to spare for a client."""
        is_local = stream.socket.family == socket.AF_UNIX
        if self._places is None:
            yield True
        elif self._places.enter(is_local=is_local):
            try:
                yield True
            finally:
                self._places.leave()
        else:
            yield False

    @contextmanager
    def _admitted(self, stream: trio.SocketStream) -> Iterator[str | None]:
        """Yield the client's address; None where there is no room for it."""
        address = _address_of(stream)
        if self._limits is None:
            yield address
        elif self._limits.enter(address):
            try:
                yield address
            finally:
                self._limits.leave(address)
        else:
            yield None

    async def _serve(self, stream: trio.SocketStream, address: str) -> None:
        send_timeout = SendTimeout()
        timed = self._stream(stream, send_timeout)
        if isinstance(timed, _TlsStream) and not await self._greet(timed, address):
            return
        caller = await self._caller(stream, timed)
        await Http1Connection(
            self._app,
            self._config,
            self._context,
            ConnectionState(
                {CALLER: caller, PEER: address, SEND_TIMEOUT_STATE: send_timeout}
            ),
            timed,  # type: ignore[arg-type]
        )

    def _stream(
        self, stream: trio.SocketStream, send_timeout: SendTimeout
    ) -> _TimedStream:
        context = self._tls()
        if context is None:
            return _PlainStream(stream, send_timeout)
        return _TlsStream(stream, context, send_timeout)

    async def _greet(self, stream: _TlsStream, address: str) -> bool:
        """Shake hands, within the rate allowed; tell whether it worked."""
        if self._limits is not None:
            await self._limits.wait_turn()
        why = "takes too long"
        with trio.move_on_after(HANDSHAKE_TIMEOUT):
            try:
                await stream.do_handshake()
            except trio.BrokenResourceError as error:
                why = str(error.__cause__ or error)
            else:
                return True
        if self._limits is not None:
            self._limits.turn_away(DenialReason.HANDSHAKE, address, why)
        return False

    async def _caller(self, stream: trio.SocketStream, timed: _TimedStream) -> Caller:
        if stream.socket.family == socket.AF_UNIX:
            return await local_caller(credentials_of(stream.socket), self._names)
        await trio.lowlevel.checkpoint()
        if isinstance(timed, _TlsStream):
            return RemoteCaller(names_in(timed.peer_certificate()))
        return RemoteCaller()

    async def close_when_cancelled(self) -> None:
        """Wait to be cancelled, then take away every client's socket."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in self._open:
                stream.socket.close()


class _TimedStream:
    """A client's stream whose writes have a deadline; hypercorn's have none."""

    def __init__(
        self,
        stream: trio.SocketStream | trio.SSLStream[trio.SocketStream],
        transport: trio.SocketStream,
        send_timeout: SendTimeout,
    ) -> None:
        self._stream = stream
        self._send_timeout = send_timeout
        self.transport_stream = transport
        self.receive_some = stream.receive_some
        self.aclose = stream.aclose

    async def send_all(self, data: bytes) -> None:
        """Send, or give the client up.

        Raises:
            trio.BrokenResourceError: it is gone, or took nothing for too long.
        """
        with trio.move_on_after(self._send_timeout.seconds) as waiting:
            await self._stream.send_all(data)
        if waiting.cancelled_caught:
            self.transport_stream.socket.close()
            raise trio.BrokenResourceError("the client takes no bytes")


class _PlainStream(_TimedStream):
    """What hypercorn wants to see of a connection without TLS."""

    def __init__(self, stream: trio.SocketStream, send_timeout: SendTimeout) -> None:
        super().__init__(stream, stream, send_timeout)
        self.send_eof = stream.send_eof


class _TlsStream(_TimedStream):
    """The same with TLS."""

    def __init__(
        self,
        stream: trio.SocketStream,
        context: ssl.SSLContext,
        send_timeout: SendTimeout,
    ) -> None:
        # HTTP tells its own end; many clients close without TLS's.
        tls = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        super().__init__(tls, stream, send_timeout)
        self._tls = tls
        self.do_handshake = tls.do_handshake

    def peer_certificate(self) -> object:
        """Return the client's certificate as `ssl` shows it, once it is verified."""
        return self._tls.getpeercert()


def _address_of(stream: trio.SocketStream) -> str:
    """Return the client's host; its port says nothing and changes each time."""
    if stream.socket.family == socket.AF_UNIX:
        return "unix"
    try:
        host: str = stream.socket.getpeername()[0]
    except OSError:
        return "gone"
    _end_when_silent(stream.socket)
    return host


def _end_when_silent(connection: trio.socket.SocketType) -> None:
    """Enable TCP keepalive: the kernel asks a silent client whether it is still there.

    A terminal whose machine lost its power would otherwise stay attached.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6)


def _config(max_head: int) -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = _LOGGER
    config.include_server_header = False
    config.ssl_handshake_timeout = HANDSHAKE_TIMEOUT
    config.h11_max_incomplete_size = max_head
    config.websocket_max_message_size = MESSAGE_MAX
    return config
