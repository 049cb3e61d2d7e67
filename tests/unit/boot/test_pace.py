"""What a console needs for each stage, and when that is too long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from solrecd.analysis.boot.pace import BOOTS, FACTOR, Pace, stage_lengths
from solrecd.events.boots import Boot, Outcome
from solrecd.events.stages import Stage

CONFIGURED: dict[str, float] = {Stage.FIRMWARE: 600.0, Stage.KERNEL: 180.0}


def good(
    number: int, *, firmware: float, kernel: float = 5.0, outcome: Outcome = Outcome.OK
) -> Boot:
    """Return a boot that reached its login prompt."""
    stages = {
        "firmware": 1.0,
        "kernel": 1.0 + firmware,
        "login": 1.0 + firmware + kernel,
    }
    return Boot("node1", number, 0, 10**9, outcome=outcome, stages=stages)


def test_without_history_the_configuration_holds() -> None:
    assert Pace().limits(CONFIGURED) == {"firmware": 600.0, "kernel": 180.0}


def test_a_slow_machine_gets_a_multiple_of_what_it_needs() -> None:
    pace = Pace(good(number, firmware=400.0) for number in range(1, 6))

    assert pace.limits(CONFIGURED) == {"firmware": 3 * 400.0, "kernel": 180.0}


def test_a_quick_machine_keeps_the_configured_limit() -> None:
    pace = Pace(good(number, firmware=20.0) for number in range(1, 6))

    assert pace.limits(CONFIGURED)["firmware"] == 600.0


def test_one_slow_boot_of_twenty_is_not_normal() -> None:
    boots = [good(number, firmware=300.0) for number in range(1, BOOTS)]
    pace = Pace([*boots, good(BOOTS, firmware=5000.0)])

    assert pace.limits(CONFIGURED)["firmware"] == FACTOR * 300.0


def test_a_night_at_a_rescue_prompt_is_not_normal() -> None:
    rescued = replace(good(1, firmware=30_000.0), facts={"helped": "yes"})

    assert Pace([rescued]).limits(CONFIGURED)["firmware"] == 600.0


def test_only_the_newest_boots_count() -> None:
    pace = Pace(good(number, firmware=4000.0) for number in range(1, 30))
    for number in range(30, 30 + BOOTS):
        pace.add(good(number, firmware=300.0))

    assert pace.limits(CONFIGURED)["firmware"] == FACTOR * 300.0


@pytest.mark.parametrize(
    "outcome", [Outcome.FAILED, Outcome.STUCK, Outcome.UNKNOWN, Outcome.RUNNING]
)
def test_boots_that_were_not_good_teach_nothing(outcome: Outcome) -> None:
    pace = Pace([good(1, firmware=4000.0, outcome=outcome)])

    assert pace.limits(CONFIGURED)["firmware"] == 600.0


def test_a_later_snapshot_of_the_same_boot_counts_once() -> None:
    pace = Pace([good(1, firmware=300.0)])

    pace.add(good(1, firmware=4000.0))

    assert pace.limits(CONFIGURED)["firmware"] == FACTOR * 300.0


def test_a_stage_without_a_limit_is_never_too_long() -> None:
    pace = Pace([good(1, firmware=300.0)])

    assert "kernel" not in pace.limits({Stage.FIRMWARE: 600.0})


def test_the_last_stage_has_no_length() -> None:
    assert stage_lengths(good(1, firmware=30.0)) == {"firmware": 30.0, "kernel": 5.0}


@given(st.lists(st.floats(0, 10**6), max_size=40))
def test_a_limit_is_never_below_the_configured_one(lengths: list[float]) -> None:
    boots = (good(number, firmware=each) for number, each in enumerate(lengths, 1))

    assert Pace(boots).limits(CONFIGURED)["firmware"] >= 600.0
