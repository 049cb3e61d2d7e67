"""What the archive is given and what it tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from solrecd.config import DaemonConfig, Fsync
from solrecd.events.gaps import Gap
from solrecd.events.lines import Chunk
from solrecd.events.reading import Reading
from solrecd.process.stamps import SECOND
from solrecd.storage.archive.files import FileSystem
from solrecd.storage.archive.segment import Segment
from solrecd.storage.formats.lines import TextFormat
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.recovered import JournalNote, Recovered
from solrecd.storage.formats.retention import Retention, SegmentLimits


class ArchiveError(Exception):
    """The archive cannot be used; the message names the path and the remedy."""


class SpoolStream(Protocol):
    """What the archive needs of a console's journal stream."""

    may_grow: Callable[[], bool] | None

    @property
    def offset(self) -> int:
        """Bytes of this console ever recorded."""
        ...

    def append(self, at: int, data: bytes) -> bool:
        """Record console output."""
        ...

    def note(self, at: int, text: str) -> bool:
        """Record a note."""
        ...

    def release(self, offset: int) -> None:
        """Everything before this offset is in the archive."""
        ...


class Batch(NamedTuple):
    """Bytes and what they mean."""

    chunks: Sequence[Chunk]
    reading: Reading


@dataclass(slots=True)
class Shared:
    """What all recorders have in common."""

    files: FileSystem
    limits: SegmentLimits
    sync_each_drain: bool
    text: TextFormat = field(default_factory=TextFormat)
    wall_clock: Callable[[], int] = lambda: time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a console's archive goes on."""

    last: SegmentName | None
    """The newest segment, open or not."""
    offset: int
    """Stream offset of the next byte when there is no open segment."""
    segment: Segment | None = None
    """The open one, recovered; None to begin with the first byte."""
    skip: int = 0
    """Lines of a replay that the log already has."""
    last_line: bytes = b""
    """The line of the log behind them, which the replay is to bring again."""
    notes: Sequence[JournalNote] = ()
    """Notes that stand behind the first line that it does not have."""
    jump: int | None = None
    """Stream offset at which new bytes go on when some before are missing."""


class Spool(Protocol):
    """What the archive needs of the journal."""

    def stream(self, console: str, offset: int) -> SpoolStream:
        """Return a console's stream."""
        ...

    def records(self, console: str) -> Recovered:
        """Return what it holds of a console."""
        ...

    def doubts(self, console: str) -> list[str]:
        """Return, one line each, what else a console may have lost; once."""
        ...


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Where and how to archive."""

    log_dir: Path
    fsync: float | None = 5.0
    """Seconds between two fsyncs of a file that grows; 0 with each drain, None never
    (a segment is always forced to the disk when it is closed)."""
    limits: SegmentLimits = field(default_factory=SegmentLimits)
    compress: bool = True
    retention: Retention = field(default_factory=Retention)
    is_copied: Callable[[str, SegmentName], bool] = lambda _console, _name: True
    """Whether retention may delete a segment; see `Closer`."""


def options_of(
    settings: DaemonConfig, keep_copied: float | None = None
) -> ArchiveOptions:
    """Return the archive's options as configured.

    Args:
        settings: the daemon's.
        keep_copied: seconds that a segment stays of which there is a copy elsewhere;
            None: as long as any.
    """
    ages = [age for age in (settings.retention_age, keep_copied) if age is not None]
    return ArchiveOptions(
        log_dir=Path(settings.log_dir),
        fsync=_fsync_interval(settings.fsync),
        limits=SegmentLimits(
            size=settings.segment_size, age=_microseconds(settings.segment_age)
        ),
        compress=settings.compress,
        retention=Retention(
            age=_microseconds(min(ages, default=None)),
            boots=settings.retention_boots,
            size=settings.retention_bytes,
            total_size=settings.retention_total,
        ),
    )


def _fsync_interval(fsync: float | Fsync) -> float | None:
    match fsync:
        case Fsync.DRAIN:
            return 0.0
        case Fsync.OFF:
            return None
        case _:
            return fsync


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * SECOND)


@dataclass(frozen=True, slots=True)
class OpenedConsole:
    """Where a console goes on.

    The caller makes an interpreter for `offset`, feeds it `restored` and offers the
    reading with no chunks, then feeds it `pending` and offers that with them::

        sink.offer(name, (), interpreter.feed(opened.restored))
        sink.offer(name, opened.pending, interpreter.feed(opened.pending))
    """

    stream: SpoolStream
    """To append to."""
    offset: int
    """Stream offset of the first byte of `restored` or `pending`."""
    boot: int
    """Number of the newest boot in the archive; 0 for a new console."""
    continues: bool
    """Whether that boot's segment is open: the boot goes on. Else the next begins."""
    started: int | None
    """Stamp of the newest segment's first byte."""
    last_output: int | None
    """Stamp of the last byte recorded, if it is known."""
    restored: list[Chunk]
    """The end of the open segment: already archived, wanted by the interpreter."""
    pending: list[Chunk]
    """Received by an earlier daemon, and not yet in the archive."""
    boot_offset: int | None = None
    """Stream offset of the boot's first byte; None when it is in an earlier part."""
    losses: Sequence[Gap] = ()
    """What is missing, by `Gap.offset`: before the chunk of `pending` that begins
    there. For the caller to mark."""


@dataclass(frozen=True, slots=True)
class ArchiveLoss:
    """Something of an open console is missing in its archive."""

    console: str
    gap: Gap


@dataclass(frozen=True, slots=True)
class ArchiveTrouble:
    """A console's files cannot be written (`error`), or can again (None)."""

    console: str
    """Empty when old segments cannot be compressed or removed."""
    error: OSError | None
