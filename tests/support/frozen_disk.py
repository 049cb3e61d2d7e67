"""A real file system that can be frozen: what writes to it hangs in the kernel.

What a dead NFS server or a lost SAN path does: the writing thread sleeps in state D,
where no signal reaches it, until the file system is thawed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE = 64 << 20
"""Bytes of the file system, unless another size is asked for."""

_PIECE = 4096

_FILLER = ".filler"


class FrozenDisk:
    """A mounted file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_frozen = False

    def freeze(self) -> None:
        """Let every writer hang from now on."""
        subprocess.run(["fsfreeze", "--freeze", self.folder], check=True)
        self.is_frozen = True

    def fill(self) -> None:
        """Leave no room; what is there stays."""
        room = os.statvfs(self.folder)
        with (self.folder / _FILLER).open("wb", buffering=0) as file:
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, room.f_bfree * room.f_frsize)
            file.seek(0, os.SEEK_END)
            with suppress(OSError):
                while True:
                    file.write(bytes(_PIECE))

    def empty(self) -> None:
        """Make room again."""
        (self.folder / _FILLER).unlink(missing_ok=True)

    def thaw(self) -> None:
        """Let what hangs go on."""
        if self.is_frozen:
            subprocess.run(["fsfreeze", "--unfreeze", self.folder], check=True)
            self.is_frozen = False


class CannotMountError(Exception):
    """This machine does not let us make a file system; the text says why."""


@contextmanager
def frozen_disk(folder: Path, size: int = SIZE) -> Iterator[FrozenDisk]:
    """Mount a fresh file system; it is thawed and unmounted in the end.

    Args:
        folder: where; made here.
        size: bytes.

    Raises:
        CannotMountError: no root, no loop devices, or no tools.
    """
    image = folder.with_suffix(".img")
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    try:
        _run("mkfs.ext4", "-q", "-F", image)
        _run("mount", "-o", "loop", image, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMountError(str(error)) from error
    disk = FrozenDisk(folder)
    try:
        yield disk
    finally:
        disk.thaw()
        subprocess.run(["umount", folder], check=True)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)
