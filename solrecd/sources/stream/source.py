"""One console over a stream: connected, recorded, typed on, connected again."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import trio

from solrecd.config import ConsoleConfig
from solrecd.events import Lost, LostReason, SessionState
from solrecd.process.backoff import Backoff
from solrecd.sources.base import Recorder, Services
from solrecd.sources.stream.connecting import UNNOTICED, NotConnectedError, connect
from solrecd.sources.stream.connection import CHUNK, Connection, take
from solrecd.sources.stream.endpoints import Endpoint
from solrecd.sources.stream.examination import Examination
from solrecd.sources.stream.typed_input import TypedInput

FIRST_WAIT: Final = 0.5
"""Seconds before the second try; a virtual machine is back within seconds."""

SETTLED: Final = 10.0
"""Seconds a connection must have lasted for the back-off to begin with its first
wait again."""

COLLECT: Final = 0.03
"""Seconds between two looks while output comes: a machine prints byte by byte, and each
look costs more than its bytes. The first byte after a silence is not kept waiting."""

FLOOD: Final = 0.004
"""Seconds between two looks while there is always more than one takes: 1 MB/s leave
the neighbours their time, and hold up the machine that prints faster."""

ROOM_EVERY: Final = 0.05
"""Seconds between two looks whether the journal has room again."""


class Keeping(Protocol):
    """Keeps connections while one process ends and the next one starts."""

    def adopt(self, console: str, endpoint: Endpoint) -> Connection | None:
        """Return the connection that an earlier process left of a console, once."""

    def keep(
        self, console: str, endpoint: Endpoint, connected: socket.socket, begin: int
    ) -> Connection:
        """Leave a new connection to our successor, should we be gone."""

    def release(self, console: str, connected: socket.socket) -> None:
        """Close a connection, unless the next process goes on with it."""


class StreamSource:
    """One console over a stream; fits `solrecd.sources.base.Source`.

    Args:
        endpoint: where it is.
        recorder: takes the console's output.
        keeping: has the connections.
        services: of the daemon.
    """

    power = None
    breaks = None
    sharing = None

    def __init__(
        self,
        endpoint: Endpoint,
        recorder: Recorder,
        keeping: Keeping,
        services: Services,
    ) -> None:
        self.examiner = Examination(
            endpoint, recorder, lambda: self.unsent, services.wall_clock
        )
        self._endpoint = endpoint
        self._recorder = recorder
        self._keeping = keeping
        self._backoff = Backoff(services.rng, FIRST_WAIT, endpoint.longest_wait)
        self._input: TypedInput | None = None
        """While it is connected."""
        self._why = ""
        """Another connection is wanted, as people read it."""
        self._scope = trio.CancelScope()
        """Of what goes on: a try, a connection, the wait between them."""

    @property
    def peer(self) -> str:
        """See `Source`."""
        return self._endpoint.place

    # Living.

    async def run(self) -> None:
        """See `Source`."""
        step = self._go_on
        while True:
            with trio.CancelScope() as self._scope:
                await self._wait(await step())
            if self._scope.cancelled_caught:
                lost = Lost(LostReason.RECONNECT, self._why)
                self._recorder.session_changed(SessionState.DOWN, lost, 0.0)
            step = self._begin

    async def _wait(self, lost: Lost | None) -> None:
        """Wait for the next try; not at all where none was made."""
        if lost is not None:
            wait = self._backoff.next()
            self._recorder.session_changed(SessionState.DOWN, lost, wait)
            await trio.sleep(wait)

    async def _go_on(self) -> Lost | None:
        """Record from the connection that an earlier process left, until it ends."""
        recorder = self._recorder
        connection = self._keeping.adopt(recorder.name, self._endpoint)
        if connection is None:
            return None
        recorder.mark_restart(None, output_waited=False)
        with suppress(OSError):  # a broken one is noticed below
            take(connection.socket, connection.repeated(recorder.offset))
        return await self._use(connection)

    async def _begin(self) -> Lost | None:
        """Connect, and record until the connection ends; return why it did."""
        recorder = self._recorder
        recorder.session_changed(SessionState.CONNECTING, None, None)
        try:
            connected = await connect(self._endpoint)
        except NotConnectedError as error:
            return Lost(error.reason, str(error))
        began = trio.current_time()
        lost = await self._use(
            self._keeping.keep(
                recorder.name, self._endpoint, connected, recorder.offset
            )
        )
        if trio.current_time() - began >= SETTLED:
            self._backoff.reset()
        return lost

    async def _use(self, connection: Connection) -> Lost:
        self._recorder.session_changed(SessionState.UP, None, None)
        try:
            async with trio.open_nursery() as tasks:
                self._input = TypedInput(connection.socket, tasks)
                lost = await self._receive(connection)
                tasks.cancel_scope.cancel()
            return lost
        finally:
            self._input = None
            self._keeping.release(self._recorder.name, connection.socket)

    async def _receive(self, connection: Connection) -> Lost:
        """Record what comes until the connection ends; return why it did."""
        try:
            while True:
                try:
                    data = connection.look()
                except BlockingIOError:
                    await trio.lowlevel.wait_readable(connection.socket)
                    continue
                if not data:
                    self._recorder.line_seen(0.0)
                    return Lost(LostReason.CLOSED, f"{self.peer} closed the connection")
                await trio.sleep(self._record(connection, data))
        except OSError as error:
            is_late = error.errno == errno.ETIMEDOUT
            self._recorder.line_seen(UNNOTICED if is_late else 0.0)
            return Lost(LostReason.CLOSED, f"{self.peer}: {error.strerror or error}")

    def _record(self, connection: Connection, data: bytes) -> float:
        """Record bytes, then take them; return seconds until it pays to look again."""
        connection.recording(self._recorder.offset, len(data))
        if not self._recorder.record(data):
            return ROOM_EVERY
        take(connection.socket, len(data))
        return FLOOD if len(data) == CHUNK else COLLECT

    # What is asked of it.

    def update(self, config: ConsoleConfig) -> None:
        """See `Source`; nothing of a stream changes while it is connected."""

    def details(self) -> Mapping[str, Any]:
        """See `Source`."""
        return self._endpoint.details()

    def write(self, data: bytes) -> bool:
        """See `Source`."""
        if self._input is None:
            return False
        self._input.add(data)
        return True

    @property
    def unsent(self) -> int:
        """See `Source`."""
        return 0 if self._input is None else len(self._input)

    def reconnect(self, why: str) -> None:
        """See `Source`."""
        if self._input is not None:
            self._recorder.line_seen(0.0)
        self._backoff.reset()
        self._why = why
        self._scope.cancel()

    def output_paused(self) -> None:
        """See `Source`; there is nothing to ask."""

    def revive(self, why: str) -> bool:  # noqa: ARG002 - a protocol's
        """See `Source`; a stream that is connected is all there is."""
        return False
