"""How many threads open archives side by side.

Opening is a millisecond of computing, so two threads at a time are fastest, and leave
the loop its share of the processor: a fleet is started or reloaded while other consoles
print. (500 consoles that resume: 4.0 to 4.4 s, and 4.9 s with four threads, which
mostly wait for each other.) But a disk may hang. Who waits for one is not to keep
others from theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

from solrecd.process.threads import Job, in_thread

AT_ONCE = 2
"""Threads that work side by side."""

TIMEOUT = 1.0
"""Seconds in which no thread finishes, after which those at work wait for a disk."""

MOST = 256
"""Threads in all, however many disks hang: each has a stack."""

_OPEN = Job("the opening of an archive", "the next start opens it")

T = TypeVar("T")


class OpeningThreads:
    """Gives work in threads its turn.

    Args:
        at_once: see `AT_ONCE`.
        timeout: see `TIMEOUT`.
    """

    def __init__(self, *, at_once: int = AT_ONCE, timeout: float = TIMEOUT) -> None:
        self._at_once = at_once
        self._timeout = timeout
        self._limiter = trio.CapacityLimiter(at_once)
        self._queue = trio.Lock()
        """Its holder is next. Of a thousand only one looks at the clock."""
        self._at_work: set[trio.CancelScope] = set()
        self._done_at = 0.0
        """When a thread was done last, or began alone (monotonic)."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, when it is its turn.

        Cancelled while it waits for its turn, it does nothing; once begun it is waited
        for, or who has the archive next would meet it at work, until `abandon` is
        called. Raises what the work raises.
        """
        turn = object()
        await self._wait_for(turn)
        try:
            return await self._work(work)
        finally:
            self._give_back(turn)

    async def _work(self, work: Callable[[], T]) -> T:
        with trio.CancelScope(shield=True) as scope:
            self._at_work.add(scope)
            try:
                # A limiter of its own: turns are counted here.
                return await in_thread(_OPEN, work, limiter=trio.CapacityLimiter(1))
            finally:
                self._at_work.discard(scope)
        # Abandoned by a stop, which cancels this task as well.
        await trio.sleep_forever()
        raise AssertionError

    def abandon(self) -> None:
        """Stop to wait for those at work; for a stop, which cancels who waits."""
        for scope in self._at_work:
            scope.cancel()

    async def _wait_for(self, turn: object) -> None:
        async with self._queue:
            if not self._limiter.borrowed_tokens:
                self._done_at = trio.current_time()
            while True:
                if self._is_stuck and self._limiter.total_tokens < MOST:
                    self._limiter.total_tokens += 1
                with trio.move_on_after(self._timeout):
                    await self._limiter.acquire_on_behalf_of(turn)
                    return

    @property
    def _is_stuck(self) -> bool:
        """Whether all who are at work seem to wait for a disk."""
        if self._limiter.available_tokens:
            return False
        return trio.current_time() - self._done_at >= self._timeout

    def _give_back(self, turn: object) -> None:
        self._done_at = trio.current_time()
        self._limiter.release_on_behalf_of(turn)
        if self._limiter.total_tokens > self._at_once:
            self._limiter.total_tokens -= 1
