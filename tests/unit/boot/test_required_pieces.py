"""What a pattern needs is found where it stands."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.analysis.boot.gate import Gate
from solrecd.analysis.boot.required_pieces import required_pieces
from tests.support.golden import RULES


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("panic", ["panic"]),
        ("^Kernel panic(?:: ?(?P<reason>.*))?$", ["Kernel panic"]),
        ("(?:BUG|INFO): task", ["BUG: task", "INFO: task"]),
        ("Call [Tt]races?:", ["Call [Tt]race:", "Call [Tt]races:"]),
        (r"^EDAC \S+: (?P<kind>CE|UE) page\b", [": CE page", ": UE page"]),
        (r"^(?P<code>[12]\d{2,3}) - (?P<msg>DIMM.*)", [r"[12](?:\d){2,3} - DIMM"]),
        (r"\*\* STOP: 0x[0-9A-F]{8}", [r"\*\* STOP: 0x[0-9A-F]"]),
        ("(?:dead+)+beef", ["dead"]),
        ("(?:alpha.*|omega.*)!", ["alpha", "omega"]),
        ("(?i)^no disk", ["(?i:no disk)"]),
        (r"Failed to load \x27", [r"Failed to load \x27"]),
        ("long [^x]y", ["long "]),
        ("(?:a|b|c|d|e)(?:1|2|3|4) is", [f"{c}(?:1|2|3|4) is" for c in "abcde"]),
    ],
)
def test_the_most_telling_piece_of_a_pattern_is_looked_for(
    pattern: str, expected: list[str]
) -> None:
    assert required_pieces(pattern) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d+", "", "(?:panic)?", "pan*x*", "panic|.*", r"\Qpanic|b\E", "panic)b",
        "panic(?i)b", "[[:alpha:]]+", "ab", r"\pLpanic", "(?U)panic", "(panic",
    ],
)  # fmt: skip
def test_nothing_is_looked_for_where_nothing_is_sure(pattern: str) -> None:
    assert required_pieces(pattern) is None


ATOMS = st.sampled_from(
    [
        "ab", "cde", "[fg]", "[^h]", r"\d", ".", r"\.", "(?:ij|k)", "l m|nop", "",
        r"\s", r"\x41", "(?:q$|r)", "^", r"[\w-]", r"\bstu",
    ]
)  # fmt: skip
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda p: f"(?:{'|'.join(p)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "+?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
    ),
    max_leaves=8,
)


@given(data=st.data(), pattern=PATTERNS, fold=st.booleans())
@settings(deadline=None)
def test_every_match_has_a_needle(
    data: st.DataObject, pattern: str, *, fold: bool
) -> None:
    pattern = f"(?i){pattern}" if fold else pattern
    text = data.draw(st.from_regex(re.compile(pattern)))

    wanted = required_pieces(pattern)

    assert wanted is None or any(re.search(one, text) for one in wanted), pattern


def test_every_packaged_rule_needs_something() -> None:
    assert [r.id for r in RULES.searched if required_pieces(r.pattern) is None] == []


def test_the_gate_shows_every_packaged_rule_its_own_example() -> None:
    block = "\n".join(f"quiet\n\n{rule.example}" for rule in RULES.searched)

    found = {found.line: found.patterns for found in RULES.gate.candidates(block)}

    missed = [
        rule.id
        for index, rule in enumerate(RULES.searched)
        if index not in found.get(3 * index + 2, [])
    ]
    assert missed == []


def test_the_gate_lets_lines_pass_and_names_the_patterns() -> None:
    gate = Gate(["^panic", "oops .* dead", "Übel"])
    block = "nothing\n\npanic: Übel\noops, alive\n\noops he is dead"

    found = [(line, text, patterns) for line, text, patterns in gate.candidates(block)]

    assert found == [(2, "panic: Übel", [0, 2]), (5, "oops he is dead", [1])]


def test_a_pattern_that_needs_nothing_is_tried_on_every_line() -> None:
    gate = Gate(["^panic", r"^\d+$"])

    found = [
        (line, text, patterns) for line, text, patterns in gate.candidates("7\n\nx")
    ]

    assert found == [(0, "7", [1]), (2, "x", [1])]
