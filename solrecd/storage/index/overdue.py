"""Remembers, outside the index, that rows may be missing in it.

Rows that the index does not take wait in memory, and are lost with the process: killed,
or stopped while the disk hangs. The index cannot be marked then, so a small file beside
the journal is, on a file system in memory that neither hangs nor goes away with us. The
next start marks the index with it, which has it rebuilt from the archive.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from solrecd.process.plain_files import make_way, read_plain
from solrecd.process.stamps import format_stamp, parse_stamp

FILE_NAME = "index-overdue"

_MODE = 0o600

log = structlog.get_logger()


class Overdue:
    """One such file; belongs to the event loop.

    Args:
        path: of the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_noted = False
        self.found = self._read()
        """Stamp since when rows may be missing, left by an earlier process; or None."""

    def _read(self) -> int | None:
        make_way(self._path)
        try:
            text = read_plain(self._path).decode()
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return 0
        self._is_noted = True
        try:
            return parse_stamp(text.strip())
        except ValueError:
            return 0

    def note(self, since: int) -> None:
        """Note that rows since a stamp are not in the index; the first stamp counts."""
        if self._is_noted:
            return
        try:
            self._path.touch(_MODE)
            self._path.write_text(format_stamp(since) + "\n")
            self._is_noted = True
        except OSError as error:
            reason = f"{self._path}: {error.strerror or error}"
            log.warning("index.overdue_not_noted", reason=reason)

    def clear(self) -> None:
        """Everything is in the index, or the index itself says what is not."""
        if self._is_noted:
            self._is_noted = False
            self._path.unlink(missing_ok=True)
