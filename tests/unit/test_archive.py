"""Formats of the archive: names, text, timing, frames, retention."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.events.lines import Chunk, Line
from solrecd.process.stamps import SECOND, format_stamp
from solrecd.storage.formats.lines import TextFormat, line_mark, line_stamp
from solrecd.storage.formats.names import SegmentName, next_segment, parse_file_name
from solrecd.storage.formats.retention import (
    Retention,
    SegmentLimits,
    StoredSegment,
    choose_expired,
)
from solrecd.storage.formats.seektable import (
    FRAME_SIZE,
    Frame,
    decode_seek_table,
    encode_seek_table,
    seek_table_size,
    split_frames,
)
from solrecd.storage.formats.timing import (
    Timing,
    TimingHeader,
    TimingMark,
    encode_packets,
)

AT = 1_795_000_000_000_000
STAMPS = st.integers(0, 4_000_000_000 * SECOND)
HEADER = TimingHeader(AT, 500, 7)


def test_names_are_the_contract_s() -> None:
    assert str(SegmentName(42, 1, AT)) == "20261118T110640.000000Z.boot-000042"
    assert (
        SegmentName(42, 2, AT).file("log", closed=True)
        == "20261118T110640.000000Z.boot-000042.part-0002.log.zst"
    )


@given(
    boot=st.integers(0, 10**7),
    part=st.integers(1, 20_000),
    at=STAMPS,
    kind=st.sampled_from(["raw", "log", "timing"]),
    closed=st.booleans(),
)
def test_every_name_is_understood_again(
    boot: int, part: int, at: int, kind: str, *, closed: bool
) -> None:
    name = SegmentName(boot, part, at)

    assert parse_file_name(name.file(kind, closed=closed)) == (name, kind, closed)


@pytest.mark.parametrize(
    "name",
    [
        "current.log",
        "20261118T110640.000000Z.boot-000042",
        "20261118T110640.000000Z.boot-000042.log.zst.tmp",
        "20261399T110640.000000Z.boot-000042.log",
        "notes.txt",
        "",
    ],
)
def test_other_names_are_not_ours(name: str) -> None:
    assert parse_file_name(name) is None


def test_boots_and_parts_sort_in_stream_order() -> None:
    names = [
        SegmentName(9, 1, AT + 5),
        SegmentName(9, 2, AT),
        SegmentName(10, 1, AT - 9 * SECOND),
    ]

    assert sorted(names) == names


def test_a_boot_goes_on_in_parts_and_the_next_begins_at_one() -> None:
    first = SegmentName(3, 1, AT)

    assert next_segment(first, 3, AT + 1) == SegmentName(3, 2, AT + 1)
    assert next_segment(first, 4, AT + 1) == SegmentName(4, 1, AT + 1)


@given(st.lists(STAMPS))
def test_quick_stamps_equal_the_slow_ones(stamps: list[int]) -> None:
    text = TextFormat()

    assert [text.stamp(at) for at in stamps] == [format_stamp(at) for at in stamps]


def test_text_lines_are_the_contract_s() -> None:
    text = TextFormat()

    assert text.lines([Line(AT, 0, "a"), Line(AT + SECOND + 1, 2, "ü")]) == (
        b"2026-11-18T11:06:40.000000Z | a\n2026-11-18T11:06:41.000001Z | \xc3\xbc\n"
    )
    assert text.note(AT, "gap") == b"2026-11-18T11:06:40.000000Z # gap\n"
    assert text.unfinished(Line(AT, 0, "log")) == b"2026-11-18T11:06:40.000000Z | log"


def test_a_text_line_tells_its_mark_and_stamp() -> None:
    line = TextFormat().note(AT, "gap")

    assert (line_mark(line), line_stamp(line)) == (ord("#"), AT)
    assert (line_mark(b"short"), line_stamp(b"short")) == (0, 0)


@pytest.mark.parametrize("begun", [None, 0, 499])
def test_a_header_is_understood_again(begun: int | None) -> None:
    header = HEADER._replace(begun=begun)

    assert Timing.parse(header.encode()).header == header


CHUNKS = st.lists(
    st.builds(
        Chunk, st.integers(AT, AT + 100 * SECOND), st.binary(min_size=1, max_size=255)
    )
)


@given(CHUNKS)
def test_timing_gives_sizes_and_never_goes_back(chunks: list[Chunk]) -> None:
    text, last = encode_packets(chunks, AT)

    timing = Timing.parse(HEADER.encode() + text)

    assert [p.size for p in timing.packets] == [len(c.data) for c in chunks]
    expected = [max(c.at for c in chunks[: n + 1]) for n in range(len(chunks))]
    assert [p.at for p in timing.packets] == expected
    assert (timing.at, timing.header) == (last, HEADER)
    assert timing.offset == 500 + sum(len(c.data) for c in chunks)


def test_timing_can_be_read_from_a_mark_on() -> None:
    mark = TimingMark(1000, AT, 990, 12_345, 3)

    timing = Timing.parse(mark.encode() + b"O 1.500000 10\n")

    assert timing.marks == [mark]
    assert timing.packets[0][:3] == (1000, 10, AT + 1_500_000)


@given(st.integers(0, 200))
def test_a_torn_timing_ends_at_its_last_whole_line(cut: int) -> None:
    text = HEADER.encode() + encode_packets([Chunk(AT + 1, b"ab")] * 5, AT)[0]

    timing = Timing.parse(text[:cut])

    assert text[: timing.size].endswith(b"\n") or timing.size == 0
    assert cut - timing.size < 60


@given(st.binary())
def test_any_timing_is_read_without_an_exception(text: bytes) -> None:
    assert Timing.parse(text).size <= len(text)
    assert Timing.parse(HEADER.encode() + b"O " + text).header == HEADER


@given(st.integers(0, 100))
def test_a_timing_that_begins_anywhere_in_a_header_has_none(begin: int) -> None:
    text = HEADER.encode()

    assert Timing.parse(text[begin:]).header in {None, HEADER}


@pytest.mark.parametrize(
    "line",
    [
        b"H 0.000000 SOLRECD_MARK 1 2\n",
        b"O 1.500000 -4\n",
        b"H\n",
        b"\n",
    ],
)
def test_a_line_that_makes_no_sense_ends_a_timing(line: bytes) -> None:
    timing = Timing.parse(HEADER.encode() + line + b"O 1.500000 10\n")

    assert timing.packets == []


def test_a_segment_ends_by_size_or_age_but_never_empty() -> None:
    limits = SegmentLimits(size=100, age=SECOND)

    assert not limits.reached(99, AT, AT)
    assert limits.reached(100, AT, AT)
    assert limits.reached(1, AT, AT + SECOND)
    assert not limits.reached(0, AT, AT + SECOND)
    assert not SegmentLimits(age=None).reached(1, AT, AT + 10**9 * SECOND)


@pytest.mark.parametrize("end", [b"\n", b"x"])
@pytest.mark.parametrize(
    "lengths", [[], [1], [FRAME_SIZE], [10, FRAME_SIZE, 3], [3 * FRAME_SIZE, 1]]
)
def test_frames_give_the_text_back(lengths: list[int], end: bytes) -> None:
    data = b"".join(b"x" * (n - 1) + end for n in lengths)

    frames, rest = split_frames(data, final=False)
    last, nothing = split_frames(rest, final=True)

    assert b"".join([*frames, *last]) == data
    assert nothing == b""
    assert all(0 < len(frame) <= FRAME_SIZE for frame in [*frames, *last])


def test_a_frame_ends_behind_a_newline() -> None:
    data = (b"y" * 99 + b"\n") * (FRAME_SIZE // 80)

    frames, _ = split_frames(data, final=False)

    assert [frame[-1:] for frame in frames] == [b"\n"]
    assert len(frames[0]) == FRAME_SIZE // 100 * 100


@given(st.lists(st.builds(Frame, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))))
def test_a_seek_table_is_read_back(frames: list[Frame]) -> None:
    table = encode_seek_table(frames)

    assert seek_table_size(table[-9:]) == len(table)
    assert decode_seek_table(table) == frames


@given(st.binary(max_size=100))
def test_a_damaged_seek_table_is_one_error(table: bytes) -> None:
    with pytest.raises(ValueError, match="seek table"):
        decode_seek_table(table)


def stored(console: str, boot: int, *, ended: int, size: int = 10) -> StoredSegment:
    return StoredSegment(console, SegmentName(boot, 1, ended), ended, size)


SEGMENTS = [
    stored(console, boot, ended=AT + boot * SECOND)
    for console in "ab"
    for boot in (1, 2, 3)
]


@pytest.mark.parametrize(
    ("retention", "gone"),
    [
        (Retention(), []),
        (Retention(age=6 * SECOND), ["a1", "b1"]),
        (Retention(boots=2), ["a1", "b1", "b2"]),
        (Retention(size=20), ["a1", "b1"]),
        (Retention(total_size=40), ["a1", "b1"]),
        (Retention(total_size=0), ["a1", "b1", "a2", "b2", "a3", "b3"]),
        (Retention(boots=1, age=6 * SECOND), ["a1", "b1", "a2", "b2", "b3"]),
    ],
)
def test_retention_takes_the_oldest_first(
    retention: Retention, gone: list[str]
) -> None:
    expired = choose_expired(SEGMENTS, {"b": 4}, retention, AT + 8 * SECOND - 1)

    assert [f"{s.console}{s.name.boot}" for s in expired] == gone


@pytest.mark.parametrize("boot", ["1" + "0" * 20, "9" * 400], ids=["huge", "long"])
def test_a_number_that_no_recorder_counts_to_makes_no_segment(boot: str) -> None:
    assert parse_file_name(f"20261118T110640.000000Z.boot-{boot}.raw") is None


@pytest.mark.parametrize(
    "line",
    [
        b"O 0.000001 -1",
        b"O 0.000001 99999999999999999999",
        b"O 99999999999999999999.0 1",
        b"O -5.000001 1",
        b"H 0.000000 SOLRECD_MARK -1 0 0 0 0",
        b"H 0.000000 SOLRECD_MARK 600 99999999999999999999 0 0 0",
        b"H 0.000000 SOLRECD_MARK 600 0 0 -5 0",
    ],
)
def test_a_timing_counts_up_to_the_first_number_that_makes_no_sense(
    line: bytes,
) -> None:
    whole = HEADER.encode() + b"O 0.000001 5\n"

    timing = Timing.parse(whole + line + b"\nO 0.000001 5\n")

    assert timing.size == len(whole)
    assert len(timing.packets) == 1


@pytest.mark.parametrize("field", [b"OFFSET 500", b"NOTED 7"])
def test_a_header_with_a_number_that_makes_no_sense_is_none(field: bytes) -> None:
    damaged = HEADER.encode().replace(field, field.split()[0] + b" 9" + b"9" * 30)

    assert Timing.parse(damaged).header is None


def test_a_segment_does_not_last_until_a_clock_that_was_set_back_catches_up() -> None:
    limits = SegmentLimits(age=100)

    assert not limits.reached(1, started=AT, at=AT - 99)
    assert limits.reached(1, started=AT, at=AT - 100)
