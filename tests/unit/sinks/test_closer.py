"""Closed segments are compressed so that every tool reads them, and removed in time."""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import zstandard

from solrecd.storage.archive.closer import Closer, SegmentFate
from solrecd.storage.archive.seekable import InterruptedCloseError, compress
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.retention import Retention
from solrecd.storage.formats.seektable import FRAME_SIZE, read_seek_table
from solrecd.storage.formats.vocabulary import FILE_NAME

AT = 1_795_000_000_000_000
NAME = SegmentName(1, 1, AT)
LOG = b"2026-11-18T11:06:40.000000Z | hello\n"


def make_closer(log_dir: Path, retention: Retention | None = None) -> Closer:
    return Closer(
        log_dir,
        compress=True,
        retention=retention or Retention(),
        wall_clock=lambda: AT,
    )


def make_segment(
    log_dir: Path, console: str, name: SegmentName, size: int = 50
) -> Path:
    folder = log_dir / console
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name.file("raw")).write_bytes(bytes(size))
    (folder / name.file("timing")).write_bytes(b"H 0.000000 START_TIME x\n")
    (folder / name.file("log")).write_bytes(LOG)
    return folder


def make_segments(log_dir: Path, names: list[SegmentName]) -> Path:
    for name in names:
        make_segment(log_dir, "n1", name)
    return log_dir / "n1"


def test_a_closed_segment_is_compressed_and_its_originals_go(tmp_path: Path) -> None:
    folder = make_segment(tmp_path, "n1", NAME)
    closer = make_closer(tmp_path)
    closer.add("n1", NAME)

    changes = closer.work()

    assert {path.name for path in folder.iterdir()} == {
        FILE_NAME,
        *(NAME.file(kind, closed=True) for kind in ("raw", "timing", "log")),
    }
    assert [change.fate for change in changes] == [SegmentFate.CLOSED]
    packed = (folder / NAME.file("log", closed=True)).read_bytes()
    assert zstandard.ZstdDecompressor().stream_reader(packed).read() == LOG


def test_frames_hold_whole_lines_and_the_seek_table_finds_them(tmp_path: Path) -> None:
    rng = random.Random(2)
    lines = [b"%d %d\n" % (n, rng.getrandbits(300)) for n in range(25_000)]
    source, target = tmp_path / "a.log", tmp_path / "a.log.zst"
    source.write_bytes(b"".join(lines))

    compress(source, target, lambda: False)

    with target.open("rb") as file:
        frames = read_seek_table(file)
        file.seek(frames[0].compressed)
        second = zstandard.ZstdDecompressor().decompress(
            file.read(frames[1].compressed)
        )
    assert len(frames) == source.stat().st_size // FRAME_SIZE + 1
    start = frames[0].size
    assert second == source.read_bytes()[start : start + frames[1].size]
    assert all(line.endswith(b"\n") for line in second.splitlines(keepends=True))


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")
@pytest.mark.parametrize("size", [0, 1, FRAME_SIZE, 3 * FRAME_SIZE + 7])
def test_zstd_s_own_tools_read_it(tmp_path: Path, size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    source, target = tmp_path / "a.raw", tmp_path / "a.raw.zst"
    source.write_bytes(data)

    compress(source, target, lambda: False)

    tested = subprocess.run(["zstd", "-q", "-t", target], check=False)
    listed = subprocess.run(
        ["zstd", "-l", target], check=False, capture_output=True, text=True
    )
    printed = subprocess.run(["zstdcat", target], check=False, capture_output=True)
    assert tested.returncode == listed.returncode == 0
    assert printed.stdout == data


def test_an_interrupted_close_leaves_the_original_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "a.raw", tmp_path / "a.raw.zst"
    source.write_bytes(b"x")

    with pytest.raises(InterruptedCloseError):
        compress(source, target, lambda: True)

    assert [path.name for path in tmp_path.iterdir()] == ["a.raw"]


@pytest.mark.parametrize("kind", ["raw", "timing", "log"])
def test_a_close_interrupted_at_any_file_is_finished_later(
    tmp_path: Path, kind: str
) -> None:
    folder = make_segment(tmp_path, "n1", NAME)
    original = (folder / NAME.file(kind)).read_bytes()
    compress(
        folder / NAME.file(kind), folder / NAME.file(kind, closed=True), lambda: False
    )
    closer = make_closer(tmp_path)
    closer.add("n1", NAME)

    closer.work()

    packed = (folder / NAME.file(kind, closed=True)).read_bytes()
    assert len(list(folder.glob("20*"))) == 3
    assert zstandard.ZstdDecompressor().stream_reader(packed).read() == original


def test_what_cannot_be_closed_is_told_and_tried_again(tmp_path: Path) -> None:
    folder = make_segment(tmp_path, "n1", NAME)
    obstacle = folder / f"{NAME.file('log', closed=True)}.tmp"
    obstacle.mkdir()
    now = [AT]
    closer = Closer(
        tmp_path,
        compress=True,
        retention=Retention(),
        wall_clock=lambda: now[0],
        monotonic=lambda: now[0] / 1e6,
    )
    closer.add("n1", NAME)

    first = closer.work()
    error = closer.error
    obstacle.rmdir()
    now[0] += 60_000_000
    due = closer.due
    second = closer.work()

    assert (first, len(second), due) == ([], 1, True)
    assert isinstance(error, IsADirectoryError)
    assert closer.error is None


def test_without_compression_files_stay_as_they_are(tmp_path: Path) -> None:
    folder = make_segment(tmp_path, "n1", NAME)
    closer = Closer(
        tmp_path, compress=False, retention=Retention(), wall_clock=lambda: AT
    )
    closer.add("n1", NAME)

    changes = closer.work()

    assert len(changes) == 1
    assert (folder / NAME.file("log")).read_bytes() == LOG


def test_retention_never_takes_the_newest_segment(tmp_path: Path) -> None:
    names = [SegmentName(boot, 1, AT) for boot in (1, 2, 3)]
    folder = make_segments(tmp_path, names)
    closer = make_closer(tmp_path, Retention(total_size=0))

    changes = closer.work()

    assert [(change.fate, change.name) for change in changes] == [
        (SegmentFate.REMOVED, names[0]),
        (SegmentFate.REMOVED, names[1]),
    ]
    assert len(list(folder.iterdir())) == 3


def test_retention_by_age_counts_from_the_last_byte(tmp_path: Path) -> None:
    names = [SegmentName(boot, 1, AT) for boot in (1, 2, 3)]
    folder = make_segments(tmp_path, names)
    for path in folder.iterdir():
        seconds = AT // 1_000_000 - (100 if "000001" in path.name else 10)
        os.utime(path, (seconds, seconds))
    closer = make_closer(tmp_path, Retention(age=50_000_000))

    changes = closer.work()

    assert [change.name.boot for change in changes] == [1]


def test_other_files_in_the_log_folder_are_left_alone(tmp_path: Path) -> None:
    make_segment(tmp_path, "n1", NAME)
    (tmp_path / "n1" / "README").touch()
    (tmp_path / "loose").touch()

    make_closer(tmp_path, Retention(total_size=0)).work()

    assert (tmp_path / "n1" / "README").exists()
    assert (tmp_path / "loose").exists()


def test_the_oldest_closed_segments_go_when_the_disk_has_no_room(
    tmp_path: Path,
) -> None:
    names = [SegmentName(boot, 1, AT + boot) for boot in (1, 2, 3, 4)]
    folder = make_segments(tmp_path, names)
    for name in names:
        for path in folder.glob(f"{name.file('log').removesuffix('log')}*"):
            os.utime(path, (name.boot, name.boot))
    closer = make_closer(tmp_path)
    closer.work()

    oldest = names[0].file("log").removesuffix("log")
    closer.make_room(1 + sum(p.stat().st_size for p in folder.glob(f"{oldest}*")))
    changes = closer.work()

    assert [(change.fate, change.name.boot) for change in changes] == [
        (SegmentFate.EVICTED, 1),
        (SegmentFate.EVICTED, 2),
    ]
    assert not closer.due


def test_what_retention_allows_goes_at_once_when_room_gets_short(
    tmp_path: Path,
) -> None:
    now = [AT]
    closer = Closer(
        tmp_path,
        compress=True,
        retention=Retention(boots=2),
        wall_clock=lambda: now[0],
        monotonic=lambda: now[0] / 1e6,
    )
    closer.work()
    make_segments(tmp_path, [SegmentName(boot, 1, AT + boot) for boot in (1, 2, 3)])
    now[0] += 1
    due_by_itself = closer.due

    closer.tidy()
    changes = closer.work() if closer.due else []

    assert not due_by_itself
    assert [(change.fate, change.name.boot) for change in changes] == [
        (SegmentFate.REMOVED, 1)
    ]


def test_the_open_segment_stays_however_little_room_there_is(tmp_path: Path) -> None:
    folder = make_segments(tmp_path, [NAME])
    closer = make_closer(tmp_path)

    closer.make_room(1 << 40)

    assert closer.work() == []
    assert len(list(folder.iterdir())) == 3


class Clocks:
    """A wall clock that may jump, and one that does not."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ahead = 0
        """Seconds that the wall clock is ahead of what it should show."""
        self.steady = math.inf
        """Seconds since it has jumped last."""

    def wall(self) -> int:
        """Return a stamp."""
        return AT + int((self.seconds + self.ahead) * 1e6)


def make_aging(log_dir: Path, clocks: Clocks) -> Closer:
    """Return a closer that keeps a day."""
    return Closer(
        log_dir,
        compress=True,
        retention=Retention(age=86_400_000_000),
        wall_clock=clocks.wall,
        monotonic=lambda: clocks.seconds,
        steady_for=lambda: clocks.steady,
    )


def make_aged(log_dir: Path, boots: int) -> None:
    """Make segments whose last byte is from `AT`."""
    folder = make_segments(log_dir, [SegmentName(n, 1, AT) for n in range(boots)])
    for path in folder.iterdir():
        os.utime(path, (AT / 1e6, AT / 1e6))


def test_nothing_is_too_old_by_a_clock_that_has_just_jumped(tmp_path: Path) -> None:
    make_aged(tmp_path, 3)
    clocks = Clocks()
    closer = make_aging(tmp_path, clocks)

    clocks.ahead, clocks.steady = 365 * 86_400, 0.0
    at_once = closer.work()
    clocks.seconds, clocks.steady = 3599.0, 3599.0
    before_an_hour = closer.work()
    clocks.seconds, clocks.steady = 3600.0, 3600.0
    after_an_hour = closer.work()

    assert at_once == before_an_hour == []
    assert [change.name.boot for change in after_an_hour] == [0, 1]


def test_the_next_look_comes_in_an_hour_wherever_the_clock_has_been(
    tmp_path: Path,
) -> None:
    clocks = Clocks()
    closer = make_aging(tmp_path, clocks)

    clocks.ahead = 365 * 86_400
    closer.work()
    clocks.ahead = 0
    clocks.seconds = 3599.0
    early = closer.due
    clocks.seconds = 3600.0

    assert (early, closer.due) == (False, True)


def test_retention_waits_for_copies_and_so_do_later_segments(tmp_path: Path) -> None:
    names = [SegmentName(boot, 1, AT) for boot in (1, 2, 3, 4)]
    make_segments(tmp_path, names)
    for name in names:
        make_segment(tmp_path, "n2", name)
    copied = {("n1", names[0]), ("n1", names[2]), *(("n2", name) for name in names)}
    closer = Closer(
        tmp_path,
        compress=True,
        retention=Retention(boots=1),
        wall_clock=lambda: AT,
        is_copied=lambda console, name: (console, name) in copied,
    )

    removed = {(change.console, change.name) for change in closer.work()}

    assert removed == {("n1", names[0]), *(("n2", name) for name in names[:3])}


def test_room_that_is_needed_waits_for_no_copy(tmp_path: Path) -> None:
    names = [SegmentName(boot, 1, AT) for boot in (1, 2)]
    make_segments(tmp_path, names)
    closer = Closer(
        tmp_path,
        compress=True,
        retention=Retention(boots=1),
        wall_clock=lambda: AT,
        is_copied=lambda _console, _name: False,
    )
    closer.make_room(1)

    changes = closer.work()

    assert [change.fate for change in changes] == [SegmentFate.EVICTED]
