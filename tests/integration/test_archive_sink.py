"""The archive as the daemon runs it: real threads, real files, Trio's clock."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from solrecd.events.lines import Chunk
from solrecd.events.reading import Reading
from solrecd.process.clock import Clock
from solrecd.storage.archive.closer import SegmentChange, SegmentFate
from solrecd.storage.archive.sink import (
    ArchiveOptions,
    ArchiveSink,
    ArchiveTrouble,
    OpenedConsole,
)
from solrecd.storage.formats.retention import Retention, SegmentLimits
from solrecd.storage.journal import Journal
from tests.support.broken_disk import BrokenDisk
from tests.support.reader import LineReader

AT = 1_795_000_000_000_000

THREADS_RUN = 0.05
"""Seconds of real time without events before the test clock may jump: long enough for
a worker thread's few system calls on a busy host."""

PATIENCE = 300.0
"""Seconds of the test clock, each step of which takes `THREADS_RUN`: five minutes."""


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal", 1 << 20)
    yield journal
    journal.close()


@pytest.fixture(name="clock")
def _clock(autojump_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    autojump_clock.autojump_threshold = THREADS_RUN
    return autojump_clock


class Recording:
    """One console that prints, and what the archive tells of it."""

    def __init__(
        self, journal: Journal, log_dir: Path, disk: BrokenDisk, **options: object
    ) -> None:
        self.news: list[ArchiveTrouble | SegmentChange] = []
        self.folder = log_dir / "n1"
        self.disk = disk
        self.sink = ArchiveSink(
            ArchiveOptions(log_dir, **options),  # type: ignore[arg-type]
            journal,
            on_trouble=self.news.append,
            on_segment=self.news.append,
            files=disk,
            clock=Clock(lambda: AT),
        )
        self.sink.prepare()
        self.opened: OpenedConsole = self.sink.open_console("n1")
        self._reader = LineReader(self.opened.offset)

    def say(self, data: bytes) -> None:
        """Receive and offer a packet."""
        chunk = Chunk(AT, data)
        assert self.opened.stream.append(*chunk)
        self.sink.offer("n1", [chunk], self._reader.feed([chunk]))

    @property
    def fates(self) -> list[SegmentFate]:
        """What became of segments."""
        return [it.fate for it in self.news if isinstance(it, SegmentChange)]

    def log(self) -> bytes:
        """Return what operators see."""
        return (self.folder / "current.log").read_bytes()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the sink; close it at the end."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.sink.run)
            yield
            self.sink.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what a thread does, on a busy host too, where the clock outruns it."""
    with trio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - a thread has no trio.Event
            await trio.sleep(0.05)


def open_files() -> int:
    """Return how many descriptors this process has."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


Record = Callable[..., Recording]


@pytest.fixture(name="record")
def _record(journal: Journal, tmp_path: Path) -> Record:
    def make(**options: object) -> Recording:
        return Recording(journal, tmp_path / "log", BrokenDisk(), **options)

    return make


async def test_an_unfinished_line_is_in_the_log_within_half_a_second(
    clock: trio.testing.MockClock,
    record: Record,
) -> None:
    recording = record()
    async with recording.running():
        recording.say(b"login: ")
        await trio.sleep(0.5)

        assert recording.log().endswith(b" | login: ")


async def test_closing_writes_what_is_left_and_gives_the_journal_back(
    clock: trio.testing.MockClock, record: Record, journal: Journal
) -> None:
    recording = record()
    async with recording.running():
        await trio.sleep(1)
        recording.say(b"last words\n")

    assert recording.log().endswith(b"last words\n")
    assert journal.used == 0


async def test_a_finished_boot_is_compressed_and_told(
    clock: trio.testing.MockClock, record: Record
) -> None:
    recording = record()
    async with recording.running():
        recording.say(b"BOOT 1\nold\nBOOT 2\nnew\n")
        await until(lambda: SegmentFate.CLOSED in recording.fates)

    fates = [
        (n.fate, n.name.boot) for n in recording.news if isinstance(n, SegmentChange)
    ]
    assert fates == [
        (SegmentFate.BEGUN, 1),
        (SegmentFate.BEGUN, 2),
        (SegmentFate.ENDED, 1),
        (SegmentFate.CLOSED, 1),
    ]
    assert len(list(recording.folder.glob("*boot-000001*.zst"))) == 3
    assert len(list(recording.folder.glob("*boot-000002.raw"))) == 1


async def test_a_close_that_was_interrupted_is_finished_at_the_next_start(
    clock: trio.testing.MockClock,
    record: Record,
) -> None:
    first = record()
    first.say(b"BOOT 1\nold\nBOOT 2\nnew\n")
    first.sink.drain()

    second = record()
    async with second.running():
        await until(lambda: SegmentFate.CLOSED in second.fates)

    assert len(list(second.folder.glob("*boot-000001*.zst"))) == 3


async def test_retention_runs_beside_recording(
    clock: trio.testing.MockClock, record: Record
) -> None:
    recording = record(
        retention=Retention(boots=1), limits=SegmentLimits(size=10, age=None)
    )
    async with recording.running():
        for boot in range(1, 6):
            recording.say(b"BOOT %d\n" % boot)
            await trio.sleep(1.5)
        for _ in range(60):
            # Virtual time runs on while the closer's thread still works.
            if kept_boots(recording.folder) != {"boot-000005"}:
                await trio.sleep(1)

    assert kept_boots(recording.folder) == {"boot-000005"}


def kept_boots(folder: Path) -> set[str]:
    """Return which boots have files."""
    return {path.name.split(".")[2] for path in folder.glob("2*")}


async def test_trouble_is_told_in_the_loop_and_healed_without_a_human(
    clock: trio.testing.MockClock, record: Record, journal: Journal
) -> None:
    recording = record()
    async with recording.running():
        recording.disk.error = errno.EIO
        recording.say(b"during\n")
        await trio.sleep(8)
        recording.disk.error = None
        await trio.sleep(10)

        assert recording.log().endswith(b"during\n")
        assert journal.used == 0
    troubles = [n for n in recording.news if isinstance(n, ArchiveTrouble)]
    assert [t.error.errno if t.error else None for t in troubles] == [errno.EIO, None]


async def test_a_failing_fsync_is_told(
    clock: trio.testing.MockClock, record: Record
) -> None:
    recording = record(fsync=5.0)
    recording.disk.failing_sync = errno.EIO
    async with recording.running():
        recording.say(b"x\n")
        await trio.sleep(7)
        recording.disk.failing_sync = None

    troubles = [n for n in recording.news if isinstance(n, ArchiveTrouble)]
    assert [t.error.errno for t in troubles if t.error] == [errno.EIO]
    assert recording.log().endswith(b"x\n")


async def test_with_fsync_at_each_drain_the_journal_waits_for_it(
    clock: trio.testing.MockClock, record: Record, journal: Journal
) -> None:
    recording = record(fsync=0)
    recording.disk.failing_sync = errno.EIO
    async with recording.running():
        recording.say(b"x\n")
        await trio.sleep(1)
        held = journal.used
        recording.disk.failing_sync = None
        await trio.sleep(10)

    assert held == 4096
    assert journal.used == 0
    assert (recording.folder / "current.raw").read_bytes() == b"x\n"


async def test_a_closed_console_is_written_and_its_files_closed(
    clock: trio.testing.MockClock, record: Record
) -> None:
    recording = record()
    async with recording.running():
        recording.say(b"x\n")
        await trio.sleep(1)
        before = open_files()
        recording.sink.close_console("n1")
        await trio.sleep(1)

        assert before - open_files() == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a tmpfs")
async def test_a_really_full_disk_costs_nothing(
    clock: trio.testing.MockClock, journal: Journal, tmp_path: Path
) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    mounted = await trio.run_process(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", mount], check=False
    )
    if mounted.returncode:
        pytest.skip("cannot mount a tmpfs here")
    try:
        recording = Recording(journal, mount / "log", BrokenDisk())
        said = [b"%05d %s\n" % (n, b"x" * 90) for n in range(900)]
        async with recording.running():
            for packet in said:
                recording.say(packet)
            await trio.sleep(2)
            full = journal.used
            await trio.run_process(["mount", "-o", "remount,size=1m", mount])
            await trio.sleep(10)

        assert full > 0
        assert (recording.folder / "current.raw").read_bytes() == b"".join(said)
        assert recording.log().count(b"\n") == len(said)
    finally:
        with trio.CancelScope(shield=True):
            await trio.run_process(["umount", mount])


async def test_offers_while_a_drain_runs_are_all_written(
    clock: trio.testing.MockClock, record: Record
) -> None:
    recording = record()
    async with recording.running():
        for n in range(2000):
            recording.say(b"%d\n" % n)
            if n % 20 == 0:
                await trio.sleep(0.05)

    raw = (recording.folder / "current.raw").read_bytes()
    assert raw == b"".join(b"%d\n" % n for n in range(2000))
    assert recording.log().count(b"|") == 2000


def test_silence_costs_nothing(record: Record) -> None:
    recording = record()

    recording.sink.offer("n1", (), Reading())

    assert recording.sink.backlog == 0


async def test_a_disk_that_hangs_delays_the_consoles_on_it_only(
    clock: trio.testing.MockClock, record: Record
) -> None:
    recording = record()
    disk, sink = recording.disk, recording.sink
    disk.mounts = {"n2": 77}
    disk.hanging = {"n2"}
    hung = sink.open_console("n2")
    reader = LineReader(hung.offset)
    async with recording.running():
        for _ in range(20):
            chunk = Chunk(AT, b"waits\n")
            assert hung.stream.append(*chunk)
            sink.offer("n2", [chunk], reader.feed([chunk]))
            recording.say(b"goes on\n")
            await trio.sleep(0.5)
        meanwhile = recording.log()
        disk.resume()

    assert meanwhile.count(b"goes on") == 20
    assert (recording.folder.parent / "n2/current.raw").read_bytes() == b"waits\n" * 20


async def test_a_stop_does_not_wait_for_a_disk_that_hangs_longer_than_told(
    clock: trio.testing.MockClock, record: Record, journal: Journal
) -> None:
    recording = record()
    recording.disk.hanging = {"n1"}
    with trio.move_on_after(20) as timeout:
        async with recording.running():
            recording.say(b"in the journal\n")
            await trio.sleep(1)

    assert timeout.cancelled_caught
    assert journal.used > 0
    recording.disk.resume()
