"""Archive folders: what is there, whole or damaged, and which boot is meant."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given, strategies as st

from solrecd.events.boots import Outcome
from solrecd.process.stamps import parse_stamp
from solrecd.storage.history.choose import NoSuchBootError, choose_boot
from solrecd.storage.history.chunks import read_chunks
from solrecd.storage.history.files import Fault, read_blocks
from solrecd.storage.history.follow import Follower
from solrecd.storage.history.frames import count_frames, read_pieces
from solrecd.storage.history.replay import replay
from solrecd.storage.history.segments import (
    Archive,
    NoArchiveError,
    Segment,
    boot_numbers,
    within,
)
from solrecd.storage.history.text import TextLine, between, parse_line, read_lines
from tests.support.archives import Printed, write_segment
from tests.support.golden import RULES

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000
LINES = [Printed(NOON + n * SECOND, f"line {n}") for n in range(1, 6)]


def texts(segments: Sequence[Segment], faults: list[Fault]) -> list[str]:
    return [line.text for line in read_lines(segments, faults.append)]


@pytest.mark.parametrize("closed", [False, True])
def test_a_segment_is_read_open_and_closed(tmp_path: Path, *, closed: bool) -> None:
    faults: list[Fault] = []
    write_segment(tmp_path, "a", LINES, closed=closed)

    (segment,) = Archive(tmp_path).segments("a")

    assert segment.closed == closed
    assert texts([segment], faults) == [line.text for line in LINES]
    raw = b"".join(chunk.data for chunk in read_chunks([segment], faults.append))
    assert raw == b"".join(f"{line.text}\r\n".encode() for line in LINES)
    assert faults == []


def test_a_segment_that_is_closed_after_it_was_found_is_read(tmp_path: Path) -> None:
    faults: list[Fault] = []
    write_segment(tmp_path, "a", LINES)
    (found,) = Archive(tmp_path).segments("a")
    for path in found.files.values():
        path.unlink()
    write_segment(tmp_path, "a", LINES, closed=True)

    assert texts([found], faults) == [line.text for line in LINES]
    assert faults == []


def test_a_segment_that_is_gone_is_told(tmp_path: Path) -> None:
    faults: list[Fault] = []
    write_segment(tmp_path, "a", LINES)
    (found,) = Archive(tmp_path).segments("a")
    for path in found.files.values():
        path.unlink()

    assert texts([found], faults) == []
    assert [str(fault) for fault in faults] == [
        f"{found.files['log']}: byte 0: No such file or directory"
    ]


def test_consoles_are_folders_and_nothing_else(tmp_path: Path) -> None:
    write_segment(tmp_path, "b", LINES)
    write_segment(tmp_path, "a", LINES)
    (tmp_path / "index.sqlite").touch()
    (tmp_path / ".hidden").mkdir()

    assert Archive(tmp_path).consoles() == ["a", "b"]


def test_segments_come_in_stream_order_and_strange_files_are_passed_over(
    tmp_path: Path,
) -> None:
    later = [Printed(line.at + 60 * SECOND, line.text) for line in LINES]
    write_segment(tmp_path, "a", later, boot=2)
    write_segment(tmp_path, "a", later, boot=1, part=2, closed=True)
    write_segment(tmp_path, "a", LINES, boot=1, closed=True)
    (tmp_path / "a" / "notes.txt").touch()

    archive = Archive(tmp_path)

    found = [(each.name.boot, each.name.part) for each in archive.segments("a")]
    assert found == [(1, 1), (1, 2), (2, 1)]
    assert boot_numbers(archive.segments("a")) == [1, 2]


def test_while_a_segment_is_closed_the_open_form_counts(tmp_path: Path) -> None:
    write_segment(tmp_path, "a", LINES)
    name = write_segment(tmp_path, "a", LINES[:1], closed=True)
    (tmp_path / "a" / name.file("log", closed=True)).write_bytes(b"half")
    faults: list[Fault] = []

    (segment,) = Archive(tmp_path).segments("a")

    assert len(texts([segment], faults)) == len(LINES)
    assert faults == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "missing")

    with pytest.raises(NoArchiveError, match="missing"):
        archive.consoles()
    assert archive.segments("a") == []


@pytest.mark.parametrize(
    ("since", "until", "boots"),
    [
        (None, None, [1, 2, 3]),
        (200, None, [2, 3]),
        (None, 200, [1, 2]),
        (350, None, [3]),
        (None, 50, []),
    ],
)
def test_only_segments_of_a_time_are_opened(
    tmp_path: Path, since: int | None, until: int | None, boots: list[int]
) -> None:
    for boot in (1, 2, 3):
        write_segment(tmp_path, "a", [Printed(boot * 100 - 20, "x")], boot=boot)

    found = within(Archive(tmp_path).segments("a"), since, until)

    assert boot_numbers(found) == boots


def frames(*pieces: bytes) -> list[bytes]:
    return [zstandard.compress(piece) for piece in pieces]


def read(path: Path, content: bytes) -> tuple[bytes, list[Fault]]:
    faults: list[Fault] = []
    path.write_bytes(content)
    return b"".join(read_blocks(path, faults.append)), faults


def test_behind_a_damaged_frame_reading_goes_on(tmp_path: Path) -> None:
    first, second, third = frames(b"one\n", b"two\n" * 500, b"three\n")
    damaged = second[:9] + bytes(len(second) - 9)

    text, (fault,) = read(tmp_path / "x.log.zst", first + damaged + third)

    assert text.startswith(b"one\n")
    assert text.endswith(b"three\n")
    assert fault.offset == len(first)


def test_of_a_file_that_was_cut_what_is_whole_is_read(tmp_path: Path) -> None:
    first, second = frames(b"one\n", bytes(range(256)) * 9)

    text, (fault,) = read(tmp_path / "x.log.zst", first + second[:-3])

    assert text.startswith(b"one\n")
    assert fault.offset == len(first)
    assert "ends in the middle" in fault.reason


def test_a_compressed_file_without_a_byte_is_damaged(tmp_path: Path) -> None:
    path, faults = tmp_path / "empty.log.zst", list[Fault]()
    path.touch()

    assert list(read_blocks(path, faults.append)) == []
    assert faults == [Fault(path, 0, "the file is empty")]


def test_rubbish_between_frames_is_reported_and_passed_over(tmp_path: Path) -> None:
    first, second = frames(b"one\n", b"two\n")

    text, (fault,) = read(tmp_path / "x.log.zst", first + b"\0" * 50_000 + second)

    assert text == b"one\ntwo\n"
    assert fault.offset == len(first)


def test_a_bomb_is_unpacked_in_pieces_that_fit_anywhere(tmp_path: Path) -> None:
    size = 256 << 20
    bomb = zstandard.ZstdCompressor().compress(bytes(size))
    path, faults = tmp_path / "x.log.zst", list[Fault]()
    path.write_bytes(bomb)

    sizes = [len(block) for block in read_blocks(path, faults.append)]

    assert len(bomb) < 64 << 10
    assert sum(sizes) == size
    assert max(sizes) <= 256 << 10
    assert not faults


def test_a_frame_that_wants_more_memory_than_zstd_takes_is_a_fault(
    tmp_path: Path,
) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    first, second = frames(b"one\n", b"two\n")
    greedy = packer.compress(random.Random(1).randbytes(1 << 20)) + packer.flush()

    text, faults = read(tmp_path / "x.log.zst", first + greedy + second)

    assert text.startswith(b"one\n")
    assert text.endswith(b"two\n")
    assert faults


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("size_known", [True, False])
@pytest.mark.parametrize("size", [0, 1, 200, 70_000, 300_000])
def test_frames_of_any_kind_are_taken_apart(
    tmp_path: Path, size: int, *, checksum: bool, size_known: bool
) -> None:
    text = random.Random(size).randbytes(size // 2) + b"a" * (size - size // 2)
    packer = zstandard.ZstdCompressor(
        write_checksum=checksum, write_content_size=size_known
    )
    frame = packer.compress(text)

    found, faults = read(tmp_path / "x.log.zst", frame + frame)

    assert found == text + text
    assert not faults


def test_a_fifo_that_is_called_as_a_log_is_a_fault_without_a_wait(
    tmp_path: Path,
) -> None:
    faults: list[Fault] = []
    for name in ("x.log", "x.log.zst"):
        os.mkfifo(tmp_path / name)

        assert list(read_blocks(tmp_path / name, faults.append)) == []
        assert list(read_pieces(tmp_path / name, faults.append)) == []
        assert count_frames(tmp_path / name) is None

    assert {fault.reason for fault in faults} == {"this is not a file"}


def test_a_fault_is_one_line_with_file_and_offset(tmp_path: Path) -> None:
    fault = Fault(tmp_path / "x.log.zst", 17, "damaged")

    assert str(fault) == f"{tmp_path}/x.log.zst: byte 17: damaged"


def test_a_file_that_vanished_is_reported(tmp_path: Path) -> None:
    faults: list[Fault] = []

    assert list(read_blocks(tmp_path / "gone.log", faults.append)) == []
    assert "No such file" in faults[0].reason


@given(st.binary(max_size=300))
def test_no_bytes_do_worse_than_a_fault(content: bytes) -> None:
    faults: list[Fault] = []

    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.zst"
        path.write_bytes(content)
        list(read_blocks(path, faults.append))

    assert all(0 <= fault.offset <= len(content) for fault in faults)


def test_a_line_in_a_damaged_place_does_not_swallow_the_next(tmp_path: Path) -> None:
    faults: list[Fault] = []
    write_segment(tmp_path, "a", LINES, closed=True)
    (segment,) = Archive(tmp_path).segments("a")
    first, last = frames(b"2026-11-22T12:00:00.000000Z | cut he", b"whole\n")
    segment.files["log"].write_bytes(first + b"rubbish" + last)

    assert texts([segment], faults) == ["cut he", "whole"]


def test_notes_are_told_from_output_and_do_not_count(tmp_path: Path) -> None:
    lines = [LINES[0], Printed(NOON + SECOND, "gap: 3 s", note=True), LINES[1]]
    write_segment(tmp_path, "a", lines)

    found = list(read_lines(Archive(tmp_path).segments("a"), print))

    assert [(line.note, line.number) for line in found] == [
        (False, 1),
        (True, 1),
        (False, 2),
    ]
    assert found[1].text == "gap: 3 s"


def test_a_line_without_a_stamp_is_shown_as_it_is() -> None:
    assert parse_line(b"torn | line \xff") == TextLine("", False, "torn | line \ufffd")


def test_lines_are_chosen_by_time() -> None:
    lines = [TextLine(f"2026-11-22T12:00:0{n}", False, str(n)) for n in range(5)]

    found = between(lines, "2026-11-22T12:00:01", "2026-11-22T12:00:03")

    assert [line.text for line in found] == ["1", "2"]


@pytest.mark.parametrize(
    ("word", "boot"),
    [("7", 7), ("-1", 9), ("-3", 6), ("last-good", 7), ("last-failed", 6)],
)
def test_a_word_means_a_boot(word: str, boot: int) -> None:
    def newest_with(outcomes: Sequence[str]) -> list[int]:
        return [2, 7] if "ok" in outcomes else [6]

    assert choose_boot(word, [6, 7, 9], newest_with) == boot


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("8", "not in the archive; there are 2 from 7 to 9"),
        ("-3", "not in the archive"),
        ("0", "not in the archive"),
        ("x", "allowed: a number"),
        ("last-good", "no boot ended ok"),
    ],
)
def test_a_word_that_means_no_boot_is_told_which_there_are(
    word: str, message: str
) -> None:
    with pytest.raises(NoSuchBootError, match=message):
        choose_boot(word, [7, 9], lambda _: [3])


class TestFollower:
    """A viewer without a daemon."""

    def test_the_last_lines_come_first_then_new_ones(self, tmp_path: Path) -> None:
        name = write_segment(tmp_path, "a", LINES)
        follower = Follower(tmp_path / "a")

        last = [line.text for line in follower.last(2)]
        with (tmp_path / "a" / name.file("log")).open("a") as log:
            log.write("2026-11-22T12:00:09.000000Z | new\n")
            log.write("2026-11-22T12:00:09.000000Z | unfin")
        new = [line.text for line in follower.new()]
        follower.close()

        assert (last, new) == (["line 4", "line 5"], ["new"])

    def test_a_line_that_is_rewritten_is_shown_once_as_it_became(
        self, tmp_path: Path
    ) -> None:
        name = write_segment(tmp_path, "a", LINES)
        log = tmp_path / "a" / name.file("log")
        whole = log.read_bytes()
        follower = Follower(tmp_path / "a")
        log.write_bytes(whole + b"2026-11-22T12:00:09.000000Z | 10%")
        follower.last(1)

        before = list(follower.new())
        log.write_bytes(whole + b"2026-11-22T12:00:09.000000Z | done\n")
        after = [line.text for line in follower.new()]
        follower.close()

        assert (before, after) == ([], ["done"])

    def test_the_unfinished_line_is_known(self, tmp_path: Path) -> None:
        name = write_segment(tmp_path, "a", LINES)
        follower = Follower(tmp_path / "a")
        follower.last(1)

        before = follower.unfinished
        with (tmp_path / "a" / name.file("log")).open("a") as log:
            log.write("2026-11-22T12:00:09.000000Z | new\n2026-11-22T12:00:09.000000Z ")
            log.flush()
            new, torn = list(follower.new()), follower.unfinished
            log.write("| login: ")
        rest = list(follower.new())
        follower.close()

        assert (before, torn, rest) == (None, None, [])
        assert [line.text for line in new] == ["new"]
        assert follower.unfinished is None

    def test_a_prompt_is_an_unfinished_line(self, tmp_path: Path) -> None:
        name = write_segment(tmp_path, "a", LINES)
        with (tmp_path / "a" / name.file("log")).open("a") as log:
            log.write("2026-11-22T12:00:09.000000Z | login: ")
        follower = Follower(tmp_path / "a")

        follower.last(1)
        found = follower.unfinished
        follower.close()

        assert found is not None
        assert found.text == "login: "

    def test_a_new_segment_is_followed(self, tmp_path: Path) -> None:
        name = write_segment(tmp_path, "a", LINES)
        follower = Follower(tmp_path / "a")
        follower.last(0)

        with (tmp_path / "a" / name.file("log")).open("a") as log:
            log.write("2026-11-22T12:00:09.000000Z | the end\n")
        write_segment(tmp_path, "a", [Printed(NOON * 2, "the beginning")], boot=2)
        found = [line.text for line in follower.new()]
        follower.close()

        assert found == ["the end", "the beginning"]

    def test_a_console_without_files_may_get_some_later(self, tmp_path: Path) -> None:
        follower = Follower(tmp_path / "a")

        before = follower.last(3), list(follower.new())
        write_segment(tmp_path, "a", LINES[:1])
        after = [line.text for line in follower.new()]
        follower.close()

        assert before == ([], [])
        assert after == ["line 1"]

    def test_the_end_of_a_large_file_is_found(self, tmp_path: Path) -> None:
        lines = [Printed(NOON + n, "x" * 1000) for n in range(300)]
        write_segment(tmp_path, "a", [*lines, LINES[0]])
        follower = Follower(tmp_path / "a")

        found = follower.last(200)
        follower.close()

        assert len(found) == 200
        assert found[-1].text == "line 1"


BOOT = ("[    0.000000] Linux version 6.1.0 (x) (gcc) #1", "[   30.000000] working")


@pytest.mark.parametrize(
    ("ending", "resets"),
    [
        (Printed(NOON + SECOND, "[   31.000000] still working"), [1]),
        (Printed(NOON + SECOND, "[   31.000000] reboot: Restarting system"), []),
        (Printed(NOON + SECOND, "power: off", note=True), []),
    ],
)
def test_a_reset_is_known_by_how_the_next_boot_begins(
    tmp_path: Path, ending: Printed, resets: list[int]
) -> None:
    for boot, last in ((1, [ending]), (2, [])):
        printed = [Printed(NOON + (boot - 1) * 60 * SECOND, text) for text in BOOT]
        write_segment(tmp_path, "n1", [*printed, *last], boot=boot, closed=True)
    faults: list[Fault] = []

    found = replay(Archive(tmp_path).segments("n1"), RULES, faults.append)

    assert not faults
    assert [e.boot for e in found.events if e.name == "reboot"] == resets
    assert [b.boot for b in found.boots if b.outcome is Outcome.FAILED] == resets
