"""The archive: every console's bytes, timing and text, drained from the journal.

The loop hands over (`ArchiveSink.offer`, `note`), which only appends to a list. Soon
after, a writer thread turns that into one write per console and file and gives the
journal its room back; it looks at consoles that have something to write, no others.
A second thread forces files to the disk: it cannot delay a drain. Both exist once per
file system (`solrecd.storage.archive.lane`), so that one that hangs delays its own
consoles only. One more thread compresses closed segments and enforces retention.

Bounded memory: what waits for a disk that refuses is bounded by the journal, which
takes nothing once it, a console's part of it, or `CONSOLE_BACKLOG` is used up.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from tempfile import TemporaryFile

import structlog
import trio

from solrecd.events.lines import Chunk
from solrecd.events.reading import Reading
from solrecd.process.clock import Clock
from solrecd.process.threads import Job, in_thread
from solrecd.process.upkeep import keep_up
from solrecd.storage.archive.closer import Closer, SegmentChange
from solrecd.storage.archive.files import FileSystem, OsFileSystem
from solrecd.storage.archive.lane import INSPECTION, Lane, Reports, Work
from solrecd.storage.archive.opening import Opener
from solrecd.storage.archive.recorder import Recorder
from solrecd.storage.archive.segment_types import (
    ArchiveError,
    ArchiveLoss,
    ArchiveOptions,
    ArchiveTrouble,
    Batch,
    OpenedConsole,
    Shared,
    Spool,
    options_of,
)
from solrecd.storage.formats.recovered import JournalNote

__all__ = [
    "GATHER",
    "RETRY",
    "ArchiveError",
    "ArchiveLoss",
    "ArchiveOptions",
    "ArchiveSink",
    "ArchiveTrouble",
    "OpenedConsole",
    "Spool",
    "options_of",
]

log = structlog.get_logger()

GATHER = 0.02
"""Seconds from the first hand-over to the drain, so that one drain serves many."""

RETRY = 0.25
"""Seconds between two looks at consoles whose disk refused."""

CONSOLE_BACKLOG = 32 << 20
"""Bytes of memory that may wait for one console's files. The journal's quota normally
ends it earlier; lines of a few bytes grow twenty-fold with their stamps."""

TOTAL_BACKLOG = 256 << 20
"""The same for all consoles together."""

CLOSER_INTERVAL = 1.0
"""Seconds between two looks whether a segment waits to be closed."""

_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE})
"""Errors of a disk that may be over soon; the writer will tell them."""

LINE_COST = 200
"""Bytes that a waiting line needs besides its text: objects, stamp, timing."""

_WRITE = Job("the archive", "the next start writes it from the journal")
_SYNC = Job("the archive's fsync", "the kernel writes it when the disk is back")
_CLOSE = Job("the end of closed segments", "the next start compresses them")


class ArchiveSink:
    """All consoles' archives.

    `offer`, `note`, `open_console` and `close_console` belong to the event loop; they
    work before `run` is started, too.

    Args:
        options: where and how.
        spool: the journal.
        on_trouble: called in the loop, once per change of a console's error.
        on_segment: called in the loop when a segment was begun, closed or removed.
        on_loss: called in the loop when something of an open console is missing.
        clock: stamps.
        files: the operating system, unless a test has another.
    """

    def __init__(
        self,
        options: ArchiveOptions,
        spool: Spool,
        *,
        on_trouble: Callable[[ArchiveTrouble], None] | None = None,
        on_segment: Callable[[SegmentChange], None] | None = None,
        on_loss: Callable[[ArchiveLoss], None] | None = None,
        clock: Clock = Clock(),  # noqa: B008 - frozen
        files: FileSystem | None = None,
    ) -> None:
        self._options = options
        self._on_trouble = on_trouble or (lambda _trouble: None)
        self._on_segment = on_segment or (lambda _change: None)
        self._on_loss = on_loss or (lambda _loss: None)
        self._files = files or OsFileSystem()
        self._shared = Shared(
            self._files,
            options.limits,
            sync_each_drain=options.fsync == 0,
            wall_clock=clock.now,
        )
        self._closer = Closer(
            options.log_dir,
            compress=options.compress,
            retention=options.retention,
            wall_clock=clock.now,
            steady_for=clock.steady_for,
            is_copied=options.is_copied,
        )
        self._reports = Reports()
        self._opener = Opener(options.log_dir, spool, self._shared, self._closer)
        self._lanes: dict[int, Lane] = {}
        """By device number."""
        self._places: dict[str, Lane] = {}
        """Where each open console is."""
        self._changed = trio.Event()
        """A lane has come into use, or `close` was called."""
        self._closing = False

    def prepare(self) -> None:
        """See that the log folder can be written; make it when it is missing.

        Raises:
            ArchiveError: it cannot be; the daemon should refuse to start.
        """
        folder = self._options.log_dir
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Without a name: whatever lies there is not in its way.
            TemporaryFile(dir=folder).close()
        except OSError as error:
            if error.errno in _PASSING:
                # Tolerated: sessions and the journal are worth more than the files.
                return
            raise ArchiveError(
                f"{folder}: cannot write the archive there ({error.strerror}); "
                "make the folder writable for this user or set [daemon] log_dir"
            ) from error

    # The loop's side.

    def open_console(self, name: str) -> OpenedConsole:
        """Read where a console's archive ends, and repair what a kill -9 left.

        Reads the end of the open segment only (milliseconds), writes nothing. Waits
        for a drain under way, so call it in a worker thread where a disk may hang.

        Raises:
            ArchiveError: the folder cannot be read; worth another try later.
        """
        folder = self._options.log_dir / name
        try:
            for lane in tuple(self._lanes.values()):
                if lane.knows(name):
                    with lane.lock:
                        lane.settle(name)
            lane = self._lane(self._files.device(folder))
            with lane.lock:
                recorder, opened = self._opener.open(name)
                recorder.stream.may_grow = lambda: self._has_room(recorder)
                lane.recorders[name] = recorder
                self._places[name] = lane
                return opened
        except OSError as error:
            raise ArchiveError(
                f"{folder}: cannot read the archive ({error.strerror}); "
                "the console is not recorded until this works"
            ) from error

    def _lane(self, device: int) -> Lane:
        # Atomic: consoles are opened side by side, in threads.
        return self._lanes.setdefault(device, Lane(self._reports, self._closer))

    def offer(self, name: str, chunks: Sequence[Chunk], reading: Reading) -> None:
        """Hand over bytes that are in the journal, and what they mean.

        Args:
            name: an open console.
            chunks: in stream order, without a gap since the last call.
            reading: of exactly these bytes, or of silence.
        """
        lane = self._places[name]
        recorder = lane.recorders[name]
        lines = reading.lines
        if not chunks and not lines and not reading.cuts and reading.tail is None:
            return
        size = sum([len(chunk.data) for chunk in chunks])
        cost = 2 * size + LINE_COST * (len(lines) + len(chunks))
        self._put(lane, recorder, Batch(chunks, reading), cost)

    def note(self, name: str, at: int, text: str, offset: int | None = None) -> None:
        """Write a note of ours between the lines of a console.

        One that is closed, as at the end of the daemon, takes no note any more.

        Args:
            name: of the console.
            at: stamp.
            text: one line.
            offset: stream offset at which it stands, of bytes that are not handed over
                yet; None: behind all that the console has printed so far.
        """
        lane = self._places.get(name)
        if lane is None:
            return
        recorder = lane.recorders[name]
        recorder.stream.note(at, text)
        place = recorder.stream.offset if offset is None else offset
        note = JournalNote(place, at, text)
        self._put(lane, recorder, note, LINE_COST + len(text))

    def _put(
        self, lane: Lane, recorder: Recorder, item: Batch | JournalNote, cost: int
    ) -> None:
        lane.put(recorder, item, cost)
        if not lane.is_served:
            self._changed.set()

    def close_console(self, name: str) -> None:
        """Write what is left and close the files; the segment can go on later."""
        lane = self._places.pop(name)
        lane.leave(name)
        if not lane.is_served:
            self._changed.set()

    def make_room(self, size: int) -> None:
        """Remove the oldest closed segments, of any console, until so much is free."""
        self._closer.make_room(size)

    def tidy(self) -> None:
        """Remove what retention allows now, not when its hour comes."""
        self._closer.tidy()

    def close(self) -> None:
        """Let `run` write what is left and return."""
        self._closing = True
        self._changed.set()
        for lane in self._lanes.values():
            lane.wanted.set()

    @property
    def backlog(self) -> int:
        """Estimated bytes of memory that wait for the disk."""
        return sum([lane.backlog for lane in tuple(self._lanes.values())])

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Drain until `close` is called, then once more.

        Returns after everything is in the files, forced to the disk, and the files
        are closed; a disk that refuses then gets one more try, and what it does not
        take stays in the journal.

        Resources: two worker threads per file system and one more. Cancelling
        abandons a thread that hangs in the kernel; the journal keeps what it was
        writing.

        Errors: none of a disk's (`on_trouble` tells them); a bug ends the daemon.
        """
        async with trio.open_nursery() as helpers:
            helpers.start_soon(keep_up, self._run_closing)
            task_status.started()
            async with trio.open_nursery() as writers:
                while not self._closing:
                    self._serve_lanes(writers, helpers)
                    await self._changed.wait()
                    self._changed = trio.Event()
                self._serve_lanes(writers, helpers)
            self._closer.stop()
            helpers.cancel_scope.cancel()
        self._tell_news()

    def _serve_lanes(self, writers: trio.Nursery, helpers: trio.Nursery) -> None:
        """Start to serve the lanes that have come into use."""
        for lane in tuple(self._lanes.values()):
            if not lane.is_served:
                lane.is_served = True
                writers.start_soon(self._run_writing, lane)
                helpers.start_soon(keep_up, self._run_syncing, lane)

    async def _run_writing(self, lane: Lane) -> None:
        """Drain a lane until `close` is called, then once more."""
        limiter = trio.CapacityLimiter(1)
        while not self._closing:
            with trio.move_on_after(RETRY if lane.unfinished else INSPECTION):
                await lane.wanted.wait()
                await trio.sleep(GATHER)
            lane.wanted = trio.Event()
            await in_thread(_WRITE, lane.drain, trio.current_time(), limiter=limiter)
            self._tell_news()
        await in_thread(_WRITE, lane.finish, limiter=limiter)

    def _tell_news(self) -> None:
        while self._reports.news:
            news = self._reports.news.popleft()
            if isinstance(news, ArchiveTrouble):
                self._on_trouble(news)
            elif isinstance(news, ArchiveLoss):
                self._on_loss(news)
            else:
                self._on_segment(news)

    def drain(self, now: float = 0.0, *, force: bool = False) -> None:
        """Write everything that was handed over; blocks (see `Lane.drain`)."""
        for lane in tuple(self._lanes.values()):
            lane.drain(now, force=force)

    def _has_room(self, recorder: Recorder) -> bool:
        """Whether the journal may take more for a console (asked once per slab)."""
        return recorder.backlog < CONSOLE_BACKLOG and self.backlog < TOTAL_BACKLOG

    # The other threads.

    async def _run_syncing(self, lane: Lane) -> None:
        """Force growing files to the disk on a timer, however long that takes."""
        interval = self._options.fsync
        limiter = trio.CapacityLimiter(1)
        while interval:
            await trio.sleep(interval)
            await in_thread(_SYNC, lane.sync, limiter=limiter)
            self._tell_news()

    async def _run_closing(self) -> None:
        """Compress closed segments and remove old ones."""
        limiter = trio.CapacityLimiter(1)
        while True:
            await trio.sleep(CLOSER_INTERVAL)
            if self._closer.due:
                changes = await in_thread(_CLOSE, self._closer.work, limiter=limiter)
                self._reports.news.extend(changes)
                self._reports.trouble(Work.CLOSING, "", self._closer.error)
                self._tell_news()
