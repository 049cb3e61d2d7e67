"""The end of a console's text and what is appended to it, without a daemon.

`Follower.new` yields whole lines only: the recorder rewrites an unfinished line in
place. `Follower.unfinished` is that line as it stands.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from solrecd.process.plain_files import open_plain
from solrecd.storage.history.text import MAX_LINE, TextLine, parse_line

CURRENT = "current.log"
"""The recorder's link to the open segment's text."""

STEP = 64 * 1024
"""Bytes read at once, also backwards from the end."""


class Follower:
    """Reads one console's ``current.log`` and goes on when a new segment begins."""

    def __init__(self, folder: Path) -> None:
        """Open nothing yet; the folder may come later."""
        self._link = folder / CURRENT
        self._file: BinaryIO | None = None
        self._identity: tuple[int, int] | None = None
        self._rest = b""

    def last(self, count: int) -> list[TextLine]:
        """Return the last lines of the open segment; `new` goes on behind them."""
        self._open()
        if self._file is None:
            return []
        size = self._file.seek(0, os.SEEK_END)
        text = b""
        while size > 0 and text.count(b"\n") <= count:
            step = min(STEP, size)
            size -= step
            self._file.seek(size)
            text = self._file.read(step) + text
        self._file.seek(size + len(text))
        *lines, self._rest = text.split(b"\n")
        return [parse_line(line) for line in deque(lines, count)]

    def new(self) -> Iterator[TextLine]:
        """Yield the lines that were finished since; does not wait for any."""
        yield from self._grown()
        if self._identity != self._current():
            # The rest of the old segment was read just now; the new one follows it.
            self.close()
            self._open()
            yield from self._grown()

    @property
    def unfinished(self) -> TextLine | None:
        """The line that had no end yet when the file was read last."""
        line = parse_line(self._rest[:MAX_LINE])
        # Half a stamp is not a line: the recorder was just writing it.
        return line if line.time and line.text else None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file, self._rest = None, b""

    def _open(self) -> None:
        self._identity = self._current()
        try:
            self._file = open_plain(self._link)
        except OSError:
            self._file = None

    def _current(self) -> tuple[int, int] | None:
        try:
            found = self._link.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _grown(self) -> Iterator[TextLine]:
        if self._file is None:
            return
        # The unfinished line may have been rewritten: it is read again as a whole.
        self._file.seek(-len(self._rest), os.SEEK_CUR)
        self._rest = b""
        while block := self._file.read(STEP):
            *lines, self._rest = (self._rest + block).split(b"\n")
            yield from map(parse_line, lines)
