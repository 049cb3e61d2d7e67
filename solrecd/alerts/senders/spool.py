"""A queue on the disk: a file for each notice, so that no kill loses one.

A file is written under another name, forced to the disk and then renamed: it is there
as a whole or not at all, and one that a failing disk tore is known by its checksum.
Names are in the order in which the notices came. Where the disk takes nothing, notices
wait in memory. Everything here blocks: it is for a thread, one at a time.
"""

from __future__ import annotations

import os
import time
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from solrecd.alerts.payload import Envelope
from solrecd.process.plain_files import read_plain

NOTICES: Final = 10_000
"""Files in a folder, of any size: more make every listing of it slow."""

_HEAD: Final = 10
"""Bytes of a file before what the checksum covers, and one at least of that."""

_SUFFIX: Final = ".notice"
_UNFINISHED: Final = ".new"


@dataclass(slots=True)
class _Waiting:
    name: str
    size: int
    content: Envelope | None = field(default=None, repr=False)
    """Where the disk did not take it."""


class Spool:
    """A bounded queue on the disk.

    Args:
        folder: made when it is needed.
        limit: bytes; the oldest notices go when there are more.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._size = 0
        self._last = 0
        self.dropped = 0
        """Notices that had to go, and files that could not be read."""
        self.problem: str | None = None
        """Why the disk does not take notices, while it does not."""

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self) -> None:
        """Find what an earlier daemon left."""
        try:
            names = sorted(os.listdir(self._folder))  # noqa: PTH208 - no paths needed
        except FileNotFoundError:
            return
        except OSError as error:
            self._tell(error)
            return
        for name in names:
            try:
                self._find(name)
            except OSError as error:
                self._tell(error)

    def _tell(self, error: OSError) -> None:
        self.problem = f"{self._folder}: {error.strerror or error}"

    def _find(self, name: str) -> None:
        path = self._folder / name
        if name.endswith(_UNFINISHED):
            path.unlink(missing_ok=True)
        elif name.endswith(_SUFFIX):
            self._add(_Waiting(name, path.stat().st_size))
            self._last = max(self._last, _number(name))

    def put(self, content: Envelope) -> None:
        """Add a notice; where the disk does not take it, it waits in memory."""
        self._last = max(self._last + 1, time.time_ns())
        data = _encode(content)
        waiting = _Waiting(f"{self._last:020d}{_SUFFIX}", len(data))
        try:
            self._write(waiting.name, data)
        except OSError as error:
            self._tell(error)
            waiting.content = content
        else:
            self.problem = None
        self._add(waiting)

    def first(self) -> Envelope | None:
        """Return the oldest notice; None when there is none."""
        while self._waiting:
            found = self._read(self._waiting[0])
            if found is not None:
                return found
            self.dropped += 1
            self.remove_first()
        return None

    def remove_first(self) -> None:
        """Forget the oldest notice: it was delivered, or never will be."""
        if self._waiting:
            gone = self._waiting.popleft()
            self._size -= gone.size
            if gone.content is None:
                # Where the disk refuses, it is delivered once more after a restart.
                with suppress(OSError):
                    (self._folder / gone.name).unlink(missing_ok=True)

    def _add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._size += waiting.size
        while len(self) > 1 and (self._size > self._limit or len(self) > NOTICES):
            self.remove_first()
            self.dropped += 1

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        path = self._folder / name
        unfinished = path.with_suffix(_UNFINISHED)
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)

    def _read(self, waiting: _Waiting) -> Envelope | None:
        if waiting.content is not None:
            return waiting.content
        try:
            return _decode(read_plain(self._folder / waiting.name))
        except (OSError, ValueError):
            return None


def _encode(content: Envelope) -> bytes:
    head = f"{content.id} {content.console}\n".encode()
    checksum = zlib.crc32(head + content.body)
    return b"%08x " % checksum + head + content.body


def _decode(data: bytes) -> Envelope:
    """Return a notice.

    Raises:
        ValueError: the file is damaged.
    """
    # The length too: of nothing the checksum is 0, and so is its torn text.
    if len(data) < _HEAD or int(data[:8], 16) != zlib.crc32(data[9:]):
        raise ValueError("torn")
    head, _, body = data[9:].partition(b"\n")
    id_, _, console = head.decode().partition(" ")
    return Envelope(id_, console, body)


def _number(name: str) -> int:
    digits = name.removesuffix(_SUFFIX)
    return int(digits) if digits.isascii() and digits.isdecimal() else 0
