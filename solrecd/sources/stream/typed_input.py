"""What was typed on a stream, until the other end has taken it."""

from __future__ import annotations

import socket
from typing import Final

import trio

from solrecd.sources.limits import UNSENT_LIMIT

_PIECE: Final = 4096
"""Bytes given to the kernel at once."""


class TypedInput:
    """The input of one connection.

    Args:
        connected: does not block.
        tasks: sends while there is something; a silent console has no task for it.
    """

    def __init__(self, connected: socket.socket, tasks: trio.Nursery) -> None:
        self._socket = connected
        self._tasks = tasks
        self._unsent = bytearray()
        self._is_sending = False

    def __len__(self) -> int:
        """Return how many bytes wait."""
        return len(self._unsent)

    def add(self, data: bytes) -> None:
        """Send bytes, in order.

        Raises:
            BufferError: too many wait already.
        """
        if len(self._unsent) + len(data) > UNSENT_LIMIT:
            raise BufferError(
                f"{len(self._unsent)} bytes of input wait already,"
                f" {UNSENT_LIMIT} allowed"
            )
        self._unsent += data
        if not self._is_sending:
            self._is_sending = True
            self._tasks.start_soon(self._send)

    async def _send(self) -> None:
        try:
            while self._unsent:
                await trio.lowlevel.wait_writable(self._socket)
                del self._unsent[: self._socket.send(self._unsent[:_PIECE])]
        except OSError:
            pass  # the reading side learns why
        finally:
            self._is_sending = False
