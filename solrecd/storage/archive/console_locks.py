"""One writer for each console's folder, where several processes share an archive.

One file in the archive folder has a byte for each console, at a place that its name
gives, and who records it has that byte locked (open file description locks: they end
with the process, and need one descriptor for any number of consoles).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Final

import structlog

from solrecd.process.plain_files import make_way
from solrecd.storage.archive.segment_types import ArchiveError

FILE_NAME: Final = ".solrecd.consoles"

_MODE: Final = 0o640
_FLOCK: Final = struct.Struct("@hhqqi4x")
"""``struct flock`` of 64-bit Linux: type, whence, start, length, process."""
_LARGEST: Final = (1 << 62) - 1

log = structlog.get_logger()


class ConsoleLocks:
    """The consoles that this process may write to; for any thread.

    Args:
        folder: the archive; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = Lock()
        self._held: set[str] = set()
        self._leaving: set[str] = set()
        self._folder = folder
        make_way(folder / FILE_NAME)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._descriptor = os.open(folder / FILE_NAME, flags, _MODE)

    def take(self, console: str) -> None:
        """Have a console for this process, which may have it already.

        Raises:
            ArchiveError: another process has it; worth another try later.
        """
        with self._lock:
            self._leaving.discard(console)
            if console in self._held:
                return
            try:
                self._ask(fcntl.F_OFD_SETLK, fcntl.F_WRLCK, console)
            except OSError as error:
                if error.errno in {errno.EAGAIN, errno.EACCES}:
                    raise ArchiveError(
                        f"{self._folder / console}: another shard still records this"
                        " console; it is recorded here as soon as that one has let go"
                    ) from None
                # A file system without locks: recording matters more.
                log.warning("archive.not_locked", console=console, reason=str(error))
            self._held.add(console)

    def leave(self, console: str) -> None:
        """Give a console up as soon as its files are finished (`settle`)."""
        with self._lock:
            if console in self._held:
                self._leaving.add(console)

    def settle(self, is_open: Callable[[str], bool]) -> None:
        """Give up those consoles that have been left and are not open any more."""
        if not self._leaving:
            return
        with self._lock:
            for console in [each for each in self._leaving if not is_open(each)]:
                self._leaving.discard(console)
                self._held.discard(console)
                self._ask(fcntl.F_OFD_SETLK, fcntl.F_UNLCK, console)

    def may_tidy(self, console: str) -> bool:
        """Whether no other process records a console."""
        if console in self._held:
            return True
        try:
            found = self._ask(fcntl.F_OFD_GETLK, fcntl.F_WRLCK, console)
        except OSError:
            return True
        return bool(_FLOCK.unpack(found)[0] == fcntl.F_UNLCK)

    def close(self) -> None:
        """Give all of them up."""
        with self._lock:
            self._held.clear()
            self._leaving.clear()
            if self._descriptor >= 0:
                descriptor, self._descriptor = self._descriptor, -1
                os.close(descriptor)

    def _ask(self, command: int, kind: int, console: str) -> bytes:
        place = _FLOCK.pack(kind, os.SEEK_SET, _place(console), 1, 0)
        return fcntl.fcntl(self._descriptor, command, place)


def _place(console: str) -> int:
    digest = blake2b(console.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") & _LARGEST
