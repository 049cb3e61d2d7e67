"""What the streams of one kind share: connections that outlive a restart."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Final

import structlog
import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import Recorder, Services
from solrecd.sources.stream.connection import (
    Connection,
    as_connection,
    connection_of,
)
from solrecd.sources.stream.endpoints import Endpoint, TcpOptions, UnixOptions
from solrecd.sources.stream.source import StreamSource

_DIGEST: Final = 5
"""Bytes in a descriptor's name that tell console and place; all names of a process go
into one environment variable, which the kernel bounds."""

log = structlog.get_logger()


class StreamDriver:
    """The connections of one kind, and those that an earlier process left.

    Each is stored under a name that says whose it is, where it leads, and at which
    stream offset it began, so that the store needs no record beside it.

    Args:
        kind: its name.
        services: of the daemon.
    """

    def __init__(self, kind: str, services: Services) -> None:
        self._kind = kind
        self._services = services
        self._is_handing_over = False
        self._left = {
            name: fd
            for name, fd in services.descriptors.inherited.items()
            if name.startswith(f"{kind}.")
        }
        self._stored: dict[str, str] = {}
        """Names of descriptors, by console."""

    # For the sources.

    def adopt(self, console: str, endpoint: Endpoint) -> Connection | None:
        """Return the connection that an earlier process left of a console, once."""
        prefix = self._prefix(console, endpoint)
        name = next((name for name in self._left if name.startswith(prefix)), None)
        if name is None:
            return None
        fd = self._left.pop(name)
        self._stored[console] = name
        try:
            return connection_of(fd, int(name.removeprefix(prefix), 16))
        except OSError as error:
            log.warning("stream.not_adopted", console=console, reason=str(error))
            self._unstore(console)
            return None

    def keep(
        self, console: str, endpoint: Endpoint, connected: socket.socket, begin: int
    ) -> Connection:
        """Leave a new connection to our successor, should we be gone.

        Args:
            console: its name.
            endpoint: where it is.
            connected: to there.
            begin: stream offset of its first byte.
        """
        connection = as_connection(connected, begin)
        descriptors = self._services.descriptors
        if descriptors.keeps_descriptors:
            name = f"{self._prefix(console, endpoint)}{begin:x}"
            self._stored[console] = name
            descriptors.store(name, connected.fileno())
        return connection

    def release(self, console: str, connected: socket.socket) -> None:
        """Close a connection, unless the next process goes on with it."""
        if not self._is_handing_over:
            self._unstore(console)
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        connected.close()

    def _unstore(self, console: str) -> None:
        name = self._stored.pop(console, None)
        if name is not None:
            self._services.descriptors.unstore(name)

    def _prefix(self, console: str, endpoint: Endpoint) -> str:
        """Return a descriptor's name up to its offset: no colons, not much to read."""
        whose = f"{console}\0{endpoint.place}".encode()
        return f"{self._kind}.{blake2b(whose, digest_size=_DIGEST).hexdigest()}."

    # For the daemon.

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """See `Driver`; the sources need nothing but themselves."""
        task_status.started()
        await trio.sleep_forever()

    def source(self, config: ConsoleConfig, recorder: Recorder) -> StreamSource:
        """See `Driver`."""
        if not isinstance(config.options, UnixOptions | TcpOptions):
            raise TypeError(f"{config.name} is of kind {config.kind}")
        return StreamSource(config.options, recorder, self, self._services)

    def forget(self, name: str) -> None:
        """See `Driver`; nothing is remembered."""

    def beat(self, now: int) -> None:
        """See `Driver`; the kernel keeps what comes."""

    def settle(self) -> None:
        """See `Driver`: what no console has taken leads nowhere now."""
        while self._left:
            name, fd = self._left.popitem()
            log.info("stream.closed", descriptor=name)
            self._services.descriptors.unstore(name)
            with suppress(OSError):
                os.close(fd)

    def begin_handover(self, now: int) -> None:  # noqa: ARG002 - a protocol's
        """See `Driver`."""
        self._is_handing_over = True

    def rejected(self) -> Mapping[str, int]:
        """See `Driver`; a stream has no packets."""
        return {}
