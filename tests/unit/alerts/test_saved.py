"""The alerts that go on, as a restart finds them again."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.alerts import Alert
from solrecd.alerts.saved import load, save
from solrecd.events.event import Kind
from tests.support.alerting import EPOCH, event

ALERTS = {
    "am": [
        Alert(event("panic"), EPOCH, {"rack": "r1"}, "6.1", "a\nb", 3),
        Alert(event("down", kind=Kind.SESSION, boot=None, signature=None), EPOCH),
    ],
    "hook": [],
}


def test_what_fires_is_found_again() -> None:
    assert load(save(ALERTS)) == ALERTS


@given(st.integers(0, len(save(ALERTS)) - 1))
def test_a_torn_file_holds_nothing_and_harms_nothing(size: int) -> None:
    assert load(save(ALERTS)[:size]) == {}


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b'{"version": 2, "firing": {}}',
        b'{"version": 1}',
        b'{"version": 1, "firing": {"am": 3}}',
        b"[" * 100_000,
    ],
)
def test_a_file_of_something_else_holds_nothing(text: bytes) -> None:
    assert load(text) == {}


@pytest.mark.parametrize("damage", [b'"failure"', b'"fatal"', b'"since"', b'"title"'])
def test_an_alert_that_cannot_be_read_is_left_out(damage: bytes) -> None:
    text = save(ALERTS).replace(damage, b'"foo"', 1)

    assert len(load(text)["am"]) == 1
