"""A disk that refuses costs only time: nothing is lost, nothing written twice."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings, strategies as st

from solrecd.events.lines import Chunk, Line, Lines
from solrecd.events.reading import Reading
from solrecd.storage.archive import sink
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink
from solrecd.storage.formats.names import parse_file_name
from solrecd.storage.journal import Journal
from tests.support.broken_disk import BrokenDisk
from tests.support.reader import LineReader

AT = 1_795_000_000_000_000


class Daemon:
    """One console on a disk of our making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = BrokenDisk()
        self.start()

    def start(self) -> None:
        """Open everything."""
        self.journal = Journal.open(self.folder / "journal", 1 << 20)
        options = ArchiveOptions(self.folder / "log")
        self.sink = ArchiveSink(options, self.journal, files=self.disk)
        self.sink.prepare()
        opened = self.sink.open_console("n1")
        self.stream = opened.stream
        self.reader = LineReader(opened.offset, opened.boot)
        self.sink.offer("n1", (), self.reader.feed(opened.restored))
        self.sink.offer("n1", opened.pending, self.reader.feed(opened.pending))

    def say(self, data: bytes) -> bool:
        """Receive and offer a packet; False when the journal refuses it."""
        chunk = Chunk(AT, data)
        if not self.stream.append(*chunk):
            return False
        self.sink.offer("n1", [chunk], self.reader.feed([chunk]))
        return True

    def drain(self) -> None:
        """Drain, whatever the back-off says."""
        self.sink.drain(force=True)

    def read(self, kind: str) -> bytes:
        """Return the content of all files of a kind."""
        paths = {parse_file_name(p.name): p for p in (self.folder / "log/n1").iterdir()}
        files = sorted(file for file in paths if file and file.kind == kind)
        return b"".join(paths[file].read_bytes() for file in files)


@pytest.fixture(name="daemon")
def _daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.journal.close()


def test_the_backlog_is_what_the_disk_has_not_taken(daemon: Daemon) -> None:
    before = daemon.sink.backlog
    daemon.disk.error = errno.EIO
    daemon.say(bytes(100))
    daemon.drain()

    waiting = daemon.sink.backlog
    daemon.disk.error = None
    daemon.drain()

    assert before == daemon.sink.backlog == 0
    assert waiting >= 100


def test_the_backlog_forgets_a_console_that_is_read_back_from_the_journal(
    daemon: Daemon,
) -> None:
    daemon.disk.error = errno.EIO
    daemon.say(bytes(100))
    daemon.drain()
    daemon.sink.close_console("n1")

    waiting = daemon.sink.backlog
    daemon.sink.open_console("n1")

    assert waiting >= 100
    assert daemon.sink.backlog == 0


@pytest.mark.parametrize(
    "error", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT]
)
def test_what_a_disk_refuses_is_written_when_it_recovers(
    daemon: Daemon, error: int
) -> None:
    daemon.say(b"before\n")
    daemon.drain()
    daemon.disk.error = error
    daemon.say(b"during\n")
    daemon.drain()
    daemon.say(b"BOOT 5\nalso\n")
    daemon.drain()
    daemon.disk.error = None
    daemon.drain()

    assert daemon.read("raw") == b"before\nduring\nBOOT 5\nalso\n"
    assert daemon.read("log").count(b"|") == 4
    assert daemon.journal.used == 0


def test_a_console_that_begins_on_a_full_disk_is_recorded(daemon: Daemon) -> None:
    daemon.disk.room = 0
    daemon.say(b"first\n")
    daemon.drain()
    daemon.disk.room = 1 << 20
    daemon.drain()

    assert daemon.read("raw") == b"first\n"


def test_a_header_torn_by_a_full_disk_is_completed_before_anything_else(
    daemon: Daemon,
) -> None:
    daemon.say(b"BOOT 1\n")
    daemon.drain()
    daemon.say(b"BOOT 2\n")
    for _ in range(3):
        daemon.disk.room = 1
        daemon.drain()
    daemon.journal.close()
    daemon.start()
    daemon.disk.room = 1 << 20
    daemon.drain()

    assert daemon.read("raw") == b"BOOT 1\nBOOT 2\n"


def test_a_start_on_a_full_disk_loses_nothing(daemon: Daemon) -> None:
    daemon.say(b"BOOT 1\narchi")
    daemon.drain()
    daemon.disk.room = 3
    daemon.say(b"ved\nlast\n")
    daemon.drain()
    for _ in range(2):
        daemon.journal.close()
        daemon.start()
        daemon.drain()
    daemon.disk.room = 1 << 20
    daemon.drain()

    assert daemon.read("raw") == b"BOOT 1\narchived\nlast\n"
    assert daemon.read("log").count(b"|") == 3


def test_the_journal_keeps_what_a_disk_refuses(daemon: Daemon) -> None:
    daemon.disk.error = errno.EIO
    daemon.say(b"x")
    daemon.drain()

    assert daemon.journal.used == 4096


def test_a_console_on_a_dead_disk_is_refused_in_the_end(daemon: Daemon) -> None:
    daemon.disk.error = errno.EIO
    said = 0
    while daemon.say(b"x" * 254 + b"\n"):
        said += 255
        daemon.sink.drain()
    daemon.disk.error = None
    daemon.drain()

    assert said > 100_000
    assert len(daemon.read("raw")) == said
    assert daemon.say(b"again")


def test_memory_is_bounded_before_the_journal_is_full(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "CONSOLE_BACKLOG", 5000)
    daemon.disk.error = errno.EIO
    daemon.say(b"x")
    lines = Lines(Line(AT, n, "") for n in range(100))
    daemon.sink.offer("n1", (), Reading(lines=lines))

    said = 0
    while daemon.say(bytes(255)):
        said += 255

    assert said < 4096


def test_trouble_is_told_once_per_change(tmp_path: Path) -> None:
    told: list[int | None] = []
    daemon = Daemon(tmp_path)
    for error in (None, errno.EIO, errno.EIO, errno.ENOSPC, None, None):
        daemon.disk.error = error
        daemon.say(b"x\n")
        daemon.drain()
    daemon.sink._on_trouble = lambda trouble: told.append(
        trouble.error.errno if trouble.error else None
    )
    daemon.sink._tell_news()
    daemon.journal.close()

    assert told == [errno.EIO, errno.ENOSPC, None]


def test_a_disk_that_refuses_is_not_asked_all_the_time(daemon: Daemon) -> None:
    daemon.disk.room = 0
    daemon.say(b"x\n")
    for _ in range(50):
        daemon.sink.drain()

    assert daemon.disk.writes == 1


@settings(max_examples=40, deadline=None)
@example(steps=[(b"\n", 1000, False), (b"BOOT 2\n", 1, False), (b"x", 1, True)])
@given(
    steps=st.lists(
        st.tuples(
            st.one_of(
                st.binary(min_size=1, max_size=30),
                st.sampled_from([b"BOOT 2\nx", b"\n", b"BOOT 3\n", b"a\nb\nc"]),
            ),
            st.sampled_from([0, 1, 5, 20, 100, 1000, None]),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_any_pattern_of_short_writes_and_kills_writes_every_byte_once(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[bytes, int | None, bool]],
) -> None:
    daemon = Daemon(tmp_path_factory.mktemp("disk"))
    daemon.say(b"begin\n")
    for data, room, kill in steps:
        assert daemon.say(data)
        daemon.disk.room = 1 << 40 if room is None else room
        daemon.drain()
        if kill:
            daemon.journal.close()
            daemon.start()
    daemon.disk.room = 1 << 40
    daemon.drain()
    daemon.journal.close()

    said = b"begin\n" + b"".join(data for data, _, _ in steps)
    reading = LineReader().feed([Chunk(AT, said)])
    texts = [line.text for line in reading.lines]
    texts += [reading.tail.text] if reading.tail else []
    logged = [line[30:] for line in daemon.read("log").decode().split("\n")]
    assert daemon.read("raw") == said
    assert [text for text in logged if text] == [text for text in texts if text]
