"""A bounded folder of files fetched from a store: what was used longest ago goes first.

Files of a store never change, so what is here is right as long as it is whole: a file
gets its name when all of it is here and its checksum fits.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from solrecd.storage.offload.manifest import StoredFile
from solrecd.storage.offload.store import Store, StoreError

LIMIT: Final = 1 << 30
"""Bytes."""

_TEMPORARY: Final = ".fetching"


class Cache:
    """One store's files on this machine.

    Args:
        folder: holds a folder for each console; made if it is missing.
        limit: bytes.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._size = sum(size for _, size, _ in self._files())

    def folder(self, console: str) -> Path:
        """Return the folder of a console's files, which is there."""
        folder = self._folder / console
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def has(self, path: Path, file: StoredFile) -> bool:
        """Whether a file is here; it has been used then."""
        try:
            if path.stat().st_size != file.size:
                return False
            os.utime(path)
        except OSError:
            return False
        return True

    def fetch(self, store: Store, key: str, path: Path, file: StoredFile) -> None:
        """Have a file here that is in the store; at once where it is here already.

        Raises:
            StoreError: it cannot be had, or is not what was copied there.
            OSError: it cannot be written.
        """
        if self.has(path, file):
            return
        # Several of us may fetch the same.
        temporary = path.with_name(f"{path.name}.{os.getpid()}{_TEMPORARY}")
        try:
            if store.fetch(key, temporary) != file.sha256:
                raise StoreError(f"{key}: the store has other bytes than were put")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        self._size += file.size
        if self._size > self._limit:
            self._shrink(path)

    def _files(self) -> list[tuple[float, int, Path]]:
        """Return when each was used last, its size, and where it is."""
        found = []
        for folder in self._folder.iterdir():
            for path in folder.iterdir() if folder.is_dir() else ():
                with suppress(OSError):
                    status = path.stat()
                    found.append((status.st_mtime, status.st_size, path))
        return found

    def _shrink(self, kept: Path) -> None:
        """Remove files until nine tenths are in use."""
        files = sorted(self._files())
        self._size = sum(size for _, size, _ in files)
        for _, size, path in files:
            if self._size <= self._limit * 9 // 10:
                break
            if path != kept:
                path.unlink(missing_ok=True)
                self._size -= size
