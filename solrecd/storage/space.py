"""Watches what the recorder itself needs: room on the disk, room in the journal.

A disk that is full, slow or gone costs nothing while the journal takes what comes. So
the journal's level is what matters: from `FILLING` on it is an event, because soon the
BMCs will have to hold their machines back, and drop. Such events belong to no console
unless one console alone uses up its share: then it is its folder that is in trouble.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable

import structlog
import trio

from solrecd.events.event import Event, Kind, Severity
from solrecd.metrics import Metrics
from solrecd.process.threads import Job, in_thread
from solrecd.storage.archive.closer import Extent, SegmentChange, SegmentFate
from solrecd.storage.archive.sink import ArchiveSink, ArchiveTrouble
from solrecd.storage.index import SegmentRow
from solrecd.storage.index.sink import IndexSink
from solrecd.storage.journal import Journal

FILLING = 0.75
"""Share of the journal (or of a console's part of it) in use that is an event."""

FULL = 0.98
"""The same for "full": what is left are slabs that may not be taken."""

DRAINED = 0.5
"""Below this the trouble is over; the distance keeps it from being told each second."""

JOURNAL_EVERY = 1.0
"""Seconds between two looks: 64 MiB last a hundred, with a thousand busy consoles."""

DISK_EVERY = 10.0
"""Seconds between two looks at the free space of the log file system."""

LOW = 256 << 20
"""Bytes free below which the disk is low: an hour of a fleet that prints normally."""

LOW_SHARE = 0.05
"""The same as a part of the file system, where that is less."""

ENOUGH = 2
"""Times as much room as when it was low, and the trouble is over."""

_LOOK = Job("the room in log_dir", "the next start asks for it")

_GONE = frozenset({SegmentFate.REMOVED, SegmentFate.EVICTED})

log = structlog.get_logger()


class Name(enum.StrEnum):
    """Names of the events of this module, all of kind failure."""

    JOURNAL_FILLING = "journal_filling"
    JOURNAL_FULL = "journal_full"
    JOURNAL_DRAINED = "journal_drained"
    DISK_LOW = "disk_low"
    DISK_RECOVERED = "disk_recovered"
    ARCHIVE_EVICTED = "archive_evicted"


class Level(enum.IntEnum):
    """How full a journal is."""

    DRAINED = 0
    FILLING = 1
    FULL = 2


_TOLD = {
    Level.DRAINED: (
        Name.JOURNAL_DRAINED,
        Severity.INFO,
        "the journal is drained again",
    ),
    Level.FILLING: (
        Name.JOURNAL_FILLING,
        Severity.ERROR,
        "the journal is filling up: the disk is slower than the consoles",
    ),
    Level.FULL: (
        Name.JOURNAL_FULL,
        Severity.CRITICAL,
        "the journal is full: BMCs have to keep their output, and may drop it",
    ),
}
"""What is said of a journal that has come to a level."""


def next_level(level: Level, share: float) -> Level:
    """Return the level after a look, with hysteresis.

    Args:
        level: the one before.
        share: of the journal in use, 0-1.
    """
    if share >= FULL:
        return Level.FULL
    if share >= FILLING:
        return max(level, Level.FILLING)
    return level if share >= DRAINED else Level.DRAINED


def is_low(was_low: bool, avail: int, size: int, keep_free: int | None) -> bool:  # noqa: FBT001
    """Return whether a disk has little room, with hysteresis.

    Args:
        was_low: after the look before.
        avail: bytes free for us.
        size: bytes of the file system.
        keep_free: as configured.
    """
    mark = max(min(LOW, size * LOW_SHARE), keep_free or 0)
    return avail < mark * (ENOUGH if was_low else 1)


class Storage:
    """Tells about disk and journal; `run` is its whole life.

    Args:
        log_dir: whose file system is watched.
        keep_free: bytes that shall stay free there; None: whatever.
        journal: whose level is watched.
        archive: removes old segments where room is needed.
        index: takes events.
        metrics: take numbers.
        wall_clock: stamps.
    """

    def __init__(
        self,
        log_dir: str,
        keep_free: int | None,
        journal: Journal,
        archive: ArchiveSink,
        index: IndexSink,
        metrics: Metrics,
        wall_clock: Callable[[], int],
    ) -> None:
        self._log_dir = log_dir
        self._keep_free = keep_free
        self._journal = journal
        self._archive = archive
        self._index = index
        self._metrics = metrics
        self._wall_clock = wall_clock
        self._levels: dict[str, Level] = {}
        """By console; the whole journal's under an empty name. Drained ones are not
        in it."""
        self._disk_error: str | None = None
        self._is_low = False

    async def run(self) -> None:
        """Watch until cancelled; a disk that hangs holds one thread, not us."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_disk)
            nursery.start_soon(self._watch_journal)

    def segment_changed(self, change: SegmentChange) -> None:
        """Keep the index's row of a segment; tell of one that went before its time."""
        if change.extent is not None:
            self._index.offer(segments=[_row(change, change.extent)])
        elif change.fate in _GONE:
            self._index.forget(change.console, str(change.name))
        if change.fate is SegmentFate.EVICTED:
            self._metrics.evicted.add()
            name = change.name.file("log")
            title = f"{name} was removed: the disk has less room than keep_free"
            self._tell(change.console, Name.ARCHIVE_EVICTED, Severity.WARNING, title)

    def archive_troubled(self, trouble: ArchiveTrouble) -> None:
        """Note that a console's archive cannot be written, or can again."""
        failing = self._metrics.archive_failing
        if trouble.error is None:
            failing.discard(trouble.console)
            log.info("archive.works_again", console=trouble.console)
        else:
            failing.add(trouble.console)
            log.error("archive.failing", console=trouble.console, reason=trouble.error)

    def index_troubled(self, problem: str | None) -> None:
        """Note that the index cannot be written, or (None) can again."""
        self._metrics.index_failing = problem is not None
        if problem is None:
            log.info("index.works_again")
        else:
            log.error("index.failing", reason=problem)

    async def _watch_journal(self) -> None:
        while True:
            self.look_at_journal()
            await trio.sleep(JOURNAL_EVERY)

    def look_at_journal(self) -> None:
        """Compare the journal's level with the last one, and tell what changed."""
        shares = {"": self._journal.used / self._journal.size}
        shares |= self._journal.shares()
        for console in {*shares, *self._levels}:
            before = self._levels.pop(console, Level.DRAINED)
            level = next_level(before, shares.get(console, 0.0))
            if level is not Level.DRAINED:
                self._levels[console] = level
            if level is not before:
                self._tell(console, *_TOLD[level])

    async def _watch_disk(self) -> None:
        while True:
            try:
                found = await in_thread(_LOOK, os.statvfs, self._log_dir)
            except OSError as error:
                self._disk_failed(error)
            else:
                self._disk_error = None
                self._disk_seen(found)
            await trio.sleep(DISK_EVERY)

    def _disk_seen(self, found: os.statvfs_result) -> None:
        avail = found.f_bavail * found.f_frsize
        size = found.f_blocks * found.f_frsize
        self._metrics.filesystem(avail=avail, size=size)
        self._tell_room(avail, size)
        if self._keep_free is not None and avail < self._keep_free:
            self._archive.make_room(self._keep_free - avail)

    def _tell_room(self, avail: int, size: int) -> None:
        """Tell when room gets short, and have deleted what may be."""
        was_low = self._is_low
        self._is_low = is_low(was_low, avail, size, self._keep_free)
        if self._is_low == was_low:
            return
        mib = f"{avail >> 20} MiB free in {self._log_dir}"
        if self._is_low:
            self._archive.tidy()
            title = f"{mib}: the archive needs room"
            self._tell("", Name.DISK_LOW, Severity.ERROR, title)
        else:
            title = f"{mib}: that is enough"
            self._tell("", Name.DISK_RECOVERED, Severity.INFO, title)

    def _disk_failed(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if reason != self._disk_error:
            log.error("disk.failing", path=self._log_dir, reason=reason)
        self._disk_error = reason

    def _tell(self, console: str, name: Name, severity: Severity, title: str) -> None:
        write = log.info if severity is Severity.INFO else log.error
        write("storage.event", console=console, name=name.value, title=title)
        event = Event(
            time=self._wall_clock(),
            console=console,
            kind=Kind.FAILURE,
            name=name.value,
            severity=severity,
            title=title,
        )
        self._index.offer((event,))


def _row(change: SegmentChange, extent: Extent) -> SegmentRow:
    return SegmentRow(
        console=change.console,
        name=str(change.name),
        boot=change.name.boot,
        part=change.name.part,
        started=change.name.started,
        ended=extent.ended,
        offset=extent.offset,
        bytes=extent.size,
    )
