"""One recorder per log folder: two would write into the same segments."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

import structlog

from solrecd.process.plain_files import make_way
from solrecd.storage.archive.console_locks import ConsoleLocks
from solrecd.storage.archive.segment_types import ArchiveError

FILE_NAME = ".solrecd.lock"
"""In the log folder; holds the process ID of the recorder that locks it."""

_MODE = 0o640

log = structlog.get_logger()


class FolderLock:
    """Keeps others from recording into a folder until it is closed, or we die.

    On a network file system this holds for other machines as well. Where a file system
    has no locks, or no room for a file, that is logged: recording matters more.

    Args:
        folder: made when it is missing.
        shard: of those that share the folder with each other, and with no recorder that
            is none of them; empty: this one shares it with no other.

    Raises:
        ArchiveError: another recorder has it; names the folder and that process.
    """

    def __init__(self, folder: Path, shard: str = "") -> None:
        self._descriptors: list[int] = []
        self.consoles: ConsoleLocks | None = None
        """Which of the folder's consoles are ours; None: all."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if shard:
                self.consoles = ConsoleLocks(folder)
                self._lock(folder, FILE_NAME, fcntl.LOCK_SH)
                self._lock(folder, f".solrecd.{shard}.lock", fcntl.LOCK_EX)
            else:
                self._lock(folder, FILE_NAME, fcntl.LOCK_EX)
        except ArchiveError:
            self.close()
            raise
        except OSError as error:
            # One that cannot be written to is refused where a write to it is tried.
            log.warning("archive.not_locked", folder=str(folder), reason=str(error))

    def _lock(self, folder: Path, name: str, kind: int) -> None:
        make_way(folder / name)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(folder / name, flags, _MODE)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            if error.errno != errno.EWOULDBLOCK:
                raise
            raise ArchiveError(
                f"{folder}: another solrecd{f' (pid {owner})' if owner else ''} records"
                " into this folder; stop that one, or set another log_dir in [daemon]"
            ) from None
        self._descriptors.append(descriptor)
        # On a full disk the lock holds all the same.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            if kind == fcntl.LOCK_EX:
                os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)

    def close(self) -> None:
        """Let another recorder have the folder."""
        if self.consoles:
            self.consoles.close()
        while self._descriptors:
            os.close(self._descriptors.pop())
