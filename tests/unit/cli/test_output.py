"""What reaches a terminal, a script, and a reader of JSON."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from solrecd.cli.shared.output import (
    Cell,
    Colour,
    Column,
    Screen,
    safe,
    to_json,
    value_of,
)

COLUMNS = [
    Column("NAME", lambda row: Cell(row["name"], Colour.BAD)),
    Column("SIZE", lambda row: Cell(f"{row['size']}B"), value_of("size"), right=True),
]
ROWS: list[dict[str, Any]] = [
    {"name": "a", "size": 1},
    {"name": "long\tname", "size": None},
]


def shown(*, is_terminal: bool, **environ: str) -> str:
    stream = io.StringIO()
    screen = Screen(stream, environ, is_terminal=is_terminal)
    screen.table(COLUMNS, ROWS)
    return stream.getvalue()


def test_a_script_gets_tabs_and_plain_values() -> None:
    assert shown(is_terminal=False) == "a\t1\nlong\\x09name\t\n"


def test_lines_for_a_script_keep_their_tabs_and_nothing_else_that_is_obeyed() -> None:
    stream = io.StringIO()
    lines = [f"{n}\tplain" for n in range(1200)]
    lines[700] = "700\tred\x1b[31m"

    count = Screen(stream, {}, is_terminal=False).tabbed(lines)

    written = stream.getvalue().splitlines()
    lines[700] = "700\tred\\x1b[31m"
    assert (count, written) == (1200, lines)


def test_a_person_gets_aligned_columns() -> None:
    assert shown(is_terminal=True, NO_COLOR="1").splitlines() == [
        "NAME           SIZE",
        "a                1B",
        "long\\x09name  NoneB",
    ]


def test_colours_do_not_disturb_the_alignment() -> None:
    plain = shown(is_terminal=True, TERM="dumb")
    coloured = shown(is_terminal=True)

    assert "\x1b[31ma\x1b[0m" in coloured
    for code in ("\x1b[31m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_details_stand_below_their_row_for_people_only() -> None:
    def details(row: Mapping[str, Any]) -> list[Cell]:
        return [Cell(f"more of \x1b{row['name']}")]

    stream, piped = io.StringIO(), io.StringIO()
    Screen(stream, {"NO_COLOR": "1"}, is_terminal=True).table(COLUMNS, ROWS, details)
    Screen(piped, {}, is_terminal=False).table(COLUMNS, ROWS, details)

    assert stream.getvalue().splitlines()[2] == "    more of \\x1ba"
    assert "more" not in piped.getvalue()


def test_a_row_stays_one_line_of_the_terminal() -> None:
    stream = io.StringIO()
    screen = Screen(stream, {"NO_COLOR": "1"}, is_terminal=True, width=30)

    screen.table(COLUMNS[:1] * 2, [{"name": "x" * 16}, {"name": "short"}])

    assert stream.getvalue().splitlines()[1:] == [
        "xxxxxxxxxxxxxxxx  xxxxxxxxxxx…",
        "short             short",
    ]


def test_a_narrow_terminal_does_without_the_columns_that_can_be_spared() -> None:
    stream = io.StringIO()
    screen = Screen(stream, {"NO_COLOR": "1"}, is_terminal=True, width=20)
    name, size = COLUMNS

    screen.table([name._replace(least=6), size._replace(spare=1), name], ROWS)

    assert stream.getvalue().splitlines() == [
        "NAME    NAME",
        "a       a",
        "long\\…  long\\x09name",
    ]


def test_a_table_without_rows_has_no_titles() -> None:
    stream = io.StringIO()

    count = Screen(stream, {}, is_terminal=True).table(COLUMNS, [])

    assert (count, stream.getvalue()) == (0, "")


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("plain å ✓", "plain å ✓"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb\nc", "a\\x0db\\x0ac"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_nothing_that_a_terminal_obeys_is_left(text: str, shown_as: str) -> None:
    assert safe(text) == shown_as


@given(st.text())
def test_json_says_the_same_and_is_safe(text: str) -> None:
    line = to_json({"text": text})

    assert json.loads(line) == {"text": text}
    assert safe(line) == line
