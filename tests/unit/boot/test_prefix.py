"""Lines are split into messages, without what was put before them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.analysis.boot.prefix import (
    Message,
    Origin,
    messages,
    without_caret_colours,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain", [Message("plain")]),
        ("[    1.500000] a: b", [Message("a: b", 1.5)]),
        ("<6>[    1.500000] a", [Message("a", 1.5)]),
        ("[    1.500000][   T62] a", [Message("a", 1.5, "T62")]),
        ("[    1.500000 ][    C1 ] a", [Message("a", 1.5, "C1")]),
        (
            "node01 login: [   10.420000] sysrq: Trigger a crash",
            [Message("node01 login:"), Message("sysrq: Trigger a crash", 10.42)],
        ),
        ("login: panic: bad", [Message("login:"), Message("panic: bad")]),
        (
            "[    1.000000] a [    2.000000] b",
            [Message("a", 1.0), Message("b", 2.0)],
        ),
        ("2025-03-05 12:10:30,535: x", [Message("x")]),
        ("kern  :emerg : x", [Message("x")]),
        (
            "Nov 17 04:03:47 debian kernel: [    1.000000] x",
            [Message("x", 1.0, None, Origin.COPY)],
        ),
        (
            "Nov 17 04:03:47 debian kernel: x",
            [Message("x", origin=Origin.COPY)],
        ),
    ],
)
def test_prefixes_are_taken_off(line: str, expected: list[Message]) -> None:
    assert messages(line) == expected


def test_colours_that_a_collector_has_spelt_out_are_taken_off() -> None:
    text = "[^[[0;32m  OK  ^[[0m] Started\n^[^[[Kplain"

    assert without_caret_colours(text) == "[  OK  ] Started\n^[plain"


@pytest.mark.parametrize(
    "line",
    [
        "root@node01:~# dmesg",
        "$ echo x",
        "+ grep x",
        "[Fri Nov 17 04:03:47 2023] Kernel panic - not syncing: old",
    ],
)
def test_what_people_type_and_look_at_is_an_echo(line: str) -> None:
    assert messages(line)[0].origin is Origin.ECHO


@given(st.text(max_size=200))
def test_any_line_has_a_message(line: str) -> None:
    assert messages(line)
