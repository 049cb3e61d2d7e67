"""What the archive is given and what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from solrecd.config import DaemonConfig, Fsync
from solrecd.events import Chunk, Gap
from solrecd.process.stamps import SECOND
from solrecd.storage.archive.recorder import SpoolStream
from solrecd.storage.formats.recovered import Recovered
from solrecd.storage.formats.retention import Retention, SegmentLimits


class ArchiveError(Exception):
    """The archive cannot be used; the message names the path and the remedy."""


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


def options_of(settings: DaemonConfig) -> ArchiveOptions:
    """Return the archive's options as configured."""
    return ArchiveOptions(
        log_dir=Path(settings.log_dir),
        fsync=_fsync_interval(settings.fsync),
        limits=SegmentLimits(
            size=settings.segment_size, age=_microseconds(settings.segment_age)
        ),
        compress=settings.compress,
        retention=Retention(
            age=_microseconds(settings.retention_age),
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
class ArchiveTrouble:
    """A console's files cannot be written (`error`), or can again (None)."""

    console: str
    """Empty when old segments cannot be compressed or removed."""
    error: OSError | None
