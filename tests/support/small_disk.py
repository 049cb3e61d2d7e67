"""A real file system in memory that can be full, and have room again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.frozen_disk import CannotMountError

_PAGE = 4096


class SmallDisk:
    """A mounted tmpfs.

    Args:
        folder: where it is mounted.
        size: bytes that it has normally.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._size = size

    def fill(self) -> None:
        """Leave no room; what is there stays."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        # Size 0 would mean: without limit.
        self._resize(max(used, _PAGE))

    def empty(self) -> None:
        """Make room again."""
        self._resize(self._size)

    def _resize(self, size: int) -> None:
        options = f"remount,size={size}"
        subprocess.run(["mount", "-o", options, self.folder], check=True)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a tmpfs; it is unmounted in the end.

    Args:
        folder: where; made here if it is missing.
        size: bytes.

    Raises:
        CannotMountError: we may not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CannotMountError(done.stderr.strip())
    try:
        yield SmallDisk(folder, size)
    finally:
        subprocess.run(["umount", folder], check=True)
