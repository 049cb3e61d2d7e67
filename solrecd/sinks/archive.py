"""The archive: every console's bytes, timing and text, drained from the journal.

The loop hands over (`ArchiveSink.offer`, `note`), which only appends to a deque. Soon
after, a writer thread turns that into one write per console and file and gives the
journal its room back; it looks at consoles that have something to write, no others.
A second thread forces files to the disk, a third compresses closed segments and
enforces retention: neither can delay a drain.

Bounded memory: what waits for a disk that refuses is bounded by the journal, which
takes nothing once it, a console's part of it, or `CONSOLE_BACKLOG` is used up.
"""

from __future__ import annotations

import enum
import errno
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import trio

from solrecd.archive import (
    JournalNote,
    Recovered,
    SegmentName,
)
from solrecd.events import Chunk, Reading
from solrecd.sinks.archive_types import (
    ArchiveError,
    ArchiveOptions,
    ArchiveTrouble,
    OpenedConsole,
    Spool,
    options_of,
)
from solrecd.sinks.closer import Closer, SegmentChange, SegmentFate
from solrecd.sinks.files import FileSystem, OsFileSystem
from solrecd.sinks.recorder import Batch, Recorder, Resume, Shared
from solrecd.sinks.recovery import (
    end_of_closed,
    look_into,
    pending_chunks,
    restore,
)
from solrecd.sinks.segment import Segment

__all__ = [
    "GATHER",
    "RETRY",
    "ArchiveError",
    "ArchiveOptions",
    "ArchiveSink",
    "ArchiveTrouble",
    "OpenedConsole",
    "Spool",
    "options_of",
]

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

LINE_COST = 200
"""Bytes that a waiting line needs besides its text: objects, stamp, timing."""


class _Work(enum.Enum):
    """What can go wrong independently of the rest."""

    WRITING = enum.auto()
    SYNCING = enum.auto()
    CLOSING = enum.auto()


class ArchiveSink:
    """All consoles' archives.

    `offer`, `note`, `open_console` and `close_console` belong to the event loop; they
    work before `run` is started, too.

    Args:
        options: where and how.
        spool: the journal.
        on_trouble: called in the loop, once per change of a console's error.
        on_segment: called in the loop when a segment was begun, closed or removed.
        wall_clock: returns a stamp.
        files: the operating system, unless a test has another.
    """

    def __init__(
        self,
        options: ArchiveOptions,
        spool: Spool,
        *,
        on_trouble: Callable[[ArchiveTrouble], None] | None = None,
        on_segment: Callable[[SegmentChange], None] | None = None,
        wall_clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        files: FileSystem | None = None,
    ) -> None:
        self._options = options
        self._spool = spool
        self._on_trouble = on_trouble or (lambda _trouble: None)
        self._on_segment = on_segment or (lambda _change: None)
        self._files = files or OsFileSystem()
        self._shared = Shared(
            self._files, options.limits, sync_each_drain=options.fsync == 0
        )
        self._closer = Closer(
            options.log_dir,
            compress=options.compress,
            retention=options.retention,
            wall_clock=wall_clock,
        )
        self._recorders: dict[str, Recorder] = {}
        self._leaving: deque[Recorder] = deque()
        self._busy: deque[Recorder] = deque()
        """Those with something to write: the loop adds, the writer thread takes."""
        self._wanted = trio.Event()
        self._lock = threading.Lock()
        """Held while files are written; `open_console` takes it, `offer` never."""
        self._errors: dict[tuple[_Work, str], int | None] = {}
        """Errno last told; each kind of work, and so each thread, has its own keys."""
        self._news: deque[ArchiveTrouble | SegmentChange] = deque()
        self._closing = trio.Event()

    def prepare(self) -> None:
        """See that the log folder can be written; make it when it is missing.

        Raises:
            ArchiveError: it cannot be; the daemon should refuse to start.
        """
        folder = self._options.log_dir
        probe = folder / ".solrecd-probe"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
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
        with self._lock:
            self._settle(name)
            try:
                return self._open(name)
            except OSError as error:
                folder = self._options.log_dir / name
                raise ArchiveError(
                    f"{folder}: cannot read the archive ({error.strerror}); "
                    "the console is not recorded until this works"
                ) from error

    def offer(self, name: str, chunks: Sequence[Chunk], reading: Reading) -> None:
        """Hand over bytes that are in the journal, and what they mean.

        Args:
            name: an open console.
            chunks: in stream order, without a gap since the last call.
            reading: of exactly these bytes, or of silence.
        """
        recorder = self._recorders[name]
        lines = reading.lines
        if not chunks and not lines and not reading.cuts and reading.tail is None:
            return
        size = sum([len(chunk.data) for chunk in chunks])
        recorder.offered += 2 * size + LINE_COST * (len(lines) + len(chunks))
        self._put(recorder, Batch(chunks, reading))

    def note(self, name: str, at: int, text: str) -> None:
        """Write a note of ours behind what the console has printed so far."""
        recorder = self._recorders[name]
        recorder.stream.note(at, text)
        recorder.offered += LINE_COST + len(text)
        self._put(recorder, JournalNote(recorder.stream.offset, at, text))

    def _put(self, recorder: Recorder, item: Batch | JournalNote) -> None:
        recorder.inbox.append(item)
        # The item first: should the writer thread take the recorder between the two
        # lines, it takes the item as well.
        if not recorder.queued:
            recorder.queued = True
            self._busy.append(recorder)
        self._wanted.set()

    def close_console(self, name: str) -> None:
        """Write what is left and close the files; the segment can go on later."""
        self._leaving.append(self._recorders.pop(name))
        self._wanted.set()

    def close(self) -> None:
        """Let `run` write what is left and return."""
        self._closing.set()
        self._wanted.set()

    @property
    def backlog(self) -> int:
        """Estimated bytes of memory that wait for the disk."""
        return sum([recorder.backlog for recorder in tuple(self._recorders.values())])

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Drain until `close` is called, then once more.

        Returns after everything is in the files, forced to the disk, and the files
        are closed; a disk that refuses then gets one more try, and what it does not
        take stays in the journal.

        Resources: three worker threads at most. Cancelling abandons a thread that
        hangs in the kernel; the journal keeps what it was writing.

        Errors: none of a disk's (`on_trouble` tells them); a bug ends the daemon.
        """
        limiter = trio.CapacityLimiter(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_syncing)
            nursery.start_soon(self._run_closing)
            task_status.started()
            while not self._closing.is_set():
                with trio.move_on_after(RETRY if self._unfinished else math.inf):
                    await self._wanted.wait()
                    await trio.sleep(GATHER)
                self._wanted = trio.Event()
                await trio.to_thread.run_sync(
                    self.drain,
                    trio.current_time(),
                    limiter=limiter,
                    abandon_on_cancel=True,
                )
                self._tell_news()
            self._closer.stop()
            nursery.cancel_scope.cancel()
        await trio.to_thread.run_sync(self._finish, abandon_on_cancel=True)
        self._tell_news()

    @property
    def _unfinished(self) -> bool:
        """Whether a disk refused something that it will be asked again."""
        return bool(self._busy or self._leaving)

    def _tell_news(self) -> None:
        while self._news:
            news = self._news.popleft()
            if isinstance(news, ArchiveTrouble):
                self._on_trouble(news)
            else:
                self._on_segment(news)

    # The writer thread.

    def drain(self, now: float = 0.0, *, force: bool = False) -> None:
        """Write everything that was handed over; blocks (writer thread).

        Args:
            now: monotonic seconds; a disk that refused is left alone for a while.
            force: ask it all the same.
        """
        with self._lock:
            for _ in range(len(self._busy)):
                recorder = self._busy.popleft()
                recorder.queued = False
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

    def _drain(self, recorder: Recorder, now: float, *, force: bool) -> None:
        recorder.drain(now, force=force)
        if recorder.begun or recorder.finished:
            self._report_segments(recorder)
        self._report(_Work.WRITING, recorder.console, recorder.error)

    def _report(self, work: _Work, console: str, error: OSError | None) -> None:
        """Tell an error once, and its end."""
        code = error.errno if error else None
        if code != self._errors.get((work, console)):
            self._errors[work, console] = code
            self._news.append(ArchiveTrouble(console, error))

    def _report_segments(self, recorder: Recorder) -> None:
        for segment in recorder.begun:
            self._news.append(
                SegmentChange(SegmentFate.BEGUN, recorder.console, segment)
            )
        for segment in recorder.finished:
            self._closer.add(recorder.console, segment)
        recorder.begun.clear()
        recorder.finished.clear()

    def _finish(self) -> None:
        self.drain(force=True)
        self._sync()
        with self._lock:
            for recorder in self._recorders.values():
                recorder.close()
            self._recorders.clear()

    def _settle(self, name: str) -> None:
        """Forget what is known of a console that is opened again.

        What its files have not got is read back from the journal.
        """
        leaving = [r for r in self._leaving if r.console == name]
        known = self._recorders.pop(name, None)
        for recorder in [*leaving, *([known] if known else [])]:
            self._drain(recorder, 0.0, force=True)
            recorder.close()
        for recorder in leaving:
            self._leaving.remove(recorder)

    def _open(self, name: str) -> OpenedConsole:
        folder = self._options.log_dir / name
        found = look_into(folder)
        for segment in found.unfinished:
            self._closer.add(name, segment)
        journal = self._spool.records(name)
        if found.open is None:
            return self._open_anew(name, found.last, journal)
        return self._open_again(name, found.open, journal)

    def _open_anew(
        self, name: str, last: SegmentName | None, journal: Recovered
    ) -> OpenedConsole:
        """Go on without an open segment: the first byte begins one."""
        end = journal.offset
        if last is not None:
            end = end_of_closed(self._options.log_dir / name, last) or journal.offset
        pending = pending_chunks(journal, end)
        begin = max(end, journal.offset if journal.chunks else 0)
        recorder = Recorder(
            name,
            self._options.log_dir / name,
            self._spool.stream(name, begin),
            self._shared,
            Resume(last, begin),
        )
        self._add(recorder, journal, noted=0)
        return OpenedConsole(
            stream=recorder.stream,
            offset=begin,
            boot=0 if last is None else last.boot,
            continues=False,
            started=None if last is None else last.started,
            last_output=pending[-1].at if pending else None,
            restored=[],
            pending=pending,
        )

    def _open_again(
        self, name: str, segment_name: SegmentName, journal: Recovered
    ) -> OpenedConsole:
        """Go on in the open segment."""
        folder = self._options.log_dir / name
        restored = restore(
            self._files, folder, segment_name, journal, self._shared.text
        )
        segment = restored.segment
        pending = pending_chunks(journal, segment.end)
        begin = max(segment.end, journal.offset if pending else 0)
        recorder = Recorder(
            name,
            folder,
            self._spool.stream(name, segment.end),
            self._shared,
            Resume(
                segment_name,
                begin,
                segment,
                restored.skip,
                restored.notes,
                jump=begin if begin > segment.end else None,
            ),
        )
        self._add(recorder, journal, noted=segment.noted)
        if begin > segment.end:
            text = f"gap: {begin - segment.end} bytes of this log were lost"
            self.note(name, segment.stamp, text)
        return OpenedConsole(
            stream=recorder.stream,
            offset=restored.offset + begin - segment.end,
            boot=segment_name.boot,
            continues=True,
            started=segment_name.started,
            last_output=pending[-1].at if pending else segment.stamp,
            restored=restored.chunks,
            pending=pending,
        )

    def _add(self, recorder: Recorder, journal: Recovered, *, noted: int) -> None:
        """Make a recorder the console's, with the notes that are in no log yet."""
        recorder.inbox.extend(note for note in journal.notes if note.at > noted)
        recorder.stream.may_grow = lambda: self._has_room(recorder)
        self._recorders[recorder.console] = recorder

    def _has_room(self, recorder: Recorder) -> bool:
        """Whether the journal may take more for a console (asked once per slab)."""
        return recorder.backlog < CONSOLE_BACKLOG and self.backlog < TOTAL_BACKLOG

    # The other threads.

    async def _run_syncing(self) -> None:
        """Force growing files to the disk on a timer, however long that takes."""
        interval = self._options.fsync
        limiter = trio.CapacityLimiter(1)
        while interval:
            await trio.sleep(interval)
            await trio.to_thread.run_sync(
                self._sync, limiter=limiter, abandon_on_cancel=True
            )
            self._tell_news()

    def _sync(self) -> None:
        """Force what is in the files to the disk; blocks."""
        for recorder in list(self._recorders.values()):
            for segment in list(recorder.segments):
                if segment.synced < segment.confirmed:
                    self._sync_segment(recorder.console, segment)

    def _sync_segment(self, console: str, segment: Segment) -> None:
        try:
            segment.sync()
        except OSError as error:
            # The writer thread has closed it meanwhile; the closer forces it then.
            if error.errno != errno.EBADF:
                self._report(_Work.SYNCING, console, error)
        else:
            self._report(_Work.SYNCING, console, None)

    async def _run_closing(self) -> None:
        """Compress closed segments and remove old ones."""
        limiter = trio.CapacityLimiter(1)
        while True:
            await trio.sleep(CLOSER_INTERVAL)
            if self._closer.due:
                changes = await trio.to_thread.run_sync(
                    self._closer.work, limiter=limiter, abandon_on_cancel=True
                )
                self._news.extend(changes)
                self._report(_Work.CLOSING, "", self._closer.error)
                self._tell_news()
