"""Trouble with disk and journal is told in time, once, and so is its end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import trio

from solrecd.events.boots import Boot
from solrecd.events.event import Event, Kind
from solrecd.metrics import Metrics
from solrecd.storage.archive.closer import Extent, SegmentChange, SegmentFate
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink, ArchiveTrouble
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.index import SegmentRow
from solrecd.storage.index.sink import IndexSink
from solrecd.storage.journal import Journal
from solrecd.storage.space import DISK_EVERY, LOW, Level, Storage, is_low, next_level

AT = 1_795_000_000_000_000


class Index(IndexSink):
    """Keeps events instead of writing them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "index", wall_clock=lambda: AT, report=print)
        self.events: list[tuple[str, str]] = []
        self.segments: dict[tuple[str, str], SegmentRow] = {}

    def offer(
        self,
        events: Iterable[Event] = (),
        boots: Iterable[Boot] = (),
        segments: Iterable[SegmentRow] = (),
    ) -> None:
        assert not boots
        self.segments.update({(row.console, row.name): row for row in segments})
        for event in events:
            assert isinstance(event, Event)
            assert event.kind is Kind.FAILURE
            self.events.append((event.console, event.name))

    def forget(self, console: str, segment: str) -> None:
        del self.segments[console, segment]


class Tidied(ArchiveSink):
    """Counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        journal = Journal.open(folder / "other", 256 << 10)
        super().__init__(ArchiveOptions(folder), journal)
        journal.close()
        self.tidied = self.room = 0

    def tidy(self) -> None:
        self.tidied += 1

    def make_room(self, size: int) -> None:
        self.room += size


class Site:
    """A small journal and who watches it."""

    def __init__(
        self, folder: Path, log_dir: Path, archive: ArchiveSink | None = None
    ) -> None:
        self.journal = Journal.open(folder / "journal", 256 << 10)
        self.index = Index(folder)
        self.metrics = Metrics((), version="1")
        archive = archive or ArchiveSink(ArchiveOptions(log_dir), self.journal)
        self.storage = Storage(
            str(log_dir),
            None,
            self.journal,
            archive,
            self.index,
            self.metrics,
            lambda: AT,
        )

    def fill(self, console: str, share: float) -> None:
        """Let a console use a share of the journal."""
        stream = self.journal.stream(console, 0)
        for _ in range(round(share * 64)):
            for _ in range(16):
                stream.append(AT, bytes(230))
        self.storage.look_at_journal()

    def drain(self, console: str) -> None:
        """Let the disk take what a console has printed."""
        stream = self.journal.stream(console, 0)
        stream.release(stream.offset)
        self.storage.look_at_journal()


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, tmp_path)
    yield site
    site.journal.close()


@pytest.mark.parametrize(
    ("before", "share", "after"),
    [
        (Level.DRAINED, 0.74, Level.DRAINED),
        (Level.DRAINED, 0.75, Level.FILLING),
        (Level.FILLING, 0.6, Level.FILLING),
        (Level.FILLING, 0.49, Level.DRAINED),
        (Level.FILLING, 0.99, Level.FULL),
        (Level.FULL, 0.9, Level.FULL),
        (Level.FULL, 0.1, Level.DRAINED),
    ],
)
def test_a_level_is_left_only_with_some_distance(
    before: Level, share: float, after: Level
) -> None:
    assert next_level(before, share) is after


def test_a_console_that_alone_cannot_be_written_is_named(site: Site) -> None:
    site.fill("n1", 0.2)
    site.storage.look_at_journal()
    site.drain("n1")

    assert site.index.events == [("n1", "journal_full"), ("n1", "journal_drained")]


def test_a_journal_that_fills_is_told_once_and_its_end_too(site: Site) -> None:
    for number in range(8):
        site.fill(f"n{number}", 0.1)
    site.storage.look_at_journal()
    for number in range(8):
        site.drain(f"n{number}")

    assert [name for console, name in site.index.events if not console] == [
        "journal_filling",
        "journal_drained",
    ]


TERABYTE = 1 << 40


@pytest.mark.parametrize(
    ("was_low", "avail", "size", "keep_free", "low"),
    [
        (False, LOW, TERABYTE, None, False),
        (False, LOW - 1, TERABYTE, None, True),
        (True, LOW + 1, TERABYTE, None, True),
        (True, 2 * LOW, TERABYTE, None, False),
        (False, 6 << 20, 100 << 20, None, False),
        (False, 4 << 20, 100 << 20, None, True),
        (False, 2 * LOW, TERABYTE, 3 * LOW, True),
        (False, 3 * LOW, TERABYTE, 3 * LOW, False),
    ],
)
def test_a_disk_is_low_before_it_is_full(
    *, was_low: bool, avail: int, size: int, keep_free: int | None, low: bool
) -> None:
    assert is_low(was_low, avail, size, keep_free) is low


def look_at_disk(site: Site, avail: int) -> None:
    """Let the storage see so many bytes free on a large disk."""
    blocks = (4096, 4096, 1 << 28, avail // 4096, avail // 4096)
    site.storage._disk_seen(os.statvfs_result((*blocks, 0, 0, 0, 0, 255)))


def test_little_room_is_told_once_and_brings_retention_forward(
    tmp_path: Path,
) -> None:
    closer = Tidied(tmp_path)
    site = Site(tmp_path, tmp_path, closer)

    for avail in (2 * LOW, LOW // 2, LOW // 4, 3 * LOW):
        look_at_disk(site, avail)

    site.journal.close()
    assert site.index.events == [("", "disk_low"), ("", "disk_recovered")]
    assert (closer.tidied, closer.room) == (1, 0)


async def test_a_file_system_that_is_gone_ends_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.01
    log_dir = tmp_path / "gone"
    site = Site(tmp_path, log_dir)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.storage.run)
        await trio.sleep(1.5 * DISK_EVERY)
        unknown = b"\nsolrecd_log_filesystem_avail_bytes " in site.metrics.render()
        log_dir.mkdir()
        await trio.sleep(DISK_EVERY)
        nursery.cancel_scope.cancel()

    site.journal.close()
    assert not unknown
    assert b"\nsolrecd_log_filesystem_avail_bytes " in site.metrics.render()


def test_a_segment_has_a_row_from_its_first_byte_until_it_is_removed(
    site: Site,
) -> None:
    name = SegmentName(7, 1, AT)
    rows = site.index.segments

    def change(fate: SegmentFate, extent: Extent | None = None) -> None:
        site.storage.segment_changed(SegmentChange(fate, "node001", name, extent))

    change(SegmentFate.BEGUN, Extent(100))
    assert rows["node001", str(name)] == SegmentRow(
        "node001", str(name), 7, 1, AT, None, 100, 0
    )
    change(SegmentFate.ENDED, Extent(100, 50, AT + 9))
    change(SegmentFate.CLOSED)
    assert rows["node001", str(name)][-3:] == (AT + 9, 100, 50)
    change(SegmentFate.REMOVED)
    assert rows == {}

    change(SegmentFate.BEGUN, Extent(100))
    change(SegmentFate.EVICTED)
    assert rows == {}
    assert b"\nsolrecd_archive_evicted_segments_total 1\n" in site.metrics.render()


def test_troubles_of_archive_and_index_are_in_the_metrics_until_they_end(
    site: Site,
) -> None:
    site.metrics.console("n1")
    full = OSError(28, "No space left on device")

    site.storage.archive_troubled(ArchiveTrouble("n1", full))
    site.storage.index_troubled("the disk is full")

    text = site.metrics.render()
    assert b"\nsolrecd_archive_failing_consoles 1\n" in text
    assert b"\nsolrecd_index_failing 1\n" in text

    site.storage.archive_troubled(ArchiveTrouble("n1", None))
    site.storage.index_troubled(None)

    text = site.metrics.render()
    assert b"\nsolrecd_archive_failing_consoles 0\n" in text
    assert b"\nsolrecd_index_failing 0\n" in text
