"""The archive: what was offered is in the files, once, whatever happens."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.events.lines import Chunk, Line, Lines
from solrecd.events.reading import Cut, Reading
from solrecd.storage.archive.files import OsFileSystem
from solrecd.storage.archive.recovery import TIMING_TAIL
from solrecd.storage.archive.seekable import compress
from solrecd.storage.archive.sink import ArchiveError, ArchiveOptions, ArchiveSink
from solrecd.storage.formats.lines import TextFormat
from solrecd.storage.formats.names import SegmentName, parse_file_name
from solrecd.storage.formats.retention import SegmentLimits
from solrecd.storage.formats.timing import Timing
from solrecd.storage.journal import Journal
from tests.support.reader import LineReader

AT = 1_795_000_000_000_000
SIZE = 1 << 18


class Bench:
    """A journal and an archive in a folder, and a daemon's way of using them."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.log_dir = folder / "log"
        self.journal_path = folder / "journal"
        self.options = ArchiveOptions(self.log_dir, **options)  # type: ignore[arg-type]
        self.at = AT
        self.lines: list[Line] = []
        self.start()

    def start(self) -> None:
        """Open everything, as a daemon does after a kill -9 of the one before."""
        self.journal = Journal.open(self.journal_path, SIZE)
        self.sink = self.make_sink()
        self.sink.prepare()
        self.opened = self.sink.open_console("n1")
        self.stream = self.opened.stream
        self.reader = LineReader(self.opened.offset, self.opened.boot)
        self.offer([], self.opened.restored)
        for gap in self.opened.losses:
            self.sink.note("n1", gap.since or self.at, f"gap: {gap.text}", gap.offset)
        self.offer(self.opened.pending, self.opened.pending)

    def make_sink(self) -> ArchiveSink:
        """Return an archive on this bench's journal."""
        return ArchiveSink(self.options, self.journal)

    def die(self) -> None:
        """End without a drain: what a kill -9 leaves behind."""
        self.journal.close()

    def receive(self, data: bytes) -> Chunk:
        """Put a packet into the journal."""
        self.at += 1000
        chunk = Chunk(self.at, data)
        assert self.stream.append(*chunk)
        return chunk

    def offer(self, chunks: Sequence[Chunk], read: Sequence[Chunk]) -> None:
        """Let bytes be understood and hand them to the archive."""
        reading = self.reader.feed(read)
        self.lines += reading.lines
        self.sink.offer("n1", chunks, reading)

    def say(self, data: bytes) -> None:
        """Receive and offer one packet."""
        chunk = self.receive(data)
        self.offer([chunk], [chunk])

    def segments(self) -> list[SegmentName]:
        """Return the segments that are there, in order."""
        names = [path.name for path in (self.log_dir / "n1").iterdir()]
        files = map(parse_file_name, names)
        return sorted({file.segment for file in files if file is not None})

    def read(self, kind: str) -> list[bytes]:
        """Return the content of all open files of a kind, in order."""
        folder = self.log_dir / "n1"
        return [(folder / name.file(kind)).read_bytes() for name in self.segments()]

    def byte_stamps(self) -> list[int]:
        """Return the stamp that the timing has for each byte."""
        packets = [
            p for text in self.read("timing") for p in Timing.parse(text).packets
        ]
        return [packet.at for packet in packets for _ in range(packet.size)]

    def text(self) -> list[str]:
        """Return the text lines of all logs without their stamps."""
        return [line[27:] for line in b"".join(self.read("log")).decode().splitlines()]


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.journal.close()


def test_bytes_timing_and_text_are_written_by_one_drain(bench: Bench) -> None:
    bench.say(b"BOOT 1\nhello\nlog")

    bench.sink.drain()

    assert bench.read("raw") == [b"BOOT 1\nhello\nlog"]
    assert bench.text() == [" | BOOT 1", " | hello", " | log"]
    assert bench.read("timing")[0].endswith(b"SOLRECD_NOTED 0\nO 0.000000 16\n")


def test_files_have_the_contract_s_names_and_links(bench: Bench) -> None:
    bench.say(b"BOOT 42\n")

    bench.sink.drain()

    stem = "20261118T110640.001000Z.boot-000042"
    folder = bench.log_dir / "n1"
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}.log",
        f"{stem}.raw",
        f"{stem}.timing",
        "current.log",
        "current.raw",
    }
    assert (folder / "current.log").readlink() == Path(f"{stem}.log")


def test_operators_can_read_what_is_written(bench: Bench) -> None:
    bench.say(b"x")

    bench.sink.drain()

    folder = bench.log_dir / "n1"
    assert folder.stat().st_mode & 0o7777 == 0o2750
    assert (folder / "current.log").stat().st_mode & 0o777 == 0o640


def test_a_drain_gives_the_journal_its_room_back(bench: Bench) -> None:
    for _ in range(100):
        bench.say(bytes(128))

    before = bench.journal.used
    bench.sink.drain()

    assert before > 0
    assert bench.journal.used == 0


def test_links_that_are_right_stay_and_others_are_replaced(tmp_path: Path) -> None:
    link, files = tmp_path / "current.raw", OsFileSystem()
    files.link(link, "a.raw")
    first = link.lstat().st_ino
    files.link(link, "a.raw")
    second = link.lstat().st_ino

    files.link(link, "b.raw")

    assert first == second
    assert link.readlink() == Path("b.raw")


def test_an_unfinished_line_that_goes_on_is_appended_to(bench: Bench) -> None:
    bench.say(b"login: ")
    bench.sink.drain()
    inode = (bench.log_dir / "n1" / "current.log").stat().st_ino
    bench.say(b"root\nnext")
    bench.sink.drain()

    assert bench.text() == [" | login: root", " | next"]
    assert (bench.log_dir / "n1" / "current.log").stat().st_ino == inode


def test_an_unfinished_line_that_changes_is_written_again(bench: Bench) -> None:
    bench.sink.offer("n1", (), Reading(tail=Line(AT, 0, "10 %")))
    bench.sink.drain()
    bench.sink.offer("n1", (), Reading(tail=Line(AT, 0, "9 %")))
    bench.sink.drain()
    bench.sink.offer("n1", (), Reading(lines=Lines([Line(AT, 0, "done")])))
    bench.sink.drain()

    assert bench.text() == [" | done"]


def test_a_note_stands_behind_the_unfinished_line_and_stays_there(bench: Bench) -> None:
    bench.say(b"first\nlogin: ")
    bench.sink.note("n1", bench.at, "gap: 3.0 s without a session")
    bench.sink.drain()
    early = bench.text()
    bench.say(b"root\nlast\n")
    bench.sink.drain()

    gap = " # gap: 3.0 s without a session"
    assert early == [" | first", " | login: ", gap]
    assert bench.text() == [" | first", " | login: root", gap, " | last"]


def test_notes_while_a_console_waits_at_a_prompt_stay_bounded(bench: Bench) -> None:
    bench.say(b"login: ")
    for n in range(1000):
        bench.sink.note("n1", bench.at, f"note {n}")
    bench.sink.drain()
    bench.say(b"root\n")
    bench.sink.drain()

    text = bench.text()
    assert text[936] == " | login: root"
    assert [line for line in text if "#" in line] == [
        f" # note {n}" for n in range(1000)
    ]


def test_notes_before_the_first_byte_wait_for_it(bench: Bench) -> None:
    bench.sink.note("n1", AT, "waiting for the console")
    bench.sink.drain()
    bench.say(b"BOOT 1\n")
    bench.sink.drain()

    assert bench.text() == [" # waiting for the console", " | BOOT 1"]


def test_control_characters_in_notes_cannot_fake_lines(bench: Bench) -> None:
    bench.sink.note("n1", AT, "typed\n2026 | fake\x1b[2J")
    bench.say(b"x\n")
    bench.sink.drain()

    assert bench.text() == [" # typed\\x0a2026 | fake\\x1b[2J", " | x"]


def test_a_new_boot_opens_a_new_segment_at_its_line(bench: Bench) -> None:
    bench.say(b"BOOT 1\nold\nBO")
    bench.say(b"OT 2\nnew\n")

    bench.sink.drain()

    assert bench.read("raw") == [b"BOOT 1\nold\n", b"BOOT 2\nnew\n"]
    assert b"SOLRECD_OFFSET 11\n" in bench.read("timing")[1]
    assert [name.boot for name in bench.segments()] == [1, 2]
    assert bench.read("log")[1].count(b"|") == 2


def test_a_cut_before_bytes_already_written_moves_up(bench: Bench) -> None:
    bench.say(b"BOOT 1\nold\nBO")
    bench.sink.drain()
    bench.say(b"OT 2\n")
    bench.sink.drain()

    assert bench.read("raw") == [b"BOOT 1\nold\nBO", b"OT 2\n"]
    assert bench.text() == [" | BOOT 1", " | old", " | BOOT 2"]


def test_a_large_boot_goes_on_in_parts(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits=SegmentLimits(size=1000))
    for n in range(3):
        bench.say(b"x" * 600 + b"\n")
        bench.sink.drain()
        bench.say(b"y" * 600 + b"%d" % n)
        bench.sink.drain()

    assert [name.part for name in bench.segments()] == [1, 2, 3]
    assert bench.segments()[1].file("raw").endswith("boot-000001.part-0002.raw")
    assert b"".join(bench.read("raw")).count(b"x" * 600) == 3
    assert len(bench.text()) == 4
    bench.journal.close()


def test_an_old_boot_goes_on_in_parts(tmp_path: Path) -> None:
    bench = Bench(tmp_path, limits=SegmentLimits(age=5_000_000))
    bench.say(b"x\n")
    bench.sink.drain()
    bench.at += 5_000_000
    bench.say(b"y\n")
    bench.sink.drain()

    assert bench.read("raw") == [b"x\n", b"y\n"]
    bench.journal.close()


def test_timing_keeps_the_stamps_of_packets(bench: Bench) -> None:
    bench.say(b"ab")
    bench.at += 2_500_000
    bench.say(b"c")
    bench.at -= 9_000_000
    bench.say(b"d")

    bench.sink.drain()

    timing = Timing.parse(bench.read("timing")[0])
    stamps = [(packet.size, packet.at - AT) for packet in timing.packets]
    assert stamps == [(2, 1000), (1, 2_502_000), (1, 2_502_000)]


def test_a_restart_goes_on_in_the_open_segment(bench: Bench) -> None:
    bench.say(b"BOOT 7\nlogin: ")
    bench.sink.drain()
    bench.die()

    bench.start()
    bench.say(b"root\n")
    bench.sink.drain()

    assert bench.opened.boot == 7
    assert bench.opened.continues
    assert bench.opened.last_output == AT + 1000
    assert bench.read("raw") == [b"BOOT 7\nlogin: root\n"]
    assert bench.text() == [" | BOOT 7", " | login: root"]


def test_what_only_the_journal_has_is_archived_after_a_restart(bench: Bench) -> None:
    bench.say(b"BOOT 1\narchived\n")
    bench.sink.drain()
    bench.receive(b"journal")
    bench.receive(b"led\n")
    bench.die()

    bench.start()
    bench.sink.drain()

    assert [chunk.data for chunk in bench.opened.pending] == [b"journal", b"led\n"]
    assert bench.read("raw") == [b"BOOT 1\narchived\njournalled\n"]
    assert bench.text() == [" | BOOT 1", " | archived", " | journalled"]


def test_a_note_only_the_journal_has_is_written_after_a_restart(bench: Bench) -> None:
    bench.say(b"x\n")
    bench.sink.note("n1", bench.at, "written")
    bench.sink.drain()
    bench.sink.note("n1", bench.at + 1, "journalled")
    bench.die()

    for _ in range(2):
        bench.start()
        bench.sink.drain()
        bench.die()
    bench.start()

    assert bench.text() == [" | x", " # written", " # journalled"]


def test_the_first_bytes_ever_survive_a_kill_before_the_first_drain(
    bench: Bench,
) -> None:
    bench.say(b"hello\n")
    bench.die()

    bench.start()
    bench.sink.drain()

    assert bench.read("raw") == [b"hello\n"]


@pytest.mark.parametrize("cut", ["raw", "timing", "log"])
@pytest.mark.parametrize("left", range(0, 60, 7))
def test_a_file_torn_by_a_kill_is_completed(bench: Bench, cut: str, left: int) -> None:
    # Files are written in the order raw, timing, log. The journal's slab is still
    # there: it is given back when it is full.
    bench.say(b"BOOT 1\none\n")
    bench.sink.drain()
    kinds = ("raw", "timing", "log")
    sizes = [len(bench.read(kind)[0]) for kind in kinds]
    bench.say(b"two\nthree\nfour\nfi")
    bench.say(b"ve\nsix\nse")
    bench.sink.drain()
    whole = (bench.read("raw"), bench.read("log"), bench.byte_stamps())
    stem = bench.segments()[0]
    for kind, size in zip(kinds, sizes, strict=True):
        if kinds.index(kind) >= kinds.index(cut):
            path = bench.log_dir / "n1" / stem.file(kind)
            keep = size + left if kind == cut else size
            os.truncate(path, min(keep, path.stat().st_size))
    bench.die()

    bench.start()
    bench.sink.drain()

    assert (bench.read("raw"), bench.read("log"), bench.byte_stamps()) == whole


def test_a_log_without_its_last_lines_gets_them_from_a_replay(bench: Bench) -> None:
    bench.say(b"BOOT 1\n")
    for n in range(2000):
        bench.say(b"line %d of a long boot that leaves marks in the timing\n" % n)
        if n % 50 == 0:
            bench.sink.drain()
    bench.sink.note("n1", bench.at, "a note")
    bench.sink.drain()
    whole = bench.read("log")
    bench.die()
    log = bench.log_dir / "n1" / bench.segments()[0].file("log")
    os.truncate(log, log.stat().st_size - 5000)

    bench.start()
    bench.sink.drain()

    assert len(bench.opened.restored) < 1500
    assert bench.opened.offset > 0
    assert bench.read("log") == whole


def leave(_folder: Path, _name: SegmentName) -> None:
    """Do nothing to a segment."""


def close(folder: Path, name: SegmentName) -> None:
    """Compress a segment's bytes and timing, as the closer does."""
    for kind in ("raw", "timing"):
        plain = folder / name.file(kind)
        compress(plain, folder / name.file(kind, closed=True), lambda: False)
        plain.unlink()


def remove(folder: Path, name: SegmentName) -> None:
    """Remove a segment's bytes and timing."""
    for kind in ("raw", "timing"):
        (folder / name.file(kind)).unlink()


@pytest.mark.parametrize("befall", [leave, close, remove])
def test_a_line_that_began_in_the_part_before_stays_whole(
    tmp_path: Path, befall: Callable[[Path, SegmentName], None]
) -> None:
    bench = Bench(tmp_path, limits=SegmentLimits(age=86_400_000_000))
    bench.say(b"BOOT 1\nlogin: ")
    bench.sink.drain()
    bench.at += 86_400_000_000
    bench.say(b"root\n")
    bench.sink.note("n1", bench.at, "a note")
    bench.sink.drain()
    bench.die()
    befall(bench.log_dir / "n1", bench.segments()[0])

    bench.start()
    bench.sink.drain()

    log = bench.read("log")[-1].decode()
    assert [line[28:] for line in log.splitlines()] == ["| login: root", "# a note"]
    bench.journal.close()


def test_lines_before_a_cut_that_moved_up_survive_a_restart(bench: Bench) -> None:
    bench.say(b"old\n")
    first = bench.receive(b"late\nsign\n")
    # As from an interpreter that holds lines back until it knows what they are.
    bench.sink.offer("n1", [first], Reading())
    bench.sink.drain()
    second = bench.receive(b"of a boot\n")
    texts = ["late", "sign", "of a boot"]
    lines = [
        Line(bench.at, 4 + n, text) for n, text in zip((0, 5, 10), texts, strict=True)
    ]
    cut = Cut(bench.at, 4, 0, 2)
    bench.sink.offer("n1", [second], Reading(lines=Lines(lines), cuts=[cut]))
    bench.sink.drain()
    bench.die()

    bench.start()
    bench.sink.drain()

    assert bench.opened.offset == 4
    assert bench.read("raw") == [b"old\nlate\nsign\n", b"of a boot\n"]
    assert bench.text() == [" | old", " | late", " | sign", " | of a boot"]


def test_a_journal_that_lacks_bytes_begins_a_new_part_and_says_so(
    bench: Bench,
) -> None:
    bench.say(b"BOOT 1\nkept\n")
    bench.sink.drain()
    bench.die()
    raw = bench.log_dir / "n1" / bench.segments()[0].file("raw")
    os.truncate(raw, 7)
    bench.journal_path.unlink()
    journal = Journal.open(bench.journal_path, SIZE)
    journal.stream("n1", 100).append(AT + 9000, b"later\n")
    journal.close()

    bench.start()
    bench.say(b"BOOT 2\n")
    bench.sink.drain()

    assert bench.read("raw") == [b"BOOT 1\n", b"later\n", b"BOOT 2\n"]
    assert b"SOLRECD_OFFSET 100\n" in bench.read("timing")[1]
    assert b"SOLRECD_OFFSET 106\n" in bench.read("timing")[2]
    assert " # gap: 93 bytes of this log were lost" in bench.text()


def test_a_segment_that_got_no_header_does_not_hide_the_one_before(
    bench: Bench,
) -> None:
    bench.say(b"BOOT 1\nold\n")
    bench.sink.drain()
    bench.die()
    later = TextFormat().stamp(AT + 99_000_000).replace("-", "").replace(":", "")
    (bench.log_dir / "n1" / f"{later}.boot-000002.timing").touch()

    bench.start()

    assert bench.opened.boot == 1
    assert bench.opened.continues


def test_a_console_closed_and_opened_again_goes_on(bench: Bench) -> None:
    bench.say(b"BOOT 1\none\ntw")
    bench.sink.close_console("n1")

    opened = bench.sink.open_console("n1")

    assert b"".join(chunk.data for chunk in opened.restored) == b"BOOT 1\none\ntw"
    assert opened.pending == []
    assert opened.stream is bench.stream


def test_a_removed_file_is_noticed_and_a_new_part_begun(bench: Bench) -> None:
    bench.say(b"BOOT 1\none\n")
    bench.sink.drain()
    for path in (bench.log_dir / "n1").iterdir():
        path.unlink()
    bench.say(b"two\n")
    bench.sink.drain()
    bench.say(b"three\n")
    bench.sink.drain()

    assert bench.read("raw") == [b"two\nthree\n"]
    assert bench.text()[0].endswith("was removed; going on in a new part")
    assert bench.text()[1:] == [" | two", " | three"]


def test_a_log_folder_that_cannot_be_written_is_one_clear_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    journal = Journal.open(tmp_path / "journal", SIZE)
    sink = ArchiveSink(ArchiveOptions(tmp_path / "file" / "log"), journal)

    with pytest.raises(ArchiveError, match="or set \\[daemon\\] log_dir"):
        sink.prepare()

    journal.close()


PACKETS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=60),
        st.sampled_from([b"\n", b"BOOT 2\n", b"BOOT 3\nab", b"x\n\n\ny"]),
    ),
    max_size=40,
)
STEPS = st.lists(
    st.sampled_from(["", "", "drain", "die", "reopen", "note"]), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(packets=PACKETS, steps=STEPS, size=st.sampled_from([50, 1 << 20]))
def test_any_cuts_drains_and_kills_keep_every_byte_and_line_once(
    packets: list[bytes], steps: list[str], size: int
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        bench = Bench(Path(folder), limits=SegmentLimits(size=size))
        notes = 0
        for number, packet in enumerate(packets):
            bench.say(packet)
            step = steps[number] if number < len(steps) else ""
            if step == "drain":
                bench.sink.drain()
            elif step == "note":
                notes += 1
                bench.at += 1
                bench.sink.note("n1", bench.at, f"note {notes}")
            elif step:
                if step == "die":
                    bench.die()
                    bench.start()
                else:
                    bench.sink.drain()
                    bench.die()
                    bench.start()
        bench.sink.drain()
        bench.die()

        said = b"".join(packets)
        text = bench.text() if said else []
        lines = LineReader().feed([Chunk(AT, said)])
        expected = [line.text for line in lines.lines]
        expected += [lines.tail.text] if lines.tail else []
        assert b"".join(bench.read("raw") if said else []) == said
        assert sum(" # note" in line for line in text) == notes
        assert [line[3:] for line in text if line[1] == "|"] == expected


@pytest.mark.parametrize("packets", range(TIMING_TAIL // 13 - 4, TIMING_TAIL // 13 + 6))
def test_a_timing_whose_end_holds_no_mark_is_read_whole(
    bench: Bench, packets: int
) -> None:
    for _ in range(packets):
        bench.say(b"x")
    bench.sink.drain()
    bench.die()
    (timing,) = (bench.log_dir / "n1").glob("*.timing")
    lines = timing.read_bytes().splitlines(keepends=True)
    timing.write_bytes(b"".join(line for line in lines if b"_MARK" not in line))

    bench.start()

    assert bench.opened.offset == 0
    assert bench.stream.offset == packets
