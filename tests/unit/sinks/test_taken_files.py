"""What others do to files that are being written: noticed, marked, and gone on from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solrecd.storage.archive.lane import INSPECTION
from solrecd.storage.archive.sink import (
    ArchiveError,
    ArchiveLoss,
    ArchiveSink,
    ArchiveTrouble,
)
from solrecd.storage.journal import Journal
from tests.unit.sinks.test_archive_sink import SIZE, Bench


class WatchedBench(Bench):
    """One that hears of losses and of trouble; time passes as it is told to."""

    def make_sink(self) -> ArchiveSink:
        self.losses: list[ArchiveLoss] = []
        self.troubles: list[ArchiveTrouble] = []
        self.now = 0.0
        return ArchiveSink(
            self.options,
            self.journal,
            on_loss=self.losses.append,
            on_trouble=self.troubles.append,
        )

    @property
    def folder(self) -> Path:
        return self.log_dir / "n1"

    def current(self, kind: str) -> Path:
        """Return the open file of a kind."""
        return (self.folder / f"current.{kind}").resolve(strict=True)

    def later(self) -> None:
        """Let the archive look at its files."""
        self.now += INSPECTION
        self.sink.drain(self.now)
        self.sink._tell_news()


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Iterator[WatchedBench]:
    bench = WatchedBench(tmp_path)
    bench.say(b"BOOT 1\none\n")
    bench.later()
    yield bench
    bench.journal.close()


def _rename(path: Path) -> None:
    path.rename(path.with_name(f"{path.name}.1"))


def _rotate(path: Path) -> None:
    """Do as logrotate does with ``create``."""
    _rename(path)
    path.touch()


def _move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    """Do as logrotate does with ``copytruncate``."""
    os.truncate(path, 0)


ACTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "renamed": (_rename, "was moved away"),
    "rotated": (_rotate, "was replaced"),
    "removed": (Path.unlink, "was removed"),
    "folder moved": (_move_folder, "was moved away"),
    "cut": (_halve, "lost"),
    "emptied": (_empty, "lost"),
}


@pytest.mark.parametrize("kind", ["log", "raw", "timing"])
@pytest.mark.parametrize("act", ACTS)
def test_it_is_noticed_on_a_quiet_console_and_a_new_part_begun(
    bench: WatchedBench, act: str, kind: str
) -> None:
    path = bench.current("log").with_suffix(f".{kind}")
    do, words = ACTS[act]

    do(path)
    bench.later()

    (loss,) = bench.losses
    log = bench.current("log")
    assert log.stem.endswith(".part-0002")
    assert words in loss.gap.text
    assert loss.gap.text in log.read_text()


@pytest.mark.parametrize("act", ACTS)
def test_what_is_printed_next_is_recorded_in_the_new_part(
    bench: WatchedBench, act: str
) -> None:
    ACTS[act][0](bench.current("log"))
    bench.say(b"two\n")
    bench.later()
    bench.say(b"three\n")
    bench.later()

    assert len(bench.losses) == 1
    assert bench.current("raw").read_bytes() == b"two\nthree\n"
    assert [line[27:] for line in bench.current("log").read_text().splitlines()][
        1:
    ] == [
        " | two",
        " | three",
    ]


def test_bytes_that_are_gone_are_counted(bench: WatchedBench) -> None:
    os.truncate(bench.current("raw"), 4)

    bench.later()

    (loss,) = bench.losses
    assert loss.gap.bytes == len(b"BOOT 1\none\n") - 4


def test_files_as_they_were_written_are_left_alone(bench: WatchedBench) -> None:
    for _ in range(3):
        bench.later()

    assert not bench.losses
    assert not bench.troubles
    assert bench.current("log").stem.endswith("boot-000001")


def test_a_log_folder_that_is_gone_is_trouble_until_it_is_back(
    bench: WatchedBench,
) -> None:
    away = bench.log_dir.with_name("away")
    bench.log_dir.rename(away)
    bench.later()
    away.rename(bench.log_dir)
    bench.later()

    assert [trouble.error is None for trouble in bench.troubles] == [False, True]
    assert bench.losses == []


def test_a_start_takes_what_was_cut_off_from_the_journal(bench: WatchedBench) -> None:
    bench.die()
    os.truncate(bench.current("raw"), 4)

    bench.start()
    bench.say(b"two\n")
    bench.later()

    assert bench.read("raw") == [b"BOOT 1\none\ntwo\n"]
    assert not bench.opened.losses
    assert not bench.losses


def test_a_start_marks_what_was_cut_off_and_is_nowhere_else(
    bench: WatchedBench,
) -> None:
    bench.die()
    bench.journal_path.unlink()
    os.truncate(bench.current("raw"), 4)

    bench.start()
    bench.say(b"two\n")
    bench.later()

    (gap,) = bench.opened.losses
    assert (gap.text, gap.bytes) == ("7 bytes of this log were lost", 7)
    assert bench.read("raw") == [b"BOOTtwo\n"]
    assert " # gap: 7 bytes of this log were lost" in bench.text()


def test_what_was_set_aside_is_told_when_a_later_attempt_to_open_succeeds(
    bench: WatchedBench,
) -> None:
    bench.die()
    timing = bench.current("log").with_suffix(".timing")
    kept = timing.rename(timing.with_name("kept"))
    timing.symlink_to(timing.name)
    bench.current("log").with_suffix(".log.zst").mkdir()
    bench.journal = Journal.open(bench.journal_path, SIZE)
    sink = bench.make_sink()

    with pytest.raises(ArchiveError):
        sink.open_console("n1")
    kept.replace(timing)
    opened = sink.open_console("n1")

    (gap,) = opened.losses
    assert gap.text.startswith("what lay under the name of a file is now ")
