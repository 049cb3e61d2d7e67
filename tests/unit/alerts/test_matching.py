"""Which events a receiver hears of."""

from __future__ import annotations

import pytest

from solrecd.alerts.matching import matches
from solrecd.config import Selection
from solrecd.events.event import Kind, Severity
from tests.support.alerting import event


@pytest.mark.parametrize(
    ("selection", "heard"),
    [
        (Selection(), True),
        (Selection(severity=Severity.FATAL), True),
        (Selection(kinds=(Kind.SESSION,)), False),
        (Selection(names=("oops", "pan*")), True),
        (Selection(names=("oops",)), False),
        (Selection(consoles=frozenset({"n1"})), True),
        (Selection(consoles=frozenset({"n2"})), False),
        (Selection(match={"rack": "r1*"}), True),
        (Selection(match={"rack": "r1*", "row": "?"}), False),
        (Selection(match={"row": ""}), True),
    ],
)
def test_a_receiver_hears_of_what_it_selects(
    selection: Selection, *, heard: bool
) -> None:
    assert matches(selection, event("panic"), {"rack": "r17"}) is heard


def test_less_severe_events_are_not_heard_of() -> None:
    warning = event("user_crash", severity=Severity.WARNING)

    assert not matches(Selection(), warning, {})
    assert matches(Selection(severity=Severity.WARNING), warning, {})
