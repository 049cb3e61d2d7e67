"""Every name that an event can have is explained, and the page says the same."""

from __future__ import annotations

import pytest

from solrecd.cli.scan import packaged_rules
from solrecd.config.model import STAGE_TIMEOUTS
from solrecd.events import GapReason, Kind, OperatorAct, SessionState, Stage
from solrecd.storage import EVENT_NAMES
from tools.taxonomy import PAGE, SECTIONS, entries, render

NAMES = {
    Kind.STAGE: {stage.value for stage in Stage} - {"unknown"},
    Kind.FAILURE: {*packaged_rules().failure_names, *EVENT_NAMES},
    Kind.STUCK: {stage.value for stage in STAGE_TIMEOUTS},
    Kind.SESSION: {state.value for state in SessionState},
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


def test_every_kind_has_a_section() -> None:
    assert set(SECTIONS) == {kind.value for kind in Kind}


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render(entries(), packaged_rules()), "make docs"
