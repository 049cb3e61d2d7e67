"""A kill -9 between any two writes, or in one: every byte and line is kept, once."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import example, given, settings, strategies as st

from solrecd.events.lines import Chunk
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink
from solrecd.storage.formats.names import parse_file_name
from solrecd.storage.formats.retention import SegmentLimits
from solrecd.storage.journal import Journal
from tests.support.mortal_disk import Killed, MortalDisk
from tests.support.reader import LineReader

AT = 1_795_000_000_000_000


class Daemon:
    """One console, and a disk on which its process can be killed."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.disk = MortalDisk()
        self.said = b""
        self.notes: list[str] = []
        self._limits = SegmentLimits(size=limit)
        self._at = AT
        self._start()

    def _start(self) -> None:
        self.journal = Journal.open(self.folder / "journal", 1 << 20)
        options = ArchiveOptions(self.folder / "log", limits=self._limits)
        self.sink = ArchiveSink(options, self.journal, files=self.disk)
        self.sink.prepare()
        opened = self.sink.open_console("n1")
        self.stream = opened.stream
        self.reader = LineReader(opened.offset, opened.boot)
        self.sink.offer("n1", (), self.reader.feed(opened.restored))
        self.sink.offer("n1", opened.pending, self.reader.feed(opened.pending))

    def say(self, data: bytes) -> None:
        """Receive and offer a packet."""
        self._at += 1000
        chunk = Chunk(self._at, data)
        assert self.stream.append(*chunk)
        self.said += data
        self.sink.offer("n1", [chunk], self.reader.feed([chunk]))

    def hear(self, packet: bytes) -> None:
        """Live through what is a packet, or stands for something else."""
        if packet == BREAK_OFF:
            self.break_off()
        elif packet == NOTE:
            self.note()
        else:
            self.say(packet)

    def break_off(self) -> None:
        """Learn that nothing will be added to the line, as when power goes."""
        self.sink.offer("n1", (), self.reader.break_off())

    def note(self) -> None:
        """Note something of our own."""
        self._at += 1000
        self.notes.append(f"note {len(self.notes)}")
        self.sink.note("n1", self._at, self.notes[-1])

    def drain(
        self, *, left: int | None = None, torn: int = 0, room: int | None = None
    ) -> None:
        """Drain; be killed by the call after so many others, and start again.

        Args:
            left: the calls before that one; None: it is not killed.
            torn: bytes that it still gets out.
            room: bytes until the disk is full; None: it is not.
        """
        self.disk.left, self.disk.torn, self.disk.room = left, torn, room
        try:
            self.sink.drain(force=True)
        except Killed:
            self.restart()
        self.disk.left = self.disk.room = None

    def restart(self) -> None:
        """Be killed between two drains."""
        self.journal.close()
        self.disk.bury()
        self._start()

    def read(self, kind: str) -> bytes:
        """Return the content of all files of a kind."""
        paths = {parse_file_name(p.name): p for p in (self.folder / "log/n1").iterdir()}
        files = sorted(file for file in paths if file and file.kind == kind)
        return b"".join(paths[file].read_bytes() for file in files)

    def text(self) -> list[str]:
        """Return the logged lines of output without stamps and marks."""
        return self._marked("|")

    def noted(self) -> list[str]:
        """Return the logged notes."""
        return self._marked("#")

    def _marked(self, mark: str) -> list[str]:
        lines = self.read("log").decode().splitlines()
        return [line[30:] for line in lines if line[28] == mark]


def lines_of(said: bytes) -> list[str]:
    """Return what the log of these bytes has to be."""
    reading = LineReader().feed([Chunk(AT, said)])
    tail = [reading.tail] if reading.tail else []
    return [line.text for line in [*reading.lines, *tail]]


@dataclass(frozen=True, slots=True)
class Step:
    """Packets, and the drain that follows them."""

    packets: list[bytes]
    left: int | None = None
    """Calls until it is killed."""
    torn: int = 0
    room: int | None = None
    """Bytes until the disk is full."""


WHOLE = st.lists(st.sampled_from([b"a\n", b"bc\n", b"def\nghij\n"]), max_size=4)
PIECES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=12),
        st.sampled_from([b"BOOT 2\n", b"BOOT 3\nx", b"\n", b"ab", b"c\nd"]),
    ),
    max_size=4,
)
BREAK_OFF, NOTE = b"(break off)", b"(note)"
"""In place of a packet."""

MIXED = st.lists(
    st.sampled_from(
        [b"a\n", b"def\nghij\n", b"kl", b"m\nn", BREAK_OFF, NOTE, b"BOOT 2\n"]
    ),
    max_size=6,
)
LEFT = st.one_of(st.none(), st.integers(0, 16))


def steps_of(
    packets: st.SearchStrategy[list[bytes]], torn: st.SearchStrategy[int]
) -> st.SearchStrategy[list[Step]]:
    """Return drains of such packets, many of them killed."""
    step = st.builds(Step, packets, LEFT, torn)
    return st.lists(step, max_size=12)


def run(steps: list[Step], limit: int) -> None:
    """Live through the steps, and see that all is there."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        daemon = Daemon(Path(folder), limit)
        daemon.say(b"begin\n")
        for step in steps:
            for packet in step.packets:
                daemon.say(packet)
            daemon.drain(left=step.left, torn=step.torn)
        daemon.drain()
        daemon.journal.close()
        daemon.disk.bury()

        assert daemon.read("raw") == daemon.said
        assert daemon.text() == lines_of(daemon.said)


# Two lines in a full part; the restart has them in the raw file and in the journal has
# another, which begins the next part; that one is killed before its log is written.
@settings(max_examples=60, deadline=None)
@example(steps=[Step([b"a\n"]), Step([b"a\n"], left=0), Step([], left=5)], limit=1)
@given(steps=steps_of(WHOLE, torn=st.just(0)), limit=st.sampled_from([1, 20, 1 << 20]))
def test_any_kills_between_writes_keep_every_byte_and_line_once(
    steps: list[Step], limit: int
) -> None:
    run(steps, limit)


@settings(max_examples=100, deadline=None)
@example(steps=[Step([], left=6, torn=1), Step([], left=7)], limit=1)
@example(steps=[Step([b"a"]), Step([b"b"], left=3)], limit=1)
@given(
    steps=steps_of(PIECES, torn=st.integers(0, 40)),
    limit=st.sampled_from([1, 20, 1 << 20]),
)
def test_any_kills_in_writes_keep_lines_that_come_in_pieces(
    steps: list[Step], limit: int
) -> None:
    run(steps, limit)


def test_a_damaged_timing_costs_no_line_where_one_was_broken_off(
    tmp_path: Path,
) -> None:
    daemon = Daemon(tmp_path, 1 << 20)
    for packet in (b"one\nkl", BREAK_OFF, b"m\nthree\n", b"four\n"):
        daemon.hear(packet)
    daemon.drain()
    daemon.journal.close()
    (timing,) = (tmp_path / "log/n1").glob("*.timing")
    text = timing.read_bytes()
    timing.write_bytes(text[: text.index(b"SOLRECD_MARK")])
    daemon.disk.bury()
    daemon._start()

    daemon.drain()
    daemon.restart()
    daemon.drain()
    daemon.say(b"five\n")
    daemon.drain()
    daemon.journal.close()
    daemon.disk.bury()

    assert daemon.text() == ["one", "kl", "m", "three", "four", "five"]


# A line that ended without a byte that ends it is two in the log and one in a replay.
@settings(max_examples=200, deadline=None)
@example(
    steps=[Step([b"kl", BREAK_OFF, b"m\na\n", b"a\n"]), Step([], left=0)],
    limit=1 << 20,
)
@example(
    steps=[Step([NOTE]), Step([b"a\n"], left=0), Step([], left=7)],
    limit=1,
)
@given(
    steps=st.lists(
        st.builds(
            Step, MIXED, LEFT, st.integers(0, 40), st.none() | st.integers(0, 300)
        ),
        max_size=12,
    ),
    limit=st.sampled_from([1, 20, 1 << 20]),
)
def test_any_kills_and_full_disks_keep_every_byte_and_note_where_lines_are_broken_off(
    steps: list[Step], limit: int
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        daemon = Daemon(Path(folder), limit)
        daemon.say(b"begin\n")
        for step in steps:
            for packet in step.packets:
                daemon.hear(packet)
            daemon.drain(left=step.left, torn=step.torn, room=step.room)
        daemon.restart()
        daemon.drain()
        daemon.journal.close()
        daemon.disk.bury()

        assert daemon.read("raw") == daemon.said
        assert "".join(daemon.text()) == "".join(lines_of(daemon.said))
        assert daemon.noted() == daemon.notes
