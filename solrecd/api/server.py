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
from typing import cast

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ASGIFramework, ConnectionState
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from solrecd.api import peer
from solrecd.api.listeners import Bind, address_of, listen

SEND_TIMEOUT = 30.0
"""Seconds that a client may take no bytes while we have some for it."""

MAX_REQUEST_HEAD = 256 * 1024
"""Bytes of request line and headers: names of thousands of consoles fit in it."""

_LOGGER = logging.getLogger("solrecd.api")


async def serve(
    app: ASGIApp,
    bind: Bind,
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve an application until cancelled.

    Args:
        app: an ASGI application; lifespan events are not sent.
        bind: the path of a unix socket, or a TCP host and port (0: any free port).
        task_status: told the address: the path, or ``host:port``.

    Never returns by itself. A client's fault ends that client's connection; the unix
    socket's file is removed at the end.

    Raises:
        ListenError: the address is in use, forbidden, or not there.
    """
    async with listen(bind) as listeners:
        connections = _Connections(wrap_app(cast("ASGIFramework", app), 0, "asgi"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connections.close_when_cancelled)
            task_status.started(address_of(bind, listeners))
            await trio.serve_listeners(connections.handle, listeners)


class _Connections:
    """Every client that is connected now, and how it is served."""

    def __init__(self, app: AppWrapper) -> None:
        self._app = app
        self._config = _config()
        self._context = WorkerContext(None)
        self._open: set[trio.SocketStream] = set()

    async def handle(self, stream: trio.SocketStream) -> None:
        """Serve one client until it leaves; never raises for what it did."""
        self._open.add(stream)
        try:
            await TCPServer(
                self._app,
                self._config,
                self._context,
                ConnectionState({peer.KEY: peer.user_of(stream.socket)}),
                _PatientStream(stream),  # type: ignore[arg-type]
            )
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            # Hypercorn lets these out when a client vanishes at certain moments.
            pass
        except* Exception:
            # No request of a client may stop the daemon.
            _LOGGER.exception("a client's connection failed")
        finally:
            self._open.discard(stream)

    async def close_when_cancelled(self) -> None:
        """Wait to be cancelled, then take away every client's socket."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in self._open:
                stream.socket.close()


class _PatientStream:
    """A client's stream whose writes have a deadline, as hypercorn's have not."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self.socket = stream.socket
        self.receive_some = stream.receive_some
        self.send_eof = stream.send_eof
        self.aclose = stream.aclose

    async def send_all(self, data: bytes) -> None:
        """Send, or give the client up.

        Raises:
            trio.BrokenResourceError: it is gone, or took nothing for `SEND_TIMEOUT`.
        """
        with trio.move_on_after(SEND_TIMEOUT) as patience:
            await self._stream.send_all(data)
        if patience.cancelled_caught:
            self.socket.close()
            raise trio.BrokenResourceError("the client takes no bytes")


def _config() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = _LOGGER
    config.include_server_header = False
    config.h11_max_incomplete_size = MAX_REQUEST_HEAD
    return config
