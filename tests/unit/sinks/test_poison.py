"""Bytes that crash the archive cost their text, or a file; never the recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from solrecd.events.lines import Chunk, Line, Lines
from solrecd.events.reading import Reading
from solrecd.process.clock import Clock
from solrecd.process.stamps import END_OF_TIME
from solrecd.storage.archive.poison import SUFFIX
from solrecd.storage.archive.sink import ArchiveLoss, ArchiveSink
from tests.support.broken_disk import BrokenDisk
from tests.unit.sinks.test_archive_sink import AT, Bench


class LossBench(Bench):
    """One that hears of losses, with a disk that may refuse."""

    def start(self) -> None:
        self.disk = BrokenDisk()
        super().start()

    def make_sink(self) -> ArchiveSink:
        self.losses: list[ArchiveLoss] = []
        return ArchiveSink(
            self.options,
            self.journal,
            on_loss=self.losses.append,
            clock=Clock(lambda: AT + 3_600_000_000),
            files=self.disk,
        )

    def drain(self) -> None:
        """Write, and hear of what is lost."""
        self.sink.drain(force=True)
        self.sink._tell_news()

    def poison(self, data: bytes) -> None:
        """Receive bytes that can be written neither with their text nor without."""
        chunk = self.receive(data)
        self.sink.offer("n1", [Chunk("never", chunk.data)], Reading())  # type: ignore[arg-type]

    def set_aside(self) -> list[bytes]:
        """Return what was set aside."""
        folder = self.log_dir / "n1"
        return [path.read_bytes() for path in folder.glob(f"*{SUFFIX}")]


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Iterator[LossBench]:
    bench = LossBench(tmp_path)
    yield bench
    bench.journal.close()


def test_text_that_crashes_costs_the_text_and_no_byte(bench: LossBench) -> None:
    bench.say(b"before\n")
    bench.drain()
    chunk = bench.receive(b"poison\n")
    lines = Lines([Line(END_OF_TIME, 7, "poison")])

    bench.sink.offer("n1", [chunk], Reading(lines))
    bench.drain()
    bench.offer([], [chunk])
    bench.say(b"after\n")
    bench.drain()

    assert b"".join(bench.read("raw")) == b"before\npoison\nafter\n"
    assert " # gap: the text of 7 bytes (a bug in solrecd)" in bench.text()
    assert " | after" in bench.text()
    assert [loss.gap.text for loss in bench.losses] == [
        "the text of 7 bytes (a bug in solrecd)"
    ]
    assert bench.journal.used == 0


def test_what_crashes_twice_is_set_aside_and_marked(bench: LossBench) -> None:
    bench.say(b"before\n")

    bench.poison(b"poison\n")
    bench.say(b"after\n")
    bench.drain()

    loss = bench.losses[-1]
    assert bench.set_aside() == [b"poison\n"]
    assert bench.read("raw") == [b"before\n", b"after\n"]
    assert loss.gap.bytes == 7
    assert f" # gap: {loss.gap.text}" in bench.text()
    assert loss.gap.text.endswith(SUFFIX)
    assert bench.journal.used == 0


def test_the_next_start_goes_on_behind_what_was_set_aside(bench: LossBench) -> None:
    bench.say(b"before\n")
    bench.poison(b"poison\n")
    bench.drain()

    bench.die()
    bench.start()

    assert bench.opened.pending == []
    assert bench.stream.offset == len(b"before\npoison\n")


def test_the_journal_keeps_what_the_disk_does_not_take(bench: LossBench) -> None:
    bench.say(b"before\n")
    bench.drain()
    bench.disk.room = 0
    bench.poison(b"poison\n")
    bench.drain()
    refused = bench.journal.used
    bench.disk.room = 1 << 40

    bench.drain()

    assert refused > 0
    assert bench.set_aside() == [b"poison\n"]
    assert bench.journal.used == 0


def test_a_stamp_that_no_text_can_show_is_archived_at_the_next_start(
    bench: LossBench,
) -> None:
    bench.say(b"before\n")
    bench.drain()
    bench.at = END_OF_TIME
    bench.receive(b"from the end of time\n")
    bench.die()

    for _ in range(3):
        bench.start()
        bench.drain()
        bench.die()
    bench.start()

    assert b"".join(bench.read("raw")) == b"before\nfrom the end of time\n"
    assert bench.opened.pending == []
