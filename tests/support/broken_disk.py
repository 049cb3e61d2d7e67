"""A disk that refuses when it is told to, behind the writer's file interface."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

from solrecd.storage.archive.files import OsFileSystem


class BrokenDisk(OsFileSystem):
    """Real files on a disk with limited room that can also fail altogether.

    A write that does not fit is cut short first and refused next, as a real one is.
    """

    def __init__(self) -> None:
        self.room = 1 << 40
        """Bytes that can still be written."""
        self.error: int | None = None
        """Every call fails with this errno."""
        self.failing_sync: int | None = None
        self.mounts: dict[str, int] = {}
        """Device number of the folders with these names."""
        self.hanging: set[str] = set()
        """Folders whose files hang whatever touches them, until `resume`."""
        self._hangs = False
        self._is_gone = False
        self._resumed = threading.Event()
        self.writes = 0

    def device(self, folder: Path) -> int:
        """Return the device that the test has chosen, or the real one."""
        return self.mounts.get(folder.name) or super().device(folder)

    def hang(self) -> None:
        """Let every write hang until `resume`."""
        self._hangs = True

    def resume(self) -> None:
        """Let what hangs go on."""
        self.hanging.clear()
        self._hangs = False
        self._resumed.set()

    def bury(self) -> None:
        """Let what hangs fail: the process that waited for it is gone."""
        self._is_gone = True
        self._resumed.set()

    def _wait(self) -> None:
        self._resumed.wait()
        if self._is_gone:
            raise OSError(errno.EIO, "the process is gone")

    def open(self, path: Path, *, create: bool) -> int:
        """Open unless everything fails."""
        self._fail()
        if path.parent.name in self.hanging:
            self._wait()
        return super().open(path, create=create)

    def make_folder(self, path: Path) -> None:
        """Make a folder unless everything fails."""
        self._fail()
        super().make_folder(path)

    def write(self, descriptor: int, data: bytes) -> int:
        """Write what fits."""
        if self._hangs:
            self._wait()
        self._fail()
        self.writes += 1
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(descriptor, data[: self.room])
        self.room -= written
        return written

    def sync(self, descriptor: int) -> None:
        """Sync unless that fails."""
        self._fail()
        if self.failing_sync is not None:
            raise OSError(self.failing_sync, os.strerror(self.failing_sync))
        super().sync(descriptor)

    def _fail(self) -> None:
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
