"""HTTP/1.1 on one connection, and no other protocol.

Nothing needs HTTP/2 here, and its streams are bound by no limit on connections: one
connection of it would be a hundred clients. Hypercorn speaks it to every client that
wants it; so the part of hypercorn that looks for that is not used. A client that
upgrades (``Upgrade: h2c``) is answered in HTTP/1.1, as RFC 9110 §7.8 allows; one that
begins with HTTP/2 is told 505.
"""

from __future__ import annotations

from typing import Any

import trio
from hypercorn.events import Closed, Event
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

CLOSE_TIMEOUT = 1.0
"""Seconds for the end of a connection; at a shutdown its socket is closed already."""

_VERSIONS = (b"1.0", b"1.1")
_NOT_SUPPORTED = 505
"""HTTP Version Not Supported."""


class _OtherVersionError(Exception):
    """The client speaks something else."""


class _Http1Protocol(H11Protocol):
    """Hypercorn's HTTP/1.1 without the ways out of it."""

    async def _check_protocol(self, event: Any) -> None:
        """See whether it is HTTP/1; hypercorn looks for wishes for HTTP/2 here."""
        if event.http_version not in _VERSIONS:
            raise _OtherVersionError

    async def handle(self, event: Event) -> None:
        """Take bytes of the client's, or its end."""
        try:
            await super().handle(event)
        except _OtherVersionError:
            await self._send_error_response(_NOT_SUPPORTED)
            await self.send(Closed())


class Http1Connection(TCPServer):
    """Serves one client; await it. TLS, if there is any, has shaken hands."""

    async def run(self) -> None:
        """Serve until the client leaves."""
        stream = self.stream
        socket = stream.transport_stream.socket
        try:
            async with TaskGroup() as task_group:
                self._task_group = task_group
                self.protocol = _Http1Protocol(  # type: ignore[assignment]
                    self.app,
                    self.config,
                    self.context,
                    task_group,
                    ConnectionState(self.state),
                    hasattr(stream, "do_handshake"),
                    parse_socket_addr(socket.family, socket.getpeername()),
                    parse_socket_addr(socket.family, socket.getsockname()),
                    self.protocol_send,
                )
                await self.protocol.initiate()
                await self.idle_task.restart(task_group, self._idle_timeout)
                await self._read_data()
                # Its place is free for the next client at once, not when it has
                # been idle for long.
                await self.idle_task.stop()
        except OSError:
            pass
        finally:
            with trio.move_on_after(CLOSE_TIMEOUT, shield=True):
                await self._close()
