"""Closing segments and removing old ones, in a thread of its own.

Each file of a closed segment is compressed to a temporary name, forced to the disk,
renamed, and only then is the original removed: whatever interrupts this leaves a whole
file under one of its names, and the next start goes on from there.
"""

from __future__ import annotations

import enum
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from solrecd.storage.archive.seekable import InterruptedCloseError, compress
from solrecd.storage.archive.vocabulary_file import append, forget
from solrecd.storage.formats.names import KINDS, SegmentName, parse_file_name
from solrecd.storage.formats.retention import (
    Retention,
    StoredSegment,
    choose_evicted,
    choose_expired,
)
from solrecd.storage.formats.vocabulary import FrameWords, SegmentWords, look_at

RETENTION_INTERVAL = 3600.0
"""Seconds between two looks for segments that have grown too old."""

RETRY_INTERVAL = 60.0
"""Seconds until a segment is tried again that could not be closed."""

STEADY = 3600.0
"""Seconds for which the wall clock must not have jumped before anything is too old."""


class SegmentFate(enum.Enum):
    """What became of a segment."""

    BEGUN = "begun"
    ENDED = "ended"
    """Takes no more bytes; it is closed next."""
    CLOSED = "closed"
    """Compressed."""
    REMOVED = "removed"
    """By retention."""
    EVICTED = "evicted"
    """Before its time, because the disk has no room."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which part of a console's stream a segment holds."""

    offset: int
    """Stream offset of its first byte."""
    size: int = 0
    """Bytes, as far as they are known."""
    ended: int | None = None
    """Stamp of its last byte; None while it takes more."""


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """A segment was begun, ended, closed (and compressed), or removed."""

    fate: SegmentFate
    console: str
    name: SegmentName
    extent: Extent | None = None
    """Told of one that was begun or has ended."""


@dataclass(frozen=True, slots=True)
class _Job:
    console: str
    name: SegmentName


class Closer:
    """Compresses closed segments and enforces retention.

    `add` may be called from any thread; `work` by one at a time.

    Args:
        log_dir: holds one folder per console.
        compress: False leaves closed segments as they are, forced to the disk.
        retention: what to keep.
        wall_clock: returns a stamp.
        monotonic: returns seconds.
        steady_for: returns for how many seconds the wall clock has not jumped.
        is_copied: whether a segment may go because there is a copy of it: retention
            waits for that, and so do all later ones of its console.
    """

    def __init__(
        self,
        log_dir: Path,
        *,
        compress: bool,
        retention: Retention,
        wall_clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
        steady_for: Callable[[], float] = lambda: math.inf,
        is_copied: Callable[[str, SegmentName], bool] = lambda _console, _name: True,
    ) -> None:
        self.error: OSError | None = None
        """Why the last `work` left something undone."""
        self._log_dir = log_dir
        self._compress = compress
        self._retention = retention
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._steady_for = steady_for
        self._is_copied = is_copied
        self._queue: deque[_Job] = deque()
        self._failed: list[_Job] = []
        self._retry_at = -math.inf
        self._next_look = -math.inf
        self._stopping = False
        self._room = 0
        """Bytes that have to become free, whatever retention says."""

    def make_room(self, size: int) -> None:
        """Let the next `work` remove the oldest segments until so much is free."""
        self._room = size

    def tidy(self) -> None:
        """Let the next `work` look for what retention does not keep."""
        self._next_look = -math.inf

    def add(self, console: str, name: SegmentName) -> None:
        """Queue a segment that takes no more bytes."""
        self._queue.append(_Job(console, name))

    def stop(self) -> None:
        """Let `work` return soon; what it does not finish waits for the next start."""
        self._stopping = True

    @property
    def due(self) -> bool:
        """Whether `work` has anything to do."""
        now = self._monotonic()
        retry = bool(self._failed) and now >= self._retry_at
        look = now >= self._next_look or self._room > 0
        return bool(self._queue) or retry or look

    def work(self) -> list[SegmentChange]:
        """Close what is queued and remove what has expired; blocks."""
        now = self._monotonic()
        self._next_look = now + RETENTION_INTERVAL
        self.error = None
        if now >= self._retry_at:
            self._queue.extend(self._failed)
            self._failed.clear()
        changes: list[SegmentChange] = []
        while self._queue and not self._stopping:
            changes += self._close(self._queue.popleft())
        if not self._stopping:
            changes += self._remove_expired()
        if self._failed:
            self._retry_at = now + RETRY_INTERVAL
        return changes

    def _close(self, job: _Job) -> Iterator[SegmentChange]:
        folder = self._log_dir / job.console
        try:
            for kind in KINDS:
                self._close_file(folder, job.name, kind)
        except InterruptedCloseError:
            self._queue.append(job)
        except OSError as error:
            self.error = error
            self._failed.append(job)
        else:
            yield SegmentChange(SegmentFate.CLOSED, job.console, job.name)

    def _close_file(self, folder: Path, name: SegmentName, kind: str) -> None:
        source = folder / name.file(kind)
        if not source.is_file():
            return
        if not self._compress:
            _force(source)
            return
        # Also where there is a copy: who knows what became of that one.
        self._pack(folder, name, kind)
        source.unlink()

    def _pack(self, folder: Path, name: SegmentName, kind: str) -> None:
        frames: list[FrameWords] = []
        compress(
            folder / name.file(kind),
            folder / name.file(kind, closed=True),
            lambda: self._stopping,
            (lambda text: frames.append(look_at(text))) if kind == "log" else None,
        )
        _force(folder)
        if frames:
            # Without it a search only takes longer.
            with suppress(OSError):
                append(folder, SegmentWords(str(name), frames))

    def _remove_expired(self) -> Iterator[SegmentChange]:
        room, self._room = self._room, 0
        if self._retention == Retention() and not room:
            return
        stored, running = self._look()
        retention = self._retention
        if retention.age is not None and self._steady_for() < STEADY:
            retention = replace(retention, age=None)
            self._next_look = self._monotonic() + STEADY
        expired = self._allowed(
            choose_expired(stored, running, retention, self._wall_clock())
        )
        yield from self._remove(expired, SegmentFate.REMOVED)
        room -= sum(segment.size for segment in expired)
        kept = set(stored).difference(expired)
        yield from self._remove(choose_evicted(kept, room), SegmentFate.EVICTED)

    def _allowed(self, expired: list[StoredSegment]) -> list[StoredSegment]:
        """Return those of which there is a copy, and of all earlier ones as well."""
        waiting: set[str] = set()
        allowed = []
        for segment in sorted(expired, key=lambda segment: segment.name):
            if segment.console not in waiting:
                if self._is_copied(segment.console, segment.name):
                    allowed.append(segment)
                else:
                    waiting.add(segment.console)
        return sorted(allowed, key=lambda segment: segment.ended)

    def _remove(
        self, segments: list[StoredSegment], fate: SegmentFate
    ) -> Iterator[SegmentChange]:
        for segment in segments:
            try:
                _remove(self._log_dir / segment.console, segment.name)
            except OSError as error:
                self.error = error
            else:
                yield SegmentChange(fate, segment.console, segment.name)
        for console in {segment.console for segment in segments}:
            folder = self._log_dir / console
            stored = {str(segment.name) for segment in _stored_segments(folder)}
            with suppress(OSError):
                forget(folder, stored)

    def _look(self) -> tuple[list[StoredSegment], dict[str, int]]:
        """Return every console's closed segments, and its newest boot's number.

        The newest segment of a console is never among them, be it open or not.
        """
        stored: list[StoredSegment] = []
        running: dict[str, int] = {}
        with suppress(OSError):
            for folder in os.scandir(self._log_dir):
                if folder.is_dir(follow_symlinks=False):
                    segments = _stored_segments(Path(folder.path))
                    newest = max(segments, default=None, key=lambda s: s.name)
                    if newest is not None:
                        running[folder.name] = newest.name.boot
                        segments.remove(newest)
                    stored += segments
        return stored, running


def _stored_segments(folder: Path) -> list[StoredSegment]:
    """List a folder's segments with their sizes and last times."""
    found: dict[SegmentName, StoredSegment] = {}
    with suppress(OSError):
        for entry in os.scandir(folder):
            file = parse_file_name(entry.name)
            if file is None:
                continue
            status = entry.stat(follow_symlinks=False)
            known = found.get(file.segment)
            found[file.segment] = StoredSegment(
                folder.name,
                file.segment,
                max(status.st_mtime_ns // 1000, known.ended if known else 0),
                status.st_size + (known.size if known else 0),
            )
    return list(found.values())


def _remove(folder: Path, name: SegmentName) -> None:
    """Remove a segment's files, the text last: it is what people find it by."""
    for kind in KINDS:
        for closed in (True, False):
            (folder / name.file(kind, closed=closed)).unlink(missing_ok=True)


def _force(path: Path) -> None:
    """Force a file, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
