"""What the streams of one kind share: connections that outlive a restart."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

import structlog
import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.base import Recorder, Services
from solrecd.sources.stream.source import StreamSource
from solrecd.sources.stream.way import Connection, Way

_DIGEST: Final = 5
"""Bytes in a descriptor's name that tell console and place; all names of a process go
into one environment variable, which the kernel bounds."""

log = structlog.get_logger()


class StreamDriver:
    """The connections of one kind, and those that an earlier process left.

    Each of their descriptors is stored under a name that says whose it is, where it
    leads, and what the connection calls it, so that the store needs no record beside
    it.

    Args:
        kind: its name.
        way: returns the way that a console's options describe.
        services: of the daemon.
    """

    def __init__(
        self, kind: str, way: Callable[[Any], Way], services: Services
    ) -> None:
        self._kind = kind
        self._way = way
        self._services = services
        self._is_handing_over = False
        self._left = {
            name: fd
            for name, fd in services.descriptors.inherited.items()
            if name.startswith(f"{kind}.")
        }
        self._stored: dict[str, tuple[str, ...]] = {}
        """Names of descriptors, by console."""

    # For the sources.

    def adopt(self, way: Way, recorder: Recorder) -> Connection | None:
        """Return the connection that an earlier process left of a console, once."""
        prefix = self._prefix(recorder.name, way)
        names = tuple(name for name in self._left if name.startswith(prefix))
        if not names:
            return None
        found = {name.removeprefix(prefix): self._left.pop(name) for name in names}
        self._stored[recorder.name] = names
        try:
            return way.adopt(recorder, found)
        except OSError as error:
            log.warning("stream.not_adopted", console=recorder.name, reason=str(error))
            self._unstore(recorder.name)
            return None

    def keep(self, way: Way, console: str, connection: Connection) -> None:
        """Leave a new connection to our successor, should we be gone."""
        descriptors = self._services.descriptors
        if not descriptors.keeps_descriptors:
            return
        prefix = self._prefix(console, way)
        named = {f"{prefix}{tag}": fd for tag, fd in connection.descriptors.items()}
        self._stored[console] = tuple(named)
        for name, fd in named.items():
            descriptors.store(name, fd)

    async def release(self, console: str, connection: Connection) -> None:
        """Close a connection, unless the next process goes on with it."""
        if self._is_handing_over:
            connection.leave()
            return
        self._unstore(console)
        await connection.aclose()

    def _unstore(self, console: str) -> None:
        for name in self._stored.pop(console, ()):
            self._services.descriptors.unstore(name)

    def _prefix(self, console: str, way: Way) -> str:
        """Return how descriptors' names begin: no colons, not much to read."""
        whose = f"{console}\0{way.place}".encode(errors="surrogateescape")
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
        return StreamSource(self._way(config.options), recorder, self, self._services)

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
