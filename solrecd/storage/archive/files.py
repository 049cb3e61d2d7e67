"""The writer's files: append, retry, and the seam where tests put a broken disk.

Nothing that was handed over is dropped by an error: what is not yet in a file stays
in memory (and in the journal) until a later `flush` gets it out.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from solrecd.process.plain_files import set_aside

DIRECTORY_MODE = 0o2750
"""Operators' group reads, new files inherit it."""

FILE_MODE = 0o640


class SegmentLostError(Exception):
    """A file that is being written was removed, replaced or cut short by someone."""

    def __init__(self, path: Path, what: str, count: int = 0) -> None:
        super().__init__(f"{path.name} {what}")
        self.path = path
        self.count = count
        """Bytes that are gone with certainty."""


class Found(NamedTuple):
    """Which file it is, and how large."""

    device: int
    inode: int
    size: int
    """Bytes."""


class FileSystem(Protocol):
    """What the writer asks of the operating system; all may raise OSError."""

    def device(self, folder: Path) -> int:
        """Return the number of the file system where a folder is, or will be."""
        ...

    def make_folder(self, path: Path) -> None:
        """Make a folder with `DIRECTORY_MODE`; it may exist."""
        ...

    def open(self, path: Path, *, create: bool) -> int:
        """Open a file for appending; return a descriptor."""
        ...

    def size(self, descriptor: int) -> int:
        """Return an open file's size, bytes."""
        ...

    def is_linked(self, descriptor: int) -> bool:
        """Whether an open file still has a name."""
        ...

    def found(self, file: Path | int) -> Found:
        """Return what is under a name, or behind a descriptor."""
        ...

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut an open file."""
        ...

    def write(self, descriptor: int, data: bytes) -> int:
        """Append; return how many bytes were taken."""
        ...

    def sync(self, descriptor: int) -> None:
        """Force an open file to the disk."""
        ...

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        ...

    def link(self, path: Path, target: str) -> None:
        """Make or replace a symbolic link, atomically."""
        ...


class OsFileSystem:
    """The real one."""

    def device(self, folder: Path) -> int:
        """Return the number of the file system where a folder is, or will be."""
        while not folder.exists():
            folder = folder.parent
        return folder.stat().st_dev

    def make_folder(self, path: Path) -> None:
        """Make a folder with `DIRECTORY_MODE`; it may exist."""
        try:
            path.mkdir(DIRECTORY_MODE & 0o777)
        except FileExistsError:
            return
        # mkdir ignores the set-group-ID bit, and the umask must not decide. Under
        # RestrictSUIDSGID= we may not ask for that bit: there it comes down from the
        # folder above, and goes if a chmod does not name it.
        if path.stat().st_mode & 0o7777 != DIRECTORY_MODE:
            with suppress(PermissionError):
                path.chmod(DIRECTORY_MODE)

    def open(self, path: Path, *, create: bool) -> int:
        """Open a file for appending; return a descriptor."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        if not create:
            return os.open(path, flags)
        descriptor = os.open(path, flags | os.O_CREAT, FILE_MODE)
        os.fchmod(descriptor, FILE_MODE)
        return descriptor

    def size(self, descriptor: int) -> int:
        """Return an open file's size, bytes."""
        return os.fstat(descriptor).st_size

    def found(self, file: Path | int) -> Found:
        """Return what is under a name, or behind a descriptor."""
        status = os.stat(file)  # noqa: PTH116 - a descriptor has no Path
        return Found(status.st_dev, status.st_ino, status.st_size)

    def is_linked(self, descriptor: int) -> bool:
        """Whether an open file still has a name."""
        return os.fstat(descriptor).st_nlink > 0

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut an open file."""
        os.ftruncate(descriptor, size)

    def write(self, descriptor: int, data: bytes) -> int:
        """Append; return how many bytes were taken."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Force an open file's data and size to the disk."""
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def link(self, path: Path, target: str) -> None:
        """Make or replace a symbolic link, atomically."""
        with suppress(OSError):
            # After a restart it most often is what it should be.
            if os.readlink(path) == target:  # noqa: PTH115 - no Path for each
                return
        temporary = path.with_name(f".{path.name}.new")
        for name in (path, temporary):
            if name.is_dir() and not name.is_symlink():
                set_aside(name)
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(path)


class GrowingFile:
    """A file that only grows, and what waits to be written to it.

    Args:
        size: bytes of the file that count; more than that is cut off when it is
            opened (a torn end, or what a failed write left behind).
    """

    __slots__ = ("_descriptor", "_files", "_pending", "path", "size")

    def __init__(self, files: FileSystem, path: Path, size: int = 0) -> None:
        self._files = files
        self._descriptor = -1
        self._pending: list[bytes] = []
        self.path = path
        self.size = size
        """Bytes known to be in the file."""

    def add(self, data: bytes) -> None:
        """Append later."""
        if data:
            self._pending.append(data)

    @property
    def pending(self) -> bool:
        """Whether anything is not yet in the file."""
        return bool(self._pending)

    @property
    def descriptor(self) -> int:
        """The open file; -1 while it is closed."""
        return self._descriptor

    def flush(self) -> None:
        """Write what waits; what cannot be written goes on waiting.

        Raises:
            OSError: the disk refuses.
            SegmentLostError: the file is not what was written.
        """
        if not self._pending:
            return
        self.open()
        while self._pending:
            data = b"".join(self._pending)
            self._pending = [data]
            # A short write is asked again, which tells its reason.
            written = self._write(data)
            self._pending = [data[written:]] if written < len(data) else []

    def open(self) -> None:
        """Open the file unless it is open, and cut off what does not count."""
        if self._descriptor >= 0:
            return
        try:
            descriptor = self._files.open(self.path, create=self.size == 0)
        except FileNotFoundError as error:
            if self.size and self.path.parent.parent.is_dir():
                raise SegmentLostError(self.path, "was removed", self.size) from error
            raise
        try:
            self._settle(descriptor)
        except BaseException:
            self._files.close(descriptor)
            raise
        self._descriptor = descriptor

    def check(self) -> None:
        """Notice that someone removed the open file.

        Raises:
            SegmentLostError: it has no name any more.
        """
        if self._descriptor >= 0 and not self._files.is_linked(self._descriptor):
            raise SegmentLostError(self.path, "was removed", self.size)

    def inspect(self) -> None:
        """See that the file is still under its name, with all that was written.

        Raises:
            SegmentLostError: it is not, or not whole.
            OSError: it is unknown: the disk refuses, or the log folder is not there.
        """
        if not self.size and self._descriptor < 0:
            return
        try:
            named = self._files.found(self.path)
        except FileNotFoundError:
            # Where the folder of all consoles is gone, too, it is the disk's trouble.
            self._files.found(self.path.parent.parent)
            raise self._missing() from None
        opened = named
        if self._descriptor >= 0:
            opened = self._files.found(self._descriptor)
        if (named.device, named.inode) != (opened.device, opened.inode):
            raise SegmentLostError(self.path, "was replaced")
        if named.size < self.size:
            raise self._shorter(named.size)

    def _missing(self) -> SegmentLostError:
        if self._descriptor >= 0 and self._files.is_linked(self._descriptor):
            return SegmentLostError(self.path, "was moved away")
        return SegmentLostError(self.path, "was removed", self.size)

    def _shorter(self, size: int) -> SegmentLostError:
        lost = self.size - size
        return SegmentLostError(self.path, f"lost {lost} bytes", lost)

    def close(self) -> None:
        """Close the file; what waits goes on waiting."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._files.close(descriptor)

    def sync(self) -> None:
        """Force the file to the disk, if it is open."""
        if self._descriptor >= 0:
            self._files.sync(self._descriptor)

    def _settle(self, descriptor: int) -> None:
        found = self._files.size(descriptor)
        if found < self.size:
            raise self._shorter(found)
        if found > self.size:
            self._files.truncate(descriptor, self.size)

    def _write(self, data: bytes) -> int:
        written = self._files.write(self._descriptor, data)
        self.size += written
        return written


class TextFile(GrowingFile):
    """A log: whole lines, then a loose end that may still change.

    The loose end is the unfinished line and what was noted meanwhile. When the line
    goes on as it was written the rest is appended; otherwise the file is cut back to
    where the line begins, and the line is written again.
    """

    __slots__ = ("_loose", "_solid", "_wanted")

    def __init__(self, files: FileSystem, path: Path, size: int = 0) -> None:
        super().__init__(files, path, size)
        self._solid: list[bytes] = []
        self._loose = b""
        """What the file holds behind its whole lines."""
        self._wanted = b""
        """What it should hold there, once `_solid` is written."""

    def add(self, data: bytes) -> None:
        """Append whole lines later."""
        if data:
            self._solid.append(data)

    def end_with(self, loose: bytes) -> None:
        """Let the file end with this, until more is added."""
        self._wanted = loose

    def take_over(self, lost: TextFile) -> None:
        """Add what another file, now lost, was still to be given."""
        self._solid += lost._solid
        self._wanted = lost._wanted

    @property
    def pending(self) -> bool:
        """Whether the file differs from what it should hold."""
        return bool(self._solid) or self._loose != self._wanted

    @property
    def solid_size(self) -> int:
        """Bytes of whole lines once everything is written."""
        return self.size - len(self._loose) + sum(map(len, self._solid))

    def flush(self) -> None:
        """Make the file hold what it should.

        Raises:
            OSError: the disk refuses; the next call goes on from there.
            SegmentLostError: the file is not what was written.
        """
        if not self.pending:
            return
        self.open()
        solid = b"".join(self._solid)
        self._solid = [solid] if solid else []
        content = solid + self._wanted
        if not content.startswith(self._loose):
            self._cut_back()
        while len(self._loose) < len(content):
            rest = content[len(self._loose) :]
            self._loose += rest[: self._write(rest)]
        self._solid = []
        self._loose = self._wanted

    def _cut_back(self) -> None:
        size = self.size - len(self._loose)
        self._files.truncate(self._descriptor, size)
        self.size = size
        self._loose = b""
