"""What a terminal shows: menus, and bytes that were never meant for one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.process.stamps import parse_stamp
from solrecd.storage.history.files import Fault
from solrecd.storage.history.segments import Archive
from solrecd.storage.history.terminal import Cursor, read_tail, show
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")

MENU = (
    b"rubbish before\r\n\x1b[2J\x1b[1;1H\x1b[1;37;44m GNU GRUB \x1b[0m"
    b"\x1b[3;2H*Debian\x1b[4;2H Memory test\x1b[24;1Hpress e\x1b[3;2H"
)

NASTY = [
    b"\x1b[?1;2m",
    b"\x1b[9999999999@",
    b"\x1b[99999;99999r\x1b[99999L",
    b"\x1b[?3h",
    b"\x1b]0;title\x07",
    b"\x1b]" + b"x" * 5000,
    b"\x1b[>0;276;0c",
    b"\x1b(0lqqk\x1b(B",
    b"\x1b[6n\x1b[c\x1b[5n",
    b"\xff\xfe\x00\x0e\x9b1m",
    b"\x1b[" + b"1;" * 400 + b"m",
]


def test_a_menu_is_shown_as_it_stands() -> None:
    shown = show(MENU, columns=80, rows=24)

    assert shown.lines[0] == " GNU GRUB"
    assert shown.lines[2:4] == [" *Debian", "  Memory test"]
    assert shown.lines[23] == "press e"
    assert shown.cursor == Cursor(3, 2)


def test_the_screen_has_the_size_asked_for() -> None:
    shown = show(b"0123456789" * 3, columns=20, rows=3)

    assert shown.lines == ["01234567890123456789", "0123456789", ""]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_follows_a_nasty_sequence_is_shown(nasty: bytes) -> None:
    shown = show(nasty + b"\x1b\\\x1bc" + b"still here", columns=80, rows=24)

    assert shown.lines[0].endswith("still here")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("zero\u200bwidth", "zerowidth"),
        ("con\x01trol\x7f", "control"),
        ("e\u0301te\u0301", "\xe9t\xe9"),
        ("\x1b(0lqqk\x1b(Bx", "\u250c\u2500\u2500\u2510x"),
        ("\x1b)0\x0eqq\x0fqq", "\u2500\u2500qq"),
        ("noise\x0eqq", "noiseqq"),
        ("-\x1b[9b|", "----------|"),
        ("\x1b(0q\x1b[3b\x1b(B|", "\u2500\u2500\u2500\u2500|"),
        ("\x1b[9bnothing before", "nothing before"),
        ("\x1b[=3hmenu", "menu"),
        ("\x1b[!pa\x1b[2 qb\x1b[38:5:1mc", "abc"),
        ("\x1bP1$r0m\x1b\\text", "text"),
        ("\x1b_apc\x1b\\text\x1b*0more", "textmore"),
        ("shell\x1b[?1049h\x1b[2J\x1b[HEDITOR\x1b[?1049l$", "shell$"),
        ("shell\x1b[?1049h\x1b[2J\x1b[HEDITOR", "EDITOR"),
        ("\x1b[?1049lshell", "shell"),
        ("\u6f22\u5b57\x1b[1;1Hx", "x \u5b57"),
        ("\u6f22\u5b57\x1b[1;2Hx", " x\u5b57"),
        ("\u6f22\u5b57", "\u6f22\u5b57"),
        ("\x1b[5`x", "    x"),
        ("1\r\n2\r\n3\x1b[2Sx", "3"),
        ("1\x1b[2;3r\x1b[S\x1b[3;1Hy", "1"),
    ],
)
def test_a_terminal_is_what_terminals_are(data: str, line: str) -> None:
    assert show(data.encode(), columns=40, rows=4).lines[0] == line


def test_lines_scroll_within_their_region() -> None:
    begun = b"a\r\nb\r\nc\r\nd\x1b[2;3r"

    assert show(begun + b"\x1b[S", columns=5, rows=4).lines == ["a", "c", "", "d"]
    assert show(begun + b"\x1b[T", columns=5, rows=4).lines == ["a", "", "b", "d"]
    assert show(begun + b"\x1b[99T", columns=5, rows=4).lines == ["a", "", "", "d"]


def test_a_wide_character_at_the_edge_breaks_nothing() -> None:
    shown = show("\u6f22\u6f22\u6f22\x1b[1;5Hx".encode(), columns=5, rows=2)

    assert shown.lines[0].endswith("x")


def test_a_repetition_is_no_longer_than_the_screen() -> None:
    assert show(b"x\x1b[9999b", columns=5, rows=2).lines[0] == "xxxxx"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(NASTY),
            st.from_regex(rb"\A\x1b\[[0-9;?>!]{0,12}[@-~]\Z"),
        ),
        max_size=20,
    )
)
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    shown = show(b"".join(pieces), columns=80, rows=24)

    assert len(shown.lines) == 24


def test_the_end_is_read_across_segments_closed_or_not(tmp_path: Path) -> None:
    for boot, text in enumerate(("first", "second", "third"), 1):
        line = Printed(NOON + boot, text)
        write_segment(tmp_path, "node1", [line], boot=boot, closed=boot < 3)
    faults: list[Fault] = []

    segments = Archive(tmp_path).segments("node1")

    assert read_tail(segments, 1000, faults.append) == b"first\r\nsecond\r\nthird\r\n"
    assert read_tail(segments, 9, faults.append) == b"\r\nthird\r\n"
    assert faults == []
