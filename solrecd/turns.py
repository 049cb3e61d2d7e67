"""How many threads open archives side by side.

Opening is milliseconds of computing, so a few threads at a time are fastest, and leave
the loop its share of the processor: a fleet is started or reloaded while other consoles
print. But a disk may hang. Who waits for one is not to keep others from theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

AT_ONCE = 4
"""Threads that work side by side."""

PATIENCE = 1.0
"""Seconds without anybody being done after which those at work wait for a disk."""

MOST = 256
"""Threads in all, however many disks hang: each has a stack."""

T = TypeVar("T")


class Turns:
    """Gives work in threads its turn.

    Args:
        at_once: see `AT_ONCE`.
        patience: see `PATIENCE`.
    """

    def __init__(self, *, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        self._at_once = at_once
        self._patience = patience
        self._limiter = trio.CapacityLimiter(at_once)
        self._done_at = 0.0
        """When somebody was done last (monotonic)."""

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, when it is its turn.

        Cancelled while it waits for its turn, it does nothing; once begun it is waited
        for. Raises what the work raises.
        """
        turn = object()
        await self._wait_for(turn)
        try:
            # A limiter of its own: turns are counted here.
            return await trio.to_thread.run_sync(work, limiter=trio.CapacityLimiter(1))
        finally:
            self._give_back(turn)

    async def _wait_for(self, turn: object) -> None:
        while True:
            with trio.move_on_after(self._patience):
                await self._limiter.acquire_on_behalf_of(turn)
                return
            stuck = trio.current_time() - self._done_at >= self._patience
            if stuck and self._limiter.total_tokens < MOST:
                self._limiter.total_tokens += 1

    def _give_back(self, turn: object) -> None:
        self._done_at = trio.current_time()
        self._limiter.release_on_behalf_of(turn)
        if self._limiter.total_tokens > self._at_once:
            self._limiter.total_tokens -= 1
