"""One console over a stream: connected, recorded, typed on, connected again."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import trio

from solrecd.config import ConsoleConfig
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.sources.base import BreakControl, Recorder, Services
from solrecd.sources.findings import Finding
from solrecd.sources.pace import ROOM_EVERY, Pace
from solrecd.sources.stream.connection import CHUNK
from solrecd.sources.stream.examination import Examination
from solrecd.sources.stream.typed_input import TypedInput
from solrecd.sources.stream.way import Connection, Way
from solrecd.sources.tries import Tries, Waits
from solrecd.sources.troubles import NotConnectedError

FIRST_WAIT: Final = 0.5
"""Seconds before the second try; a virtual machine is back within seconds."""

SETTLED: Final = 10.0
"""Seconds a connection must have lasted for the back-off to begin with its first
wait again."""

CLOSING: Final = 5.0
"""Seconds in which a connection is closed; a program gets twice one to end in."""


class Keeping(Protocol):
    """Keeps connections while one process ends and the next one starts."""

    def adopt(self, way: Way, recorder: Recorder) -> Connection | None:
        """Return the connection that an earlier process left of a console, once."""

    def keep(self, way: Way, console: str, connection: Connection) -> None:
        """Leave a new connection to our successor, should we be gone."""

    async def release(self, console: str, connection: Connection) -> None:
        """Close a connection, unless the next process goes on with it."""


class StreamSource:
    """One console over a stream; fits `solrecd.sources.base.Source`.

    Args:
        way: to the console.
        recorder: takes the console's output.
        keeping: has the connections.
        services: of the daemon.
    """

    power = None
    sharing = None

    def __init__(
        self, way: Way, recorder: Recorder, keeping: Keeping, services: Services
    ) -> None:
        self.examiner = Examination(way, recorder, self, services.wall_clock)
        self.breaks: BreakControl | None = self if way.has_break else None
        self._way = way
        self._recorder = recorder
        self._keeping = keeping
        self._waits = Waits(services.rng, FIRST_WAIT, way.longest_wait)
        self._connection: Connection | None = None
        self._input: TypedInput | None = None
        """While it is connected."""
        self._tries = Tries(recorder, self._waits.after)
        self._pace = Pace(CHUNK)

    @property
    def peer(self) -> str:
        """See `Source`."""
        return self._way.place

    # Living.

    async def run(self) -> None:
        """See `Source`."""
        await self._tries.run(self._go_on, self._begin)

    async def _go_on(self) -> Lost | None:
        """Record from the connection that an earlier process left, until it ends."""
        recorder = self._recorder
        connection = self._keeping.adopt(self._way, recorder)
        if connection is None:
            return None
        recorder.mark_restart(None, output_waited=False)
        with suppress(OSError):  # a broken one is noticed below
            connection.resume(recorder.offset)
        return await self._use(connection)

    async def _begin(self) -> Lost | None:
        """Connect, and record until the connection ends; return why it did."""
        recorder = self._recorder
        recorder.session_changed(SessionState.CONNECTING, None, None)
        try:
            connection = await self._way.open(recorder)
        except NotConnectedError as error:
            return Lost(error.reason, str(error))
        began = trio.current_time()
        self._keeping.keep(self._way, recorder.name, connection)
        lost = await self._use(connection)
        if trio.current_time() - began >= SETTLED:
            self._waits.reset()
        return lost

    async def _use(self, connection: Connection) -> Lost:
        self._recorder.session_changed(SessionState.UP, None, None)
        try:
            async with trio.open_nursery() as tasks:
                self._connection = connection
                self._input = TypedInput(connection, tasks)
                tasks.start_soon(connection.tend, self._input.say)
                lost = await self._receive(connection)
                tasks.cancel_scope.cancel()
            return lost
        finally:
            self._connection = self._input = None
            with trio.move_on_after(CLOSING, shield=True):
                # A serial port or a program that is left behind would keep the console
                # from the next try.
                await self._keeping.release(self._recorder.name, connection)

    async def _receive(self, connection: Connection) -> Lost:
        """Record what comes until the connection ends; return why it did."""
        try:
            while True:
                try:
                    data = connection.look()
                except BlockingIOError:
                    self._pace.silence()
                    await connection.wait()
                    continue
                if data is None:
                    self._recorder.line_seen(0.0)
                    return await connection.ended()
                await trio.sleep(self._record(connection, data))
        except OSError as error:
            is_late = error.errno == errno.ETIMEDOUT
            self._recorder.line_seen(self._way.unnoticed if is_late else 0.0)
            return Lost(LostReason.CLOSED, f"{self.peer}: {error.strerror or error}")
        except BufferError:
            text = f"{self.peer} asks for options and does not take the answers"
            return Lost(LostReason.PROTOCOL_ERROR, text)

    def _record(self, connection: Connection, data: bytes) -> float:
        """Record bytes, then take them; return seconds until it pays to look again."""
        if data:
            connection.recording(self._recorder.offset, len(data))
            if not self._recorder.record(data):
                return ROOM_EVERY
        connection.take()
        return self._pace.after(len(data))

    # What is asked of it.

    def update(self, config: ConsoleConfig) -> None:
        """See `Source`; nothing of a stream changes while it is connected."""

    def details(self) -> Mapping[str, Any]:
        """See `Source`."""
        more = {} if self._connection is None else self._connection.details()
        return {**self._way.details(), **more}

    def findings(self) -> Sequence[Finding]:
        """Return what ``doctor`` says of the connection that is open."""
        return () if self._connection is None else self._connection.findings()

    def write(self, data: bytes) -> bool:
        """See `Source`."""
        if self._input is None:
            return False
        self._input.type(data)
        return True

    def send_break(self) -> bool:
        """See `solrecd.sources.base.BreakControl`."""
        if self._input is None:
            return False
        self._input.send_break()
        return True

    @property
    def unsent(self) -> int:
        """See `Source`."""
        return 0 if self._input is None else len(self._input)

    def reconnect(self, why: str) -> None:
        """See `Source`."""
        if self._input is not None:
            self._recorder.line_seen(0.0)
        self._waits.reset()
        self._tries.at_once(why)

    def output_paused(self) -> None:
        """See `Source`; there is nothing to ask."""

    def revive(self, why: str) -> bool:  # noqa: ARG002 - a protocol's
        """See `Source`; a stream that is connected is all there is."""
        return False
