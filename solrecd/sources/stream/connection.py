"""One connection, whose bytes are looked at, recorded, and only then taken.

A process that is killed after it has recorded bytes, and before it has taken them out
of the kernel's buffer, leaves them there for the next one, which must drop exactly
these. What was recorded, the journal knows: the console's stream offset. What was
taken, only the kernel can know for certain, because it alone does the taking; so the
note is kept there, and a stored descriptor brings it along.

- TCP counts what ever arrived (``tcpi_bytes_received``, tcp(7)). Less what waits, that
  is what was taken; and the descriptor's name has the stream offset at which the
  connection began.
- A unix socket counts nothing, but has a number of its owner's: the offset at which
  ``MSG_PEEK`` looks (``SO_PEEK_OFF``, socket(7)), from which the kernel subtracts what
  is taken, in the same call. Before bytes are recorded their number is put there, and
  above it their stream offset, as far as there is room.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Final

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.sources.findings import Finding
from solrecd.sources.stream.way import Say
from solrecd.storage.journal import LONGEST_RECORD

CHUNK: Final = LONGEST_RECORD
"""Bytes looked at, recorded and taken at once: one record of the journal."""

_SO_PEEK_OFF: Final = 42
"""socket(7); Python has no name for it."""

_FRONT: Final = -1
"""Where ``MSG_PEEK`` looks unless told: at the first byte that waits."""

_UNIT: Final = 1 << 12
_SPAN: Final = 1 << 18
"""A note is ``offset % _SPAN * _UNIT + size``: positive in 32 bits, and a size less
than `_UNIT` whatever of it is taken."""

_BYTES_RECEIVED: Final = struct.Struct("<8x96x24xQ")
"""The head of ``struct tcp_info`` in <linux/tcp.h>, up to that number."""

_CLOSE_WAIT: Final = 8
"""State of a connection that the other end has closed (<net/tcp_states.h>); its FIN
counts as a byte."""


class SocketConnection:
    """What the connections that are sockets share; see `Connection`.

    Args:
        connected: does not block.
        place: where it leads, as people write it.
    """

    send_break: Callable[[], Awaitable[None]] | None = None

    def __init__(self, connected: socket.socket, place: str) -> None:
        connected.setblocking(False)
        self.socket = connected
        self._place = place
        self._looked = 0

    def look(self) -> bytes | None:
        """See `Connection`."""
        data = self.socket.recv(CHUNK, socket.MSG_PEEK)
        self._looked = len(data)
        return data or None

    def take(self) -> None:
        """See `Connection`."""
        self._take(self._looked)

    def _take(self, size: int) -> None:
        while size:
            size -= len(self.socket.recv(size))

    async def wait(self) -> None:
        """See `Connection`."""
        await trio.lowlevel.wait_readable(self.socket)

    async def tend(self, say: Say) -> None:
        """See `Connection`; there is nothing to do."""

    def encoded(self, typed: bytes) -> bytes:
        """See `Connection`."""
        return typed

    def send(self, data: bytes) -> int:
        """See `Connection`."""
        return self.socket.send(data)

    async def wait_sendable(self) -> None:
        """See `Connection`."""
        await trio.lowlevel.wait_writable(self.socket)

    async def ended(self) -> Lost:
        """See `Connection`."""
        await trio.lowlevel.checkpoint()
        return Lost(LostReason.CLOSED, f"{self._place} closed the connection")

    async def aclose(self) -> None:
        """See `Connection`."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        await trio.lowlevel.checkpoint()

    def leave(self) -> None:
        """See `Connection`."""
        self.socket.close()

    def details(self) -> Mapping[str, Any]:
        """See `Connection`."""
        return {}

    def findings(self) -> Sequence[Finding]:
        """See `Connection`."""
        return ()


class TcpConnection(SocketConnection):
    """Fits `Connection`.

    Args:
        connected: see `SocketConnection`.
        place: see there.
        begin: stream offset of its first byte.
    """

    def __init__(self, connected: socket.socket, place: str, begin: int) -> None:
        super().__init__(connected, place)
        self._begin = begin

    @property
    def descriptors(self) -> Mapping[str, int]:
        """See `Connection`; its name says where it began."""
        return {f"{self._begin:x}": self.socket.fileno()}

    def recording(self, offset: int, size: int) -> None:
        """See `Connection`; the kernel counts by itself."""

    def resume(self, offset: int) -> None:
        """See `Connection`."""
        self._take(_if_one_chunk(offset - self._begin - taken(self.socket)))


class UnixConnection(SocketConnection):
    """Fits `Connection`."""

    @property
    def descriptors(self) -> Mapping[str, int]:
        """See `Connection`."""
        return {"0": self.socket.fileno()}

    def look(self) -> bytes | None:
        """See `Connection`."""
        self._note(_FRONT)
        return super().look()

    def recording(self, offset: int, size: int) -> None:
        """See `Connection`."""
        self._note(offset % _SPAN * _UNIT + size)

    def resume(self, offset: int) -> None:
        """See `Connection`."""
        note = self.socket.getsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF)
        if note == _FRONT:
            return
        begin, left = divmod(note, _UNIT)
        if 0 < (offset - begin) % _SPAN <= CHUNK:
            self._take(left)

    def _note(self, number: int) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF, number)


def left_socket(descriptors: Mapping[str, int]) -> socket.socket:
    """Return a connected stream that an earlier process left.

    Args:
        descriptors: all but the first, and that one where it is none, are closed.

    Raises:
        OSError: it is none.
    """
    fd, *others = descriptors.values()
    close_all(others)
    with ExitStack() as undo:
        undo.callback(close_all, [fd])
        left = socket.socket(fileno=fd)
        undo.pop_all()
        undo.enter_context(left)
        if left.type != socket.SOCK_STREAM:
            raise OSError("not a stream")
        left.getpeername()
        undo.pop_all()
        return left


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors, also those that are closed already."""
    for fd in descriptors:
        with suppress(OSError):
            os.close(fd)


def taken(connected: socket.socket) -> int:
    """Return how many bytes were ever taken out of a TCP connection."""
    while True:
        received, unread = _received(connected), _unread(connected)
        if received == _received(connected):
            return received - unread


def _received(connected: socket.socket) -> int:
    info = connected.getsockopt(
        socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size
    )
    (count,) = _BYTES_RECEIVED.unpack(info)
    return int(count) - (info[0] == _CLOSE_WAIT)


def is_closed(connected: socket.socket) -> bool:
    """Tell whether the other end of a TCP connection sends no more."""
    info = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] == _CLOSE_WAIT


def _unread(connected: socket.socket) -> int:
    answer = fcntl.ioctl(connected, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, "little")


def _if_one_chunk(size: int) -> int:
    """Return a size that a kill can leave behind; any other means something else."""
    return size if 0 < size <= CHUNK else 0
