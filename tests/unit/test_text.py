"""Terminal bytes become the lines that a person would have read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.analysis.text import LINE_LIMIT, Assembler
from solrecd.events.lines import Chunk, Line, Lines


def read(*pieces: bytes) -> list[str]:
    """Return the texts of the lines in pieces, the unfinished one included."""
    return [line.text for line in lines(pieces)]


def lines(pieces: Iterable[bytes]) -> list[Line]:
    assembler = Assembler()
    found: list[Line] = []
    for at, piece in enumerate(pieces):
        found += assembler.feed([Chunk(at, piece)])
    return [*found, *assembler.flush()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\n\rb\n\r", ["a", "b"]),
        (b"a\r\r\nb\r\r\n", ["a", "b"]),
        (b"a\r\nb\nc\r\r\nd", ["a", "b", "c", "d"]),
        (b"a\r\n\r\nb\r\n", ["a", "", "b"]),
    ],
)
def test_every_kind_of_line_end_ends_one_line(data: bytes, expected: list[str]) -> None:
    assert read(data) == expected


def test_a_word_split_by_cursor_moves_to_where_it_already_is_stays_whole() -> None:
    assert read(b"grub re\x1b[07;07H\x1b[07;08Hscue> ") == ["grub rescue> "]


def test_text_painted_on_two_rows_is_two_lines() -> None:
    assert read(b"\x1b[4;2H+--+\x1b[5;2H|  |") == ["+--+", "|  |"]


def test_a_countdown_painted_over_itself_leaves_its_last_state() -> None:
    painted = b"\x1b[22;1Hin 5s.\x1b[5;78H\x1b[22;1Hin 4s.\x1b[5;78H\x1b[2J"

    assert read(painted) == ["in 4s."]


def test_clearing_the_screen_ends_the_row() -> None:
    assert read(b"POST\x1b[2J\x1b[01;01H\x1b[=3hSetup") == ["POST", "Setup"]


def test_a_progress_bar_keeps_what_was_last_to_be_seen() -> None:
    assert read(b"copied   1 %\rcopied  99 %\rcopied 100 %\r\n") == ["copied 100 %"]


def test_erasing_to_the_end_of_the_row_removes_what_was_there() -> None:
    assert read(b"[***  ] A start job is running\r\x1b[K[  OK  ] Done\r\n") == [
        "[  OK  ] Done"
    ]


def test_backspaces_move_and_do_not_delete() -> None:
    assert read(b"|\b/\b-\b\\\bok\n") == ["ok"]


def test_a_kernel_message_that_lost_its_line_feed_is_not_painted_over() -> None:
    data = b"[    1.000000] first\r[    1.000001] second\r\n"

    assert read(data) == ["[    1.000000] first", "[    1.000001] second"]


def test_colours_are_removed_and_utf8_survives_packet_borders() -> None:
    text = "[\x1b[0;32m  OK  \x1b[0m] Started Überwachung…\r\n".encode()

    assert read(*(text[i : i + 1] for i in range(len(text)))) == [
        "[  OK  ] Started Überwachung…"
    ]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\x00b\n", "ab"),
        (b"bell\x07\n", "bell\\x07"),
        (b"del\x7f\n", "del\\x7f"),
        (b"\xff\xfe\n", "\ufffd\ufffd"),
        ("c1 \x9b31m\n".encode(), "c1 \\x9b31m"),
        ("bidi \u202e\n".encode(), "bidi \\u202e"),
        ("line \u2028 separator\n".encode(), "line \\u2028 separator"),
        (b"a\tb\n", "a       b"),
    ],
)
def test_nothing_that_steers_a_terminal_reaches_a_line(
    data: bytes, expected: str
) -> None:
    assert read(data) == [expected]


def test_line_drawing_becomes_unicode() -> None:
    assert read(b"\x0elqk\x0f x\n", b"\x1b(0mqj\x1b(B y\n") == ["┌─┐ x", "└─┘ y"]


def test_a_window_title_is_no_text_and_an_endless_one_swallows_none() -> None:
    endless = b"\x1b]0;" + b"t" * 400 + b"\n"

    assert read(b"\x1b]0;title\x07prompt\n") == ["prompt"]
    assert read(endless)[0].endswith("t" * 100)


@pytest.mark.parametrize("size", [1, 100, 1000, 4000])
def test_a_long_description_of_systemd_is_no_text(size: int) -> None:
    fields = (
        b"start=0f2c;machineid=" + b"3" * 600 + b";type=shell;cwd=/root" + b"x" * 3000
    )
    data = b"before \x1b]3008;" + fields + b"\x1b\\after\n"

    assert read(*(data[at : at + size] for at in range(0, len(data), size))) == [
        "before after"
    ]


def test_the_unfinished_line_is_the_tail() -> None:
    assembler = Assembler(offset=100)

    found = assembler.feed([Chunk(5, b"motd\r\n"), Chunk(7, b"node01 login: ")])

    assert found == [Line(5, 100, "motd")]
    assert assembler.tail == Line(7, 106, "node01 login: ")


def test_a_line_carries_stamp_and_offset_of_its_first_byte() -> None:
    assembler = Assembler()
    chunks = [Chunk(1, b"on"), Chunk(2, b"e\ntw"), Chunk(3, b"o\nthree\n")]

    assert assembler.feed(chunks) == [
        Line(1, 0, "one"),
        Line(2, 4, "two"),
        Line(3, 8, "three"),
    ]


def test_a_long_line_goes_on_in_the_next() -> None:
    data = b"x" * (2 * LINE_LIMIT + 10) + b"\n"

    found = lines([data])

    assert [len(line.text) for line in found] == [LINE_LIMIT, LINE_LIMIT, 10]
    assert [line.offset for line in found] == [0, LINE_LIMIT, 2 * LINE_LIMIT]


@pytest.mark.parametrize(
    "unit",
    [
        b"y" * 997,
        "größer ".encode() * 99,
        b"\x00" * 997,
        b"\x9b\xc2\x9b\x01\xff",
        b"\x1b[3;9H\x1b[1;33mBIOS\x1b[K ",
        b"[ 17 % ]\r",
        b"\x1b]0;" + b"t" * 200,
        b"|\b/\b",
    ],
)
def test_output_without_a_newline_is_cut_and_held_in_bounded_memory(
    unit: bytes,
) -> None:
    assembler = Assembler()
    chunk = Chunk(0, unit * (20_000 // len(unit)))
    found: list[Line] = []

    for _ in range(5):
        found += assembler.feed([chunk])

    assert max(len(line.text) for line in [*found, Line(0, 0, "")]) <= LINE_LIMIT
    assert assembler.tail is None or len(assembler.tail.text) <= LINE_LIMIT


_FRAGMENTS = st.sampled_from(
    [
        b"[    0.000000] Linux version 6.1\r\n",
        b"login: ",
        b"\x1b[07;07H\x1b[07;08Hscue",
        b"\x1b[2J\x1b[01;01H",
        b"\x1b[0;1;39m",
        b"\r\r\n",
        b"\n\r",
        b"\r",
        b"\b\b",
        b"\t",
        b"\ta\tb\n",
        b"\x1b[31mred\x1b[m\r\n",
        b"\x1b[5A",
        b"\xc3\x1b[m\xa9\n",
        b"\x1b]0;t\x07",
        b"\x1b",
        "Ü…".encode(),
        b"\xe2\x82",
        b"\x0elq\x0f",
        b"x" * 5000,
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(_FRAGMENTS, st.binary(max_size=12)), max_size=12),
    st.integers(1, 9),
)
def test_chunking_never_changes_lines(fragments: list[bytes], size: int) -> None:
    data = b"".join(fragments)
    pieces = [data[i : i + size] for i in range(0, len(data), size)]

    whole = [(line.offset, line.text) for line in lines([data])]
    cut = [(line.offset, line.text) for line in lines(pieces)]

    assert cut == whole


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_FRAGMENTS, st.binary(max_size=9)), min_size=1, max_size=20))
def test_chunks_fed_at_once_give_each_line_the_stamp_of_its_first_byte(
    fragments: list[bytes],
) -> None:
    assembler = Assembler()
    begins = [*accumulate(map(len, fragments), initial=0)]

    found = assembler.feed([Chunk(*chunk) for chunk in enumerate(fragments)])

    assert (
        found
        == [
            line._replace(at=bisect_right(begins, line.offset) - 1)
            for line in [*found, *assembler.flush()]
        ][: len(found)]
    )
    assert [line[1:] for line in found] == [
        line[1:] for line in lines([b"".join(fragments)])
    ][: len(found)]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_can_put_a_control_character_into_a_line(data: bytes) -> None:
    assert all(line.isprintable() for line in read(data))


def test_lines_are_a_sequence_of_their_columns() -> None:
    every = [Line(1, 0, "a"), Line(2, 2, "b"), Line(2, 4, "c")]
    kept = Lines(every)

    assert kept == every
    assert [*kept] == every
    assert (kept[0], kept[-1], len(kept)) == (every[0], every[2], 3)
    assert kept[1:] == every[1:]
    assert kept[1:].texts == ["b", "c"]
    assert kept != every[:2]
    assert repr(kept[:1]) == "Lines([Line(at=1, offset=0, text='a')])"
