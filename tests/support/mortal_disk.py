"""A disk that refuses, and whose writer is killed, at places of the test's choice."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from solrecd.storage.archive.files import OsFileSystem


class Killed(BaseException):
    """The process is gone; nothing may catch this."""


class MortalDisk(OsFileSystem):
    """Real files, until the process that writes them is killed.

    A write may be cut short by it, as the kernel does at the border of a page.
    """

    def __init__(self) -> None:
        self.left: int | None = None
        """Calls that still change something before the last one; None: no limit."""
        self.torn = 0
        """Bytes that a write which is the last still gets out."""
        self.room: int | None = None
        """Bytes that can be written before the disk is full; None: no limit."""
        self._open: set[int] = set()

    def bury(self) -> None:
        """Close what the killed process had open, and let the next one live."""
        for descriptor in tuple(self._open):
            self.close(descriptor)
        self.left = None

    def open(self, path: Path, *, create: bool) -> int:
        """Open a file; one that is created counts."""
        if create:
            self._live()
        descriptor = super().open(path, create=create)
        self._open.add(descriptor)
        return descriptor

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        self._open.discard(descriptor)
        super().close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file; counts."""
        self._live()
        super().truncate(descriptor, size)

    def write(self, descriptor: int, data: bytes) -> int:
        """Append; counts."""
        if self.left == 0 and self.torn:
            super().write(descriptor, data[: self.torn])
        self._live()
        if self.room is not None:
            data = data[: self.room]
            self.room -= len(data)
            if not data:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, data)

    def link(self, path: Path, target: str) -> None:
        """Make a link; counts."""
        self._live()
        super().link(path, target)

    def _live(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise Killed
        self.left -= 1
