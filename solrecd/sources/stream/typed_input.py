"""What was typed on a stream, until the other end has taken it."""

from __future__ import annotations

from collections import deque
from typing import Final

import trio

from solrecd.sources.limits import check_room
from solrecd.sources.stream.way import Connection

_PIECE: Final = 4096
"""Bytes given to the kernel at once."""

_BREAK: Final = b""
"""Stands for a break among the bytes."""


class TypedInput:
    """The input of one connection.

    Args:
        connection: takes it.
        tasks: sends while there is something; a silent console has no task for it.
    """

    def __init__(self, connection: Connection, tasks: trio.Nursery) -> None:
        self._connection = connection
        self._tasks = tasks
        self._waiting = deque[bytes]()
        self._size = 0
        self._is_sending = False

    def __len__(self) -> int:
        """Return how many bytes wait."""
        return self._size

    def type(self, typed: bytes) -> None:
        """Send what was typed, in order.

        Raises:
            BufferError: too much waits already.
        """
        self.say(self._connection.encoded(typed))

    def say(self, data: bytes) -> None:
        """Send bytes as they are, in order.

        Raises:
            BufferError: too much waits already.
        """
        check_room(self._size, len(data))
        if data:
            self._add(data)

    def send_break(self) -> None:
        """Send a break, in order.

        Raises:
            BufferError: too much waits already.
        """
        if self._waiting.count(_BREAK):
            raise BufferError("a break waits already")
        self._add(_BREAK)

    def _add(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if not self._is_sending:
            self._is_sending = True
            self._tasks.start_soon(self._send_all)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send(self._waiting[0])
                self._waiting.popleft()
        except OSError:
            pass  # the reading side learns why
        finally:
            self._is_sending = False

    async def _send(self, data: bytes) -> None:
        if data == _BREAK and self._connection.send_break is not None:
            await self._connection.send_break()
        view = memoryview(data)
        while view:
            await self._connection.wait_sendable()
            sent = self._connection.send(bytes(view[:_PIECE]))
            view = view[sent:]
            self._size -= sent
