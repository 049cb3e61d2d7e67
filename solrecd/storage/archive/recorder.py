"""One console's archive: from what the loop hands over to its segments' files.

The loop only appends to `Recorder.inbox`; everything else happens in the writer
thread. A drain first *plans* (what belongs into which segment: `Planner`; cannot fail),
then *flushes* (may fail, is repeated, and only its success gives the journal its room
back).
"""

from __future__ import annotations

import errno
from pathlib import Path

import structlog

from solrecd.storage.archive.files import SegmentLostError
from solrecd.storage.archive.planner import Planner
from solrecd.storage.archive.poison import Poison
from solrecd.storage.archive.segment import Segment
from solrecd.storage.archive.segment_types import Batch, Resume, Shared, SpoolStream
from solrecd.storage.formats.recovered import JournalNote

log = structlog.get_logger()

FIRST_RETRY = 0.25
LAST_RETRY = 5.0
"""Seconds between attempts to write to a disk that refuses, doubled up to here."""


class Recorder:
    """One console's archive (writer thread, except `inbox` and the counters' owners).

    Args:
        folder: of this console.
        stream: its part of the journal.
        shared: what all recorders have in common.
        resume: where to go on.
    """

    def __init__(
        self,
        console: str,
        folder: Path,
        stream: SpoolStream,
        shared: Shared,
        resume: Resume,
    ) -> None:
        self.console = console
        self.folder = folder
        self.stream = stream
        self.inbox: list[Batch | JournalNote] = []
        """Filled by the loop, emptied by the writer thread; both ends are atomic."""
        self.queued = False
        """Whether it waits for the writer thread's next drain."""
        self.offered = 0
        """Cost of everything ever put into the inbox, bytes; the loop's."""
        self.drained = 0
        """The part of it that is in the files; the writer thread's."""
        self.error: OSError | None = None
        self.inspected_at = 0.0
        """When its files were looked at last (monotonic)."""
        self._poison = Poison(shared.files, folder)
        self._planner = Planner(console, folder, shared, resume, self._poison)
        self.segments = self._planner.segments
        self.begun = self._planner.begun
        """Segments begun since `drain` was last called."""
        self.losses = self._planner.losses
        """What was found missing since `drain` was last called."""
        self.finished: list[Segment] = []
        """Segments complete and closed since `drain` was last called."""
        self._shared = shared
        self._released = -1
        self._retry_at = 0.0
        self._retry_delay = FIRST_RETRY

    @property
    def backlog(self) -> int:
        """Estimated bytes of memory that wait for the disk."""
        return self.offered - self.drained

    def drain(self, now: float, *, force: bool = False) -> None:
        """Write what has been handed over since the last call.

        Args:
            now: monotonic seconds.
            force: try even when the disk refused a moment ago.
        """
        offered = self.offered
        if self.inbox:
            self._planner.plan(self._take_inbox())
        if not self.is_dirty:
            self.drained = offered
            return
        if now < self._retry_at and not force:
            return
        try:
            self._flush()
        except OSError as error:
            self._back_off(error, now)
        except Exception as error:
            log.exception("archive.crashed", console=self.console)
            bug = OSError(errno.EIO, f"a bug in solrecd: {error!r}")
            self._back_off(bug, now)
        else:
            self.error, self._retry_at, self._retry_delay = None, 0.0, FIRST_RETRY
            self.drained = offered

    def inspect(self, now: float) -> None:
        """Begin a new part where someone moved, removed or cut a file of the open one.

        Args:
            now: monotonic seconds.
        """
        self.inspected_at = now
        if not self.segments:
            return
        try:
            self.segments[0].inspect()
        except SegmentLostError as lost:
            self._planner.replace(self.segments[0], lost)
        except OSError as error:
            self._back_off(error, now)
        else:
            self.error = self.error if self.is_dirty else None

    def close(self) -> None:
        """Close the files; the open segment stays open for the next start."""
        for segment in self.segments:
            segment.close()

    @property
    def is_dirty(self) -> bool:
        """Whether anything is not in the files, or not forced to the disk as asked."""
        if self._poison.pending:
            return True
        if not self.segments:
            return False
        last = self.segments[-1]
        return len(self.segments) > 1 or last.pending or last.end > self._released

    def _back_off(self, error: OSError, now: float) -> None:
        """Keep everything, and come back with fresh descriptors.

        A remounted or replaced file system leaves the old ones useless.
        """
        self.error = error
        self._retry_at = now + self._retry_delay
        self._retry_delay = min(self._retry_delay * 2, LAST_RETRY)
        self.close()

    def _take_inbox(self) -> list[Batch]:
        batches = []
        items = self.inbox[:]
        # What the loop adds meanwhile stays.
        del self.inbox[: len(items)]
        for item in items:
            if isinstance(item, JournalNote):
                self._planner.add_note(item)
            else:
                batches.append(item)
        return batches

    def _flush(self) -> None:
        self._poison.flush()
        while self.segments:
            segment = self.segments[0]
            try:
                segment.flush()
            except SegmentLostError as lost:
                self._planner.replace(segment, lost)
                continue
            if self._shared.sync_each_drain:
                segment.sync()
            self.stream.release(segment.end)
            self._released = segment.end
            if len(self.segments) == 1:
                return
            # The next one's header is on disk before this one can be compressed: a
            # start always finds an open segment, and with it the stream offset.
            self.segments[1].open()
            segment.close()
            self.segments.pop(0)
            self.finished.append(segment)
