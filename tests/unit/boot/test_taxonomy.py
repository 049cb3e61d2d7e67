"""Every name that an event can have is explained, and the page says the same."""

from __future__ import annotations

import re

import pytest

from solrecd.analysis.boot.rulefiles import load_rules
from solrecd.analysis.boot.rulefiles.entry import _KEYS
from solrecd.analysis.boot.rulefiles.rule_warnings import rule_warnings
from solrecd.analysis.boot.rules import Role
from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.console.session_tracker import _SEVERITY
from solrecd.events.event import Kind
from solrecd.events.gaps import GapReason
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.sessions import SessionState
from solrecd.events.stages import WAITING, Stage
from solrecd.storage import marker_files
from solrecd.storage.space import Name
from tests.support.golden import RULES, rules_texts
from tools.taxonomy import OWN_RULES, PAGE, SECTIONS, entries, render, severities

NAMES = {
    Kind.STAGE: {stage.value for stage in Stage} - {"unknown"},
    Kind.FAILURE: {
        *marker_files.load().failure_names,
        *Name,
        *("saturated", "relieved"),
        *("offload_behind", "offload_caught_up"),
    },
    Kind.STUCK: {str(stage) for stage in STAGE_TIMEOUTS if stage != WAITING},
    Kind.SEL: {"asserted", "over"},
    Kind.SESSION: {
        "resumed",
        "degraded",
        "input_stuck",
        "input_taken",
        *(state.value for state in SessionState),
    },
    Kind.GAP: {reason.value for reason in GapReason},
    Kind.POWER: {"on", "off"},
    Kind.OPERATOR: {"console_left_logged_in", *OperatorAct},
}


@pytest.mark.parametrize("kind", Kind)
def test_every_name_is_explained_and_no_other(kind: Kind) -> None:
    assert set(entries()[kind.value]) == NAMES[kind]


@pytest.mark.parametrize("name", sorted(NAMES[Kind.FAILURE]))
def test_every_failure_says_what_to_do(name: str) -> None:
    entry = entries()["failure"][name]

    assert entry["means"].endswith(".")
    assert entry["todo"].endswith((".", "?"))


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.STAGE}))
def test_every_event_has_a_severity(kind: Kind) -> None:
    rules = [rule for rule in RULES.rules if rule.role is Role.FAILURE]

    for name, entry in entries()[kind.value].items():
        known = [rule for rule in rules if kind is Kind.FAILURE and rule.name == name]
        assert severities(entry, known), name
        assert not known or "severity" not in entry, name


@pytest.mark.parametrize("state", SessionState)
def test_sessions_are_told_with_the_severity_that_the_page_says(
    state: SessionState,
) -> None:
    assert entries()["session"][state.value]["severity"] == _SEVERITY[state]


def test_the_example_of_an_own_rule_is_one() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", OWN_RULES.read_text("utf-8"), re.DOTALL)

    rules = load_rules(rules_texts(), {f"{n}.toml": t for n, t in enumerate(blocks)})

    (own,) = (rule for rule in rules.rules if rule.id == "site.raid")
    assert [off.rule.id for off in rules.switched_off] == ["hw.aer", "io.err"]
    assert list(rule_warnings(rules, [own], rules.failure_names)) == []


def test_every_key_of_a_rule_is_explained() -> None:
    explained = re.findall(
        r"^\| `(\w+)` \|", OWN_RULES.read_text("utf-8"), re.MULTILINE
    )

    assert set(explained) == set(_KEYS)


def test_every_kind_has_a_section() -> None:
    assert set(SECTIONS) == {kind.value for kind in Kind}


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render(entries(), marker_files.load()), (
        "make docs"
    )
