"""One console of an OpenBMC: opened, recorded, typed on, opened again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import trio

from solrecd.config import ConsoleConfig
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.sources.base import Recorder, Services
from solrecd.sources.https.request import ClosedError
from solrecd.sources.https.tls import Trust
from solrecd.sources.limits import check_room
from solrecd.sources.openbmc.examination import Examination
from solrecd.sources.openbmc.login import Login
from solrecd.sources.openbmc.options import OpenbmcOptions
from solrecd.sources.openbmc.websocket import WebSocket
from solrecd.sources.pace import COLLECT, FLOOD, ROOM_EVERY
from solrecd.sources.tries import Tries, Waits
from solrecd.sources.troubles import NotConnectedError
from solrecd.storage.journal import LONGEST_RECORD

FIRST_WAIT: Final = 1.0
"""Seconds before the second try."""

LONGEST_WAIT: Final = 30.0
"""Seconds between tries at most: TLS and PAM are work for a BMC."""

SETTLED: Final = 10.0
"""Seconds a console must have lasted for the back-off to begin with its first wait."""

PING_EVERY: Final = 20.0
"""Seconds of silence after which the BMC is asked for a sign of life."""

PONG_WITHIN: Final = 10.0
"""Seconds for the answer."""

LEAVING: Final = 3.0
"""Seconds in which a console is closed and a session given back, or left to the BMC."""

_PIECE: Final = 4096
"""Bytes typed in one message."""


class OpenbmcSource:
    """One console of an OpenBMC; fits `solrecd.sources.base.Source`.

    Args:
        options: where it is, and as whom.
        recorder: takes the console's output.
        trust: TLS settings.
        services: of the daemon.
    """

    power = None
    breaks = None
    sharing = None

    def __init__(
        self,
        options: OpenbmcOptions,
        recorder: Recorder,
        trust: Trust,
        services: Services,
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._login = Login(options, trust)
        self._waits = Waits(services.rng, FIRST_WAIT, LONGEST_WAIT)
        self._tries = Tries(recorder, self._waits.after)
        self._console: WebSocket | None = None
        """While it is open."""
        self._unsent = bytearray()
        self._typed = trio.Event()
        """Set when there is something to send."""
        self.examiner = Examination(options, recorder, trust, services.wall_clock)

    @property
    def peer(self) -> str:
        """See `Source`."""
        return self._options.place

    # Living.

    async def run(self) -> None:
        """See `Source`."""
        await self._tries.run(self._try, self._try)

    async def _try(self) -> Lost:
        """Open the console, and record until it ends; return why it did."""
        recorder = self._recorder
        recorder.session_changed(SessionState.CONNECTING, None, None)
        try:
            console = await self._login.open()
        except NotConnectedError as error:
            return Lost(error.reason, str(error))
        began = trio.current_time()
        try:
            return await self._use(console)
        finally:
            with trio.move_on_after(LEAVING, shield=True):
                await console.close()
                await self._login.leave()
            if trio.current_time() - began >= SETTLED:
                self._waits.reset()

    async def _use(self, console: WebSocket) -> Lost:
        """Record from an open console until it ends; return why it did."""
        self._recorder.session_changed(SessionState.UP, None, None)
        self._console = console
        lost: Lost | None = None
        try:
            with trio.CancelScope() as listening:
                async with trio.open_nursery() as tasks:
                    tasks.start_soon(self._send_typed, console)
                    tasks.start_soon(self._keep_alive, console, listening)
                    lost = await self._receive(console)
                    tasks.cancel_scope.cancel()
            return lost or self._silent(console)
        finally:
            self._console = None
            self._unsent.clear()

    def _silent(self, console: WebSocket) -> Lost:
        silence = trio.current_time() - console.heard
        self._recorder.line_seen(silence)
        detail = f"{self.peer}: no sign of life for {silence:.0f} s"
        return Lost(LostReason.BMC_TIMEOUT, detail)

    async def _receive(self, console: WebSocket) -> Lost:
        """Record what comes until the console ends; return why it did."""
        try:
            while True:
                await self._record(await console.receive())
        except ClosedError as error:
            silence = trio.current_time() - console.heard
            self._recorder.line_seen(0.0 if error.was_clean else silence)
            return Lost(LostReason.CLOSED, f"{self.peer} closed the console: {error}")

    async def _record(self, data: bytes) -> None:
        """Record bytes; nothing more is read, and the machine is held up, till then."""
        is_flood = len(data) >= LONGEST_RECORD
        while data:
            piece = data[:LONGEST_RECORD]
            if self._recorder.record(piece):
                data = data[len(piece) :]
                await trio.sleep(FLOOD if is_flood else COLLECT)
            else:
                await trio.sleep(ROOM_EVERY)

    async def _keep_alive(
        self, console: WebSocket, listening: trio.CancelScope
    ) -> None:
        """Ask a silent BMC for a sign of life; listen no more where there is none."""
        while True:
            silence = trio.current_time() - console.heard
            if silence < PING_EVERY:
                await trio.sleep(PING_EVERY - silence)
                continue
            asked = console.heard
            try:
                with trio.fail_after(PONG_WITHIN):
                    await console.ping()
                    await trio.sleep_forever()
            except trio.TooSlowError:
                if console.heard == asked:
                    listening.cancel()
                    return
            except ClosedError:
                return  # the reading side learns why

    # What is asked of it.

    def update(self, config: ConsoleConfig) -> None:
        """See `Source`; nothing changes under an open console."""

    def details(self) -> Mapping[str, Any]:
        """See `Source`."""
        return self._options.details()

    def write(self, data: bytes) -> bool:
        """See `Source`."""
        if self._console is None:
            return False
        check_room(len(self._unsent), len(data))
        self._unsent += data
        self._typed.set()
        return True

    @property
    def unsent(self) -> int:
        """See `Source`."""
        return len(self._unsent)

    async def _send_typed(self, console: WebSocket) -> None:
        try:
            while True:
                await self._typed.wait()
                while self._unsent:
                    piece = bytes(self._unsent[:_PIECE])
                    await console.send(piece)
                    del self._unsent[: len(piece)]
                self._typed = trio.Event()
        except ClosedError:
            pass  # the reading side learns why

    def reconnect(self, why: str) -> None:
        """See `Source`."""
        if self._console is not None:
            self._recorder.line_seen(0.0)
        self._waits.reset()
        self._tries.at_once(why)

    def output_paused(self) -> None:
        """See `Source`; there is nothing to ask."""

    def revive(self, why: str) -> bool:  # noqa: ARG002 - a protocol's
        """See `Source`; a console that is open is all there is."""
        return False
