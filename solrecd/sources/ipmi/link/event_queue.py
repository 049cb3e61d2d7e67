"""Events that wait for one task."""

from __future__ import annotations

import trio

from solrecd.sources.ipmi.protocol.events import SessionEvent


class EventQueue:
    """Where a session leaves its news for its keeper.

    There is one for each of thousands of idle sessions, and one reader: a channel of
    trio, made for many senders and receivers, takes 2.5 KB, this a tenth.

    Args:
        limit: events that may wait; one more closes the box.
    """

    __slots__ = ("_is_closed", "_limit", "_news", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[SessionEvent] = []
        self._is_closed = False
        self._news: trio.Event | None = None
        """While the reader waits."""

    def post(self, event: SessionEvent) -> None:
        """Leave an event; a closed box drops it."""
        if len(self._waiting) >= self._limit:
            self._is_closed = True
        if not self._is_closed:
            self._waiting.append(event)
        self._ring()

    def close(self) -> None:
        """Take no more events; those that wait can still be taken."""
        self._is_closed = True
        self._ring()

    async def take(self) -> SessionEvent | None:
        """Wait for the next event; None when the box is closed and empty.

        Cancelling it loses no event.
        """
        await trio.lowlevel.checkpoint()
        while not self._waiting and not self._is_closed:
            self._news = trio.Event()
            await self._news.wait()
        return self._waiting.pop(0) if self._waiting else None

    def _ring(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None
