"""Each log in tests/golden is understood as the .golden file beside it says.

``python -m tests.golden.refresh`` shows what changed, and writes it when told to.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from solrecd.analysis.boot.detector import Detector
from solrecd.analysis.boot.rules import Rule
from solrecd.analysis.text import Assembler
from solrecd.events.lines import Chunk
from tests.golden import refresh
from tests.support.golden import (
    FAMILIES,
    GOLDEN,
    NOT_MARKERS,
    RULES,
    Case,
    cases,
    rules_texts,
    understood,
)

CASES = list(cases())
MARKER_FILES = sorted(rules_texts().keys() - NOT_MARKERS)


def logs_of(family: str) -> list[Path]:
    stem = family.removesuffix(".toml")
    return [*FAMILIES.glob(f"{stem}.log"), *FAMILIES.glob(f"{stem}.*.log")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_log_is_understood_as_expected(case: Case) -> None:
    assert understood(case.data) == case.expected.read_text()


@pytest.mark.parametrize("size", [1, 7, 255])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_packet_sizes_do_not_change_what_is_understood(case: Case, size: int) -> None:
    assert understood(case.data, size) == case.expected.read_text()


@pytest.mark.parametrize("family", MARKER_FILES)
def test_every_family_has_a_log_in_which_each_of_its_rules_matches(family: str) -> None:
    logs = logs_of(family)

    matched = {rule.id for log in logs for rule in _matching(log.read_bytes())}

    assert logs, f"write tests/golden/families/{family.replace('.toml', '.log')}"
    assert {rule.id for rule in RULES.rules if rule.source == family} <= matched


def test_no_expectation_is_left_of_a_log_that_is_gone() -> None:
    expected = {case.expected for case in CASES}

    assert set(GOLDEN.rglob("*.golden")) == expected


def test_what_changed_is_shown_and_written_only_when_told_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = CASES[0]
    before = case.expected.read_text()
    case.expected.write_text(before.replace("kernel", "kernle"))

    try:
        shown = refresh.main([case.name])
        unchanged = case.expected.read_text()
        accepted = refresh.main(["--accept", case.name])
        after = case.expected.read_text()
    finally:
        case.expected.write_text(before)

    assert (shown, accepted, after) == (1, 0, before)
    assert unchanged != before
    assert "\n-1:" in capsys.readouterr().out


def _matching(data: bytes) -> list[Rule]:
    """Return the rules that match in a log, the unfinished line included."""
    assembler, detector = Assembler(), Detector(RULES)
    lines = assembler.feed([Chunk(0, data)])
    markers = list(detector.scan([line.text for line in lines]))
    if assembler.tail is not None:
        prompt = detector.prompt(assembler.tail.text)
        markers += [] if prompt is None else [prompt]
    return [marker.rule for marker in markers]
