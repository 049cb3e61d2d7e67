"""Keeps the index up to date from the loop without ever making it wait.

Rows are buffered, and one thread writes them in batches. The archive is the truth:
when the index cannot be written for so long that the buffer is full, rows are
dropped and counted, and the index is marked so that a reindex heals it. What a stop or
a kill meets in memory for longer than `LATE` is remembered beside the journal
(`overdue`): the next start has the index rebuilt.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
import trio

from solrecd.events.boots import Boot
from solrecd.events.event import Event
from solrecd.process.stamps import format_stamp
from solrecd.process.threads import Job, in_thread
from solrecd.storage.index import (
    Batch,
    Index,
    SegmentRow,
    is_damage,
    open_or_replace,
    set_aside,
)
from solrecd.storage.index.files import holds_any
from solrecd.storage.index.overdue import Overdue

BUFFER = 50_000
"""Boots, events and segments, each, that may wait; about 50 MB."""

WRITE_INTERVAL = 0.25
"""Seconds between two transactions: one fsync for many rows."""

RETRY_INTERVAL = 5.0
"""Seconds to the next try when the file cannot be written."""

LATE = 2.0
"""Seconds of a transaction after which its rows count as missing, until it ends."""

CLOSE_TIMEOUT = 2.0
"""Seconds that closing the file may take when the daemon is being forced to stop."""

_REBUILT = "the next start has it rebuilt from the archive"
_WRITE = Job("the index", _REBUILT)

log = structlog.get_logger()

Row = TypeVar("Row")
Report = Callable[[str | None], None]
"""Told the reason when writing begins to fail, None when it works again."""


@dataclass(slots=True)
class _Rows:
    """What waits to be written."""

    boots: dict[tuple[str, int], Boot] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=deque)
    segments: deque[SegmentRow] = field(default_factory=deque)
    removed: deque[tuple[str, str]] = field(default_factory=deque)

    def __len__(self) -> int:
        buffers = self.boots, self.events, self.segments, self.removed
        return sum(map(len, buffers))

    def put_before(self, later: _Rows) -> None:
        """Add what came after these rows."""
        self.boots.update(later.boots)
        self.events.extend(later.events)
        self.segments.extend(later.segments)
        self.removed.extend(later.removed)


class IndexSink:
    """A bounded buffer in front of one writer thread."""

    def __init__(
        self,
        path: Path,
        *,
        wall_clock: Callable[[], int],
        report: Report,
        archive: Path | None = None,
        overdue: Overdue | None = None,
        on_replaced: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """Prepare to write ``path``; nothing is opened before `run`.

        Args:
            path: the index file.
            wall_clock: returns a stamp.
            report: told when writing begins to fail and when it works again.
            archive: the archive folder; what it holds already is missing in an index
                that has to be rebuilt.
            overdue: remembers rows that are not in the index yet; None: nothing does.
            on_replaced: told, in a thread, that the index begins again with nothing, or
                that rows of an earlier process are missing.
        """
        self._wall_clock = wall_clock
        self._report = report
        incomplete = archive is not None and holds_any(archive)
        self._file = _File(path, on_replaced, incomplete=incomplete)
        self._limiter = trio.CapacityLimiter(1)
        self._wanted = trio.Event()
        self._closed = trio.Event()
        self._rows = _Rows()
        self._overdue = overdue
        self._missing_since = None if overdue is None else overdue.found
        self._file.is_to_be_rebuilt = self._missing_since is not None
        self._complete_until = wall_clock()
        """Stamp up to which every row is in the file."""
        self._problem: str | None = None
        self.dropped = 0
        """Rows that were dropped because the buffer was full."""

    def offer(
        self,
        events: Iterable[Event] = (),
        boots: Iterable[Boot] = (),
        segments: Iterable[SegmentRow] = (),
    ) -> None:
        """Take rows to be written; never waits, never raises.

        Boots are snapshots: only the last one of each boot is written.
        """
        for boot in boots:
            key = boot.console, boot.boot
            if key in self._rows.boots or len(self._rows.boots) < BUFFER:
                self._rows.boots[key] = boot
            else:
                self._drop()
        self._keep(self._rows.events, events)
        self._keep(self._rows.segments, segments)
        self._wanted.set()

    def forget(self, console: str, segment: str) -> None:
        """Take note that a segment was removed; never waits, never raises."""
        self._keep(self._rows.removed, [(console, segment)])
        self._wanted.set()

    def _keep(self, buffer: deque[Row], rows: Iterable[Row]) -> None:
        for row in rows:
            if len(buffer) < BUFFER:
                buffer.append(row)
            else:
                self._drop()

    def _drop(self, count: int = 1) -> None:
        self.dropped += count
        if self._missing_since is None:
            self._missing_since = self._wall_clock()

    def close(self) -> None:
        """No more rows will come: `run` writes what waits, once, and returns."""
        self._closed.set()
        self._wanted.set()

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Write rows until closed; a file that cannot be written is retried forever.

        Returns when `close` was called and what waited was written, or could not be.
        Nothing that happens to the file is raised: it is reported.
        """
        task_status.started()
        if self._missing_since is not None:
            self._wanted.set()
        try:
            while not self._closed.is_set():
                await self._wanted.wait()
                await self._pause(WRITE_INTERVAL)
                if not await self._write():
                    await self._pause(RETRY_INTERVAL)
            await self._write()
        finally:
            hangs = self._limiter.borrowed_tokens > 0
            if self._rows or hangs:
                self._note_overdue()
            # The last connection's close moves the WAL into the file: worth a moment.
            with trio.move_on_after(0 if hangs else CLOSE_TIMEOUT, shield=True):
                await in_thread(_WRITE, self._file.close, limiter=self._limiter)

    async def _pause(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._closed.wait()

    async def _write(self) -> bool:
        rows, self._rows = self._rows, _Rows()
        self._wanted = trio.Event()
        if not rows and self._missing_since is None:
            return True
        began = self._wall_clock()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._note_when_late)
            error = await self._try_to_write(rows, began)
            nursery.cancel_scope.cancel()
        if error is not None:
            rows.put_before(self._rows)
            self._rows = rows
            self._wanted.set()
            self._note_overdue()
            self._tell(f"{self._file.path}: {error}")
            return False
        self._complete_until = began
        if self._overdue is not None and self._missing_since is None:
            self._overdue.clear()
        self._tell(None)
        return True

    async def _try_to_write(self, rows: _Rows, now: int) -> Exception | None:
        """Write rows; return why they have to be written again."""
        try:
            await in_thread(
                _WRITE,
                self._file.write,
                rows,
                self._missing_since,
                now,
                limiter=self._limiter,
            )
        except (sqlite3.Error, OSError) as error:
            return error
        except Exception:
            # A row that no file takes, now or later; the archive has what it stood for.
            log.exception("index.rows_refused", rows=len(rows))
            self._drop(len(rows))
        else:
            self._missing_since = None
        return None

    async def _note_when_late(self) -> None:
        await trio.sleep(LATE)
        self._note_overdue()

    def _note_overdue(self) -> None:
        if self._overdue is not None:
            since = self._missing_since
            self._overdue.note(self._complete_until if since is None else since)

    def _tell(self, problem: str | None) -> None:
        if problem != self._problem:
            self._problem = problem
            self._report(problem)


class _File:
    """The index file as the writer thread sees it."""

    def __init__(
        self, path: Path, on_replaced: Callable[[str], None], *, incomplete: bool
    ) -> None:
        self.path = path
        self._on_replaced = on_replaced
        self._incomplete = incomplete
        self._index: Index | None = None
        self._identity: tuple[int, int] | None = None
        self.is_to_be_rebuilt = False
        """An earlier process left rows out; told once it is marked."""

    def write(self, rows: _Rows, missing_since: int | None, at: int) -> None:
        """Write rows in one transaction.

        Raises:
            sqlite3.Error: nothing was written; a damaged file is out of the way now.
            OSError: likewise.
        """
        index = self._open(at)
        boots = tuple(rows.boots.values())
        batch = Batch(boots, rows.events, rows.segments, rows.removed)
        try:
            index.write(batch)
            if missing_since is not None:
                index.mark_stale(missing_since)
                self._tell_rebuild()
        except sqlite3.Error as error:
            if is_damage(error):
                self.close()
                set_aside(self.path, _suffix(at))
            raise

    def _tell_rebuild(self) -> None:
        told, self.is_to_be_rebuilt = self.is_to_be_rebuilt, False
        if told:
            self._on_replaced("the last process could not write all of its rows")

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _open(self, at: int) -> Index:
        if self._index is None or self._identity != _identity(self.path):
            # Moved away: a reindex has replaced it, or a person removed it.
            self.close()
            fresh = not self.path.exists()
            opened = open_or_replace(self.path, _suffix(at))
            self._index = opened.index
            self._identity = _identity(self.path)
            if opened.set_aside is not None or (fresh and self._incomplete):
                self._index.mark_stale(0)
                self._on_replaced(f"the old one is now {opened.set_aside}")
            self._incomplete = True
        return self._index


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _suffix(at: int) -> str:
    return format_stamp(at).replace(":", "").replace("-", "")
