"""Bytes that were read and not recorded yet, in memory that outlives this process.

A terminal's bytes cannot be looked at without taking them out of the kernel. So they
are read into memory that the descriptor store keeps beside the terminal: where the
journal has no room, where a restart comes in between, or where this process is killed,
the next one finds them there.

What is about to be done is noted before it is done: how many bytes are read, and at
which stream offset they are recorded. So the next process can tell whether that was
done. Whether they were read, the memory shows, which had other bytes before; only bytes
that are just these, `_UNREAD`, at the end of what a killed process read, are lost.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import termios
from contextlib import suppress
from typing import Final

from solrecd.sources.stream.connection import CHUNK

_HEADER: Final = struct.Struct("<qq")
"""Stream offset at which they are recorded, and how many there are."""
_SIZE: Final = _HEADER.size + CHUNK
_NOWHERE: Final = -1
"""Stands for the offset while it is not known: they are not recorded."""
_READING: Final = -2
"""The same, while they are read: the last of them may not be there."""
_UNREAD: Final = b"\xfe"
"""What memory holds that bytes are read into; rare in what machines print."""


class HeldBytes:
    """At most `CHUNK` bytes; of one console.

    Args:
        fd: of the memory that an earlier process left; None: new memory.

    Raises:
        OSError: the descriptor is none of such memory.
    """

    def __init__(self, fd: int | None = None) -> None:
        self.fd = _new_memory() if fd is None else fd
        """Of the memory."""
        if os.fstat(self.fd).st_size != _SIZE:
            raise OSError("no memory of ours")
        self._memory = mmap.mmap(self.fd, _SIZE)
        self._room = memoryview(self._memory)[_HEADER.size :]
        offset, size = _HEADER.unpack_from(self._memory)
        self._size = size if 0 <= size <= CHUNK else 0
        self._offset = offset
        if offset == _READING:
            self._note(_NOWHERE, len(bytes(self).rstrip(_UNREAD)))

    def __len__(self) -> int:
        """Return how many there are."""
        return self._size

    def __bytes__(self) -> bytes:
        """Return them."""
        return bytes(self._room[: self._size])

    def read(self, fd: int) -> int:
        """Read from a descriptor, in place of what was held; return how many came.

        Raises:
            OSError: nothing can be read now, or ever.
        """
        found = self._read_on(fd, 0)
        if found == 1:
            # The kernel counts what a terminal has a moment after it has it.
            with suppress(OSError):
                found = self._read_on(fd, 1)
        return found

    def _read_on(self, fd: int, begin: int) -> int:
        """Read behind what was read; return how much that makes."""
        waiting = fcntl.ioctl(fd, termios.FIONREAD, bytes(4))
        size = max(int.from_bytes(waiting, "little"), 1)
        end = begin
        with self._room[begin : min(begin + size, CHUNK)] as room:
            room[:] = _UNREAD * len(room)
            self._note(_READING, begin + len(room))
            try:
                end += os.readv(fd, [room])
            finally:
                self._note(_NOWHERE, end)
        return end

    def recording(self, offset: int) -> None:
        """Note that they are about to be recorded at that stream offset."""
        self._note(offset, self._size)

    def drop(self) -> None:
        """Hold nothing."""
        self._note(_NOWHERE, 0)

    def resume(self, offset: int) -> None:
        """Drop them if they were recorded.

        Args:
            offset: up to where the console's stream is recorded.
        """
        if self._offset != _NOWHERE and self._offset + self._size <= offset:
            self.drop()

    def close(self) -> None:
        """Give the memory back; a copy of its descriptor keeps it."""
        self._room.release()
        self._memory.close()
        os.close(self.fd)

    def _note(self, offset: int, size: int) -> None:
        self._offset, self._size = offset, size
        _HEADER.pack_into(self._memory, 0, offset, size)


def _new_memory() -> int:
    fd = os.memfd_create("console")
    os.ftruncate(fd, _SIZE)
    return fd
