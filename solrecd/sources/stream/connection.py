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
from contextlib import ExitStack, suppress
from typing import Final, Protocol

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


class Connection(Protocol):
    """A connected stream, and how far it was recorded."""

    socket: socket.socket

    def look(self) -> bytes:
        """Return the bytes that wait, or the first of them, and leave them there.

        Empty: the other end has closed, and nothing waits any more.

        Raises:
            BlockingIOError: nothing waits.
            OSError: the connection broke.
        """

    def recording(self, offset: int, size: int) -> None:
        """Note that so many bytes are about to be recorded at that stream offset."""

    def repeated(self, offset: int) -> int:
        """Return how many of the bytes that wait are recorded already.

        Args:
            offset: up to where the console's stream is recorded.
        """


class TcpConnection:
    """Fits `Connection`.

    Args:
        connected: does not block.
        begin: stream offset of its first byte.
    """

    __slots__ = ("_begin", "socket")

    def __init__(self, connected: socket.socket, begin: int) -> None:
        self.socket = connected
        self._begin = begin

    def look(self) -> bytes:
        """See `Connection`."""
        return self.socket.recv(CHUNK, socket.MSG_PEEK)

    def recording(self, offset: int, size: int) -> None:
        """See `Connection`; the kernel counts by itself."""

    def repeated(self, offset: int) -> int:
        """See `Connection`."""
        return _if_one_chunk(offset - self._begin - _taken(self.socket))


class UnixConnection:
    """Fits `Connection`.

    Args:
        connected: does not block.
    """

    __slots__ = ("socket",)

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    def look(self) -> bytes:
        """See `Connection`."""
        self._note(_FRONT)
        return self.socket.recv(CHUNK, socket.MSG_PEEK)

    def recording(self, offset: int, size: int) -> None:
        """See `Connection`."""
        self._note(offset % _SPAN * _UNIT + size)

    def repeated(self, offset: int) -> int:
        """See `Connection`."""
        note = self.socket.getsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF)
        if note == _FRONT:
            return 0
        begin, left = divmod(note, _UNIT)
        is_recorded = 0 < (offset - begin) % _SPAN <= CHUNK
        return left if is_recorded else 0

    def _note(self, number: int) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF, number)


def take(connected: socket.socket, size: int) -> None:
    """Take bytes that were looked at out of the kernel's buffer."""
    while size:
        size -= len(connected.recv(size))


def as_connection(connected: socket.socket, begin: int) -> Connection:
    """Return a connection by the family of its socket.

    Args:
        connected: a stream.
        begin: stream offset of its first byte.
    """
    connected.setblocking(False)
    if connected.family == socket.AF_UNIX:
        return UnixConnection(connected)
    return TcpConnection(connected, begin)


def connection_of(fd: int, begin: int) -> Connection:
    """Return a connection that an earlier process left.

    Args:
        fd: closed where it is none.
        begin: see `as_connection`.

    Raises:
        OSError: it is none.
    """
    with ExitStack() as undo:
        undo.callback(_close, fd)
        left = socket.socket(fileno=fd)
        undo.pop_all()
        undo.enter_context(left)
        if left.type != socket.SOCK_STREAM:
            raise OSError("not a stream")
        left.getpeername()
        undo.pop_all()
        return as_connection(left, begin)


def _close(fd: int) -> None:
    with suppress(OSError):
        os.close(fd)


def _taken(connected: socket.socket) -> int:
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


def _unread(connected: socket.socket) -> int:
    answer = fcntl.ioctl(connected, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, "little")


def _if_one_chunk(size: int) -> int:
    """Return a size that a kill can leave behind; any other means something else."""
    return size if 0 < size <= CHUNK else 0
