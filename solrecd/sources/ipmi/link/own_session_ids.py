"""Which sessions were ours, for a process that inherits nothing else.

A BMC keeps the session of a process that was killed for about a minute, and with it
the console. The next process has to tell this ghost from a person: by its session ID.
The session store knows it too, but may be lost, spoiled, or of another version. So the
IDs, which are not secret, are also in a small file beside the journal: a line for each
session that gets or loses a console. Its modification time says when we last worked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from solrecd.process.plain_files import make_way, open_plain

FILE_NAME: Final = "sessions"
"""Of the file, in the folder of the journal."""

LIFETIME: Final = 90_000_000
"""Microseconds for which a BMC may remember a session without traffic: 60 s by the
specification (IPMI 2.0 §6.12.15), more by those who count slowly. Later the same ID may
be that of a person: BMCs count sessions from 1 again when they restart."""

_MODE: Final = 0o600
SIZE_MAX: Final = 2 << 20
"""Bytes; sessions of 16384 consoles are half of it."""

_Ids = frozenset[int]

log = structlog.get_logger()


class OwnSessionIds:
    """The file; belongs to the event loop. A file that cannot be used is not an error.

    Args:
        path: of the file.
        size_max: bytes; then it is rewritten.
    """

    def __init__(self, path: Path, *, size_max: int = SIZE_MAX) -> None:
        self._path = path
        self._size_max = size_max
        self._size = 0
        self._ours: dict[str, _Ids] = {}
        self._left: dict[str, tuple[_Ids, int]] = {}
        """Of earlier processes: session IDs, and the stamp at which they were seen."""
        aside = make_way(path)
        if aside is not None:
            log.warning("ghosts.set_aside", path=str(path), now=str(aside))
        try:
            self._left = _read(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._complain(error)
        self._rewrite()

    def of(self, console: str, now: int) -> Collection[int]:
        """Return the sessions that a BMC may still have from an earlier process."""
        ids, seen = self._left.get(console, (frozenset(), 0))
        return ids if now - seen < LIFETIME else ()

    def add(self, console: str, session_ids: Collection[int], seen: int) -> None:
        """Learn from elsewhere of a session that an earlier process had."""
        known, before = self._left.get(console, (frozenset(), 0))
        self._left[console] = known | frozenset(session_ids), max(seen, before)

    def note(self, console: str, session_ids: Collection[int]) -> None:
        """Remember that a session of ours has a console."""
        ids = frozenset(session_ids)
        self._left.pop(console, None)
        if self._ours.get(console) != ids:
            self._ours[console] = ids
            self._append(console, ids)

    def forget(self, console: str) -> None:
        """The session that had a console has ended."""
        if self._ours.pop(console, None) is not None:
            self._append(console, frozenset())

    def beat(self) -> None:
        """Note that we work; to be called much more often than each `LIFETIME`."""
        # Who removed the file gets a new one with the next session.
        with suppress(OSError):
            os.utime(self._path)

    def _append(self, console: str, ids: _Ids) -> None:
        if self._size > self._size_max:
            self._rewrite()
            return
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags, _MODE)
            try:
                self._size += os.write(descriptor, _line(console, ids))
            finally:
                os.close(descriptor)
        except OSError as error:
            self._complain(error)

    def _rewrite(self) -> None:
        left = [_line(name, ids, seen) for name, (ids, seen) in self._left.items()]
        ours = [_line(name, ids) for name, ids in self._ours.items()]
        text = b"".join(left + ours)
        early = self._path.with_name(f".{self._path.name}")
        make_way(early)
        try:
            early.touch(_MODE)
            early.write_bytes(text)
            early.replace(self._path)
        except OSError as error:
            self._complain(error)
        self._size = len(text)

    def _complain(self, error: OSError) -> None:
        log.warning("ghosts.not_remembered", path=str(self._path), reason=str(error))


def _line(console: str, ids: _Ids, seen: int | None = None) -> bytes:
    entry = {"console": console, "sessions": sorted(ids), "seen": seen}
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _read(path: Path) -> dict[str, tuple[_Ids, int]]:
    with open_plain(path) as file:
        worked_at = os.fstat(file.fileno()).st_mtime_ns // 1000
        text = file.read(2 * SIZE_MAX)
    found = {}
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            ids = frozenset(int(it) for it in entry["sessions"])
            # A time in the future would make every session ours, permanently.
            seen = min(int(entry["seen"] or worked_at), worked_at)
            found[str(entry["console"])] = ids, seen
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
            # Being written as the process died, or not by us.
            continue
    return {name: (ids, seen) for name, (ids, seen) in found.items() if ids}
