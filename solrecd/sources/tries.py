"""One try after the other to have a console, with a wait between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from solrecd.events import Lost, LostReason, SessionState
from solrecd.sources.base import Recorder

Try = Callable[[], Awaitable[Lost | None]]
"""Opens the console and records until that ends; returns why it did, or None where
nothing was tried."""


class Tries:
    """The tries of one console.

    Args:
        recorder: is told how they end.
        wait_after: returns seconds to the next one.
    """

    def __init__(self, recorder: Recorder, wait_after: Callable[[Lost], float]) -> None:
        self._recorder = recorder
        self._wait_after = wait_after
        self._why = ""
        """Another try is wanted, as people read it."""
        self._scope = trio.CancelScope()
        """Of what goes on: a try, or the wait after it."""

    async def run(self, first: Try, again: Try) -> None:
        """Make them until cancelled; the first may be another than those after it."""
        attempt = first
        while True:
            with trio.CancelScope() as self._scope:
                await self._wait(await attempt())
            if self._scope.cancelled_caught:
                lost = Lost(LostReason.RECONNECT, self._why)
                self._recorder.session_changed(SessionState.DOWN, lost, 0.0)
            attempt = again

    async def _wait(self, lost: Lost | None) -> None:
        """Wait for the next try; not at all where none was made."""
        if lost is not None:
            wait = self._wait_after(lost)
            self._recorder.session_changed(SessionState.DOWN, lost, wait)
            await trio.sleep(wait)

    def at_once(self, why: str) -> None:
        """Give up what goes on, and try again.

        Args:
            why: one line for people.
        """
        self._why = why
        self._scope.cancel()
