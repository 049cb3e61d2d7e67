"""The consoles on one file system, and what is done about them in threads.

A disk that hangs holds each thread that touches it in the kernel, for minutes or
without end. So every file system has threads of its own: when one hangs, the consoles
on it wait, and their bytes in the journal; those on others do not notice.
"""

from __future__ import annotations

import enum
import errno
import math
import threading
from collections import deque
from collections.abc import Sequence

import trio

from solrecd.storage.archive.closer import Closer, Extent, SegmentChange, SegmentFate
from solrecd.storage.archive.recorder import Recorder
from solrecd.storage.archive.segment import Segment
from solrecd.storage.archive.segment_types import ArchiveLoss, ArchiveTrouble, Batch
from solrecd.storage.formats.recovered import JournalNote

INSPECTION = 2.5
"""Seconds between two looks at the files of a console that prints; with a drain that is
under way, what someone did to one is noticed within five."""

AT_ONCE = 64
"""Consoles whose files are looked at each time, though they print nothing."""

ROUNDS = 24
"""Times until those of all have been looked at, where there are more: a minute. It
costs three system calls a console, and nearly all of a fleet is silent for months."""


class Work(enum.Enum):
    """What can go wrong independently of the rest."""

    WRITING = enum.auto()
    SYNCING = enum.auto()
    CLOSING = enum.auto()


class Reports:
    """What threads have to tell: taken by the loop, each trouble once per change."""

    def __init__(self) -> None:
        self.news: deque[ArchiveTrouble | ArchiveLoss | SegmentChange] = deque()
        self._told: dict[tuple[Work, str], int | None] = {}
        """Errno last told; each kind of work, and so each thread, has its own keys."""

    def trouble(self, work: Work, console: str, error: OSError | None) -> None:
        """Tell an error once, and its end."""
        code = error.errno if error else None
        if code != self._told.get((work, console)):
            self._told[work, console] = code
            self.news.append(ArchiveTrouble(console, error))


class Lane:
    """The consoles on one file system.

    `put`, `leave` and `wanted` belong to the event loop, `drain` to the lane's writer
    thread, `sync` to its syncing thread.

    Args:
        reports: where threads leave what they have to tell.
        closer: takes finished segments.
    """

    def __init__(self, reports: Reports, closer: Closer) -> None:
        self.recorders: dict[str, Recorder] = {}
        self.lock = threading.Lock()
        """Held while files are written; `ArchiveSink.open_console` takes it, too."""
        self.wanted = trio.Event()
        """Something waits for `drain`."""
        self.is_served = False
        """A task drains it."""
        self._reports = reports
        self._closer = closer
        self._leaving: deque[Recorder] = deque()
        self._busy: deque[Recorder] = deque()
        """Those with something to write: the loop adds, the writer thread takes."""
        self._inspect_at = 0.0
        """When to look at files again (monotonic)."""
        self._inspected = 0
        """Consoles looked at in this round."""
        self._offered = 0
        """Cost of everything ever put, bytes; the loop's."""
        self._drained = 0
        """The part of it that needs no memory any more; of who holds the lock."""

    @property
    def backlog(self) -> int:
        """Estimated bytes of memory that wait for the disk, of all its consoles."""
        return self._offered - self._drained

    @property
    def unfinished(self) -> bool:
        """Whether a disk refused something that it will be asked again."""
        return bool(self._busy or self._leaving)

    def put(self, recorder: Recorder, item: Batch | JournalNote, cost: int) -> None:
        """Hand something to a recorder of this lane.

        Args:
            recorder: of a console.
            item: what is to be written.
            cost: of keeping it until then, bytes of memory.
        """
        recorder.offered += cost
        self._offered += cost
        recorder.inbox.append(item)
        # The item first: should the writer thread take the recorder between the two
        # lines, it takes the item as well.
        if not recorder.queued:
            recorder.queued = True
            self._busy.append(recorder)
        self.wanted.set()

    def leave(self, console: str) -> None:
        """Write what is left of a console, then close its files."""
        self._leaving.append(self.recorders.pop(console))
        self.wanted.set()

    def knows(self, console: str) -> bool:
        """Whether a console is here, or still leaving."""
        leaving = tuple(self._leaving)
        return console in self.recorders or any(r.console == console for r in leaving)

    def settle(self, console: str) -> None:
        """Forget a console that is about to be opened again; the lock is held.

        What its files have not got is read back from the journal.
        """
        leaving = [r for r in self._leaving if r.console == console]
        known = self.recorders.pop(console, None)
        for recorder in [*leaving, *([known] if known else [])]:
            self._drain(recorder, 0.0, force=True)
            self._drained += recorder.backlog
            recorder.close()
        for recorder in leaving:
            self._leaving.remove(recorder)

    def drain(self, now: float, *, force: bool = False) -> None:
        """Write everything that was handed over; blocks.

        Args:
            now: monotonic seconds; a disk that refused is left alone for a while.
            force: ask it all the same.
        """
        with self.lock:
            self._inspect(now)
            for _ in range(len(self._busy)):
                recorder = self._busy.popleft()
                recorder.queued = False
                if now - recorder.inspected_at >= INSPECTION:
                    recorder.inspect(now)
                self._drain(recorder, now, force=force)
                if recorder.is_dirty and not recorder.queued:
                    recorder.queued = True
                    self._busy.append(recorder)
            for _ in range(len(self._leaving)):
                recorder = self._leaving.popleft()
                self._drain(recorder, now, force=force)
                if recorder.error is None:
                    recorder.close()
                else:
                    self._leaving.append(recorder)

    def _inspect(self, now: float) -> None:
        """Now and then, look whether someone took files away that are being written."""
        if now < self._inspect_at:
            return
        self._inspect_at = now + INSPECTION
        for recorder in self._turn():
            recorder.inspect(now)
            if recorder.is_dirty and not recorder.queued:
                recorder.queued = True
                self._busy.append(recorder)
            else:
                self._reports.trouble(Work.WRITING, recorder.console, recorder.error)

    def _turn(self) -> Sequence[Recorder]:
        """Return those whose turn it is to be looked at."""
        recorders = list(self.recorders.values())
        count = max(AT_ONCE, math.ceil(len(recorders) / ROUNDS))
        begin = self._inspected if self._inspected < len(recorders) else 0
        self._inspected = begin + count
        return recorders[begin : begin + count]

    def finish(self) -> None:
        """Write everything, force it to the disk, and close the files; blocks."""
        self.drain(0.0, force=True)
        self.sync()
        with self.lock:
            for recorder in self.recorders.values():
                recorder.close()

    def sync(self) -> None:
        """Force what is in the files to the disk; blocks."""
        for recorder in list(self.recorders.values()):
            for segment in list(recorder.segments):
                if segment.synced < segment.confirmed:
                    self._sync(recorder.console, segment)

    def _drain(self, recorder: Recorder, now: float, *, force: bool) -> None:
        before = recorder.drained
        recorder.drain(now, force=force)
        self._drained += recorder.drained - before
        if recorder.begun or recorder.finished:
            self._report_segments(recorder)
        self._reports.news.extend(recorder.losses)
        recorder.losses.clear()
        self._reports.trouble(Work.WRITING, recorder.console, recorder.error)

    def _report_segments(self, recorder: Recorder) -> None:
        console, news = recorder.console, self._reports.news
        for segment in recorder.begun:
            extent = Extent(segment.offset)
            begun = SegmentChange(SegmentFate.BEGUN, console, segment.name, extent)
            news.append(begun)
        for segment in recorder.finished:
            extent = Extent(segment.offset, segment.size, segment.stamp)
            ended = SegmentChange(SegmentFate.ENDED, console, segment.name, extent)
            news.append(ended)
            self._closer.add(console, segment.name)
        recorder.begun.clear()
        recorder.finished.clear()

    def _sync(self, console: str, segment: Segment) -> None:
        try:
            segment.sync()
        except OSError as error:
            # The writer thread has closed it meanwhile; the closer forces it then.
            if error.errno != errno.EBADF:
                self._reports.trouble(Work.SYNCING, console, error)
        else:
            self._reports.trouble(Work.SYNCING, console, None)
