"""Serves an ASGI application on a unix socket or a TCP port, inside a Trio loop.

Hypercorn's connection handler speaks HTTP; the rest of hypercorn is left out on
purpose. Its `serve` sends to clients under a shield without a deadline, so that one
viewer who stops reading would hold the daemon's shutdown for ever; and its worker
does not survive an application that has no lifespan. Here every client's socket is
closed when the server is cancelled, and a client who takes no bytes for
`SEND_TIMEOUT` is dropped.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from typing import cast

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ASGIFramework, ConnectionState
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from solrecd.access import Caller, RemoteCaller
from solrecd.api.gate import CALLER, PEER
from solrecd.api.listeners import Bind, address_of, listen
from solrecd.api.peer import credentials_of, local_caller

SEND_TIMEOUT = 30.0
"""Seconds that a client may take no bytes while we have some for it."""

HANDSHAKE_TIMEOUT = 10.0
"""Seconds for a client's side of a TLS handshake."""

MAX_REQUEST_HEAD = 256 * 1024
"""Bytes of request line and headers: names of thousands of consoles fit in it."""

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
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an application until cancelled.

    Args:
        app: an ASGI application; lifespan events are not sent.
        bind: the path of a unix socket, or a TCP host and port (0: any free port).
        tls: asked for each new connection, so that certificates may change.
        task_status: told the address: the path, or ``host:port``.

    Never returns by itself. A client's fault ends that client's connection; the unix
    socket's file is removed at the end.

    Raises:
        ListenError: the address is in use, forbidden, or not there.
    """
    async with listen(bind) as listeners:
        wrapped = wrap_app(cast("ASGIFramework", app), 0, "asgi")
        connections = _Connections(wrapped, tls)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connections.close_when_cancelled)
            task_status.started(address_of(bind, listeners))
            await trio.serve_listeners(connections.handle, listeners)


class _Connections:
    """Every client that is connected now, and how it is served."""

    def __init__(self, app: AppWrapper, tls: Tls) -> None:
        self._app = app
        self._tls = tls
        self._config = _config()
        self._context = WorkerContext(None)
        self._open: set[trio.SocketStream] = set()
        self._names = trio.CapacityLimiter(NAMES_AT_ONCE)

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one client until it leaves; never raises for what it did."""
        self._open.add(stream)
        try:
            await TCPServer(
                self._app,
                self._config,
                self._context,
                ConnectionState({CALLER: await self._caller(stream), PEER: "unix"}),
                self._stream(stream),  # type: ignore[arg-type]
            )
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            # Hypercorn lets these out when a client vanishes at certain moments.
            pass
        except* Exception:
            # No request of a client may stop the daemon.
            _LOGGER.exception("a client's connection failed")
        finally:
            self._open.discard(stream)

    def _stream(self, stream: trio.SocketStream) -> _PatientStream:
        context = self._tls()
        if context is None:
            return _PlainStream(stream)
        return _TlsStream(stream, context)

    async def _caller(self, stream: trio.SocketStream) -> Caller:
        if stream.socket.family != socket.AF_UNIX:
            await trio.lowlevel.checkpoint()
            return RemoteCaller()
        return await local_caller(credentials_of(stream.socket), self._names)

    async def close_when_cancelled(self) -> None:
        """Wait to be cancelled, then take away every client's socket."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in self._open:
                stream.socket.close()


class _PatientStream:
    """A client's stream whose writes have a deadline, as hypercorn's have not."""

    def __init__(
        self,
        stream: trio.SocketStream | trio.SSLStream[trio.SocketStream],
        transport: trio.SocketStream,
    ) -> None:
        self._stream = stream
        self._transport = transport
        self.receive_some = stream.receive_some
        self.aclose = stream.aclose

    async def send_all(self, data: bytes) -> None:
        """Send, or give the client up.

        Raises:
            trio.BrokenResourceError: it is gone, or took nothing for `SEND_TIMEOUT`.
        """
        with trio.move_on_after(SEND_TIMEOUT) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            self._transport.socket.close()
            raise trio.BrokenResourceError("the client takes no bytes")


class _PlainStream(_PatientStream):
    """What hypercorn wants to see of a connection without TLS."""

    def __init__(self, stream: trio.SocketStream) -> None:
        super().__init__(stream, stream)
        self.socket = stream.socket
        self.send_eof = stream.send_eof


class _TlsStream(_PatientStream):
    """The same with TLS: hypercorn has it shake hands first."""

    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext) -> None:
        # HTTP tells its own end; many clients close without TLS's.
        tls = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        super().__init__(tls, stream)
        self.transport_stream = stream
        self.do_handshake = tls.do_handshake

    def selected_alpn_protocol(self) -> str:
        """Return the protocol spoken over TLS: we offer no other."""
        return "http/1.1"


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = _LOGGER
    config.include_server_header = False
    config.ssl_handshake_timeout = HANDSHAKE_TIMEOUT
    config.h11_max_incomplete_size = MAX_REQUEST_HEAD
    return config
