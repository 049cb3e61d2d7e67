"""One try after the other to have a console, with a wait between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.process.backoff import Backoff, Chance
from solrecd.sources.base import Recorder

REFUSED_WAIT: Final = 60.0
"""Seconds before an account is tried again that was refused: BMCs lock accounts."""

LONGEST_REFUSED_WAIT: Final = 3600.0
"""Seconds between tries of a refused account at most."""

_ACCOUNT: Final = frozenset({LostReason.BAD_PASSWORD, LostReason.PRIVILEGE_REFUSED})
"""What does not get better by trying soon."""

Try = Callable[[], Awaitable[Lost | None]]
"""Opens the console and records until that ends; returns why it did, or None where
nothing was tried."""


class Waits:
    """Seconds between tries, ever longer: much longer where the account is refused.

    Args:
        chance: of the jitter.
        first: seconds before the second try.
        longest: seconds between tries at most.
    """

    def __init__(self, chance: Chance, first: float, longest: float) -> None:
        self._usual = Backoff(chance, first, longest)
        self._refused = Backoff(chance, REFUSED_WAIT, LONGEST_REFUSED_WAIT)

    def after(self, lost: Lost) -> float:
        """Return seconds to the next try, after one that ended so."""
        is_refused = lost.reason in _ACCOUNT
        return (self._refused if is_refused else self._usual).next()

    def reset(self) -> None:
        """Begin with the shortest again: a try went well."""
        self._usual.reset()
        self._refused.reset()


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
