"""A gap is as long as output may be missing, however late the loss was noticed."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from solrecd.simbmc.faults import Mishap
from solrecd.simbmc.options import Habits
from tests.support.outages import DARK, KINDS, STOP, TOLERANCE, Outage, suffer


@pytest.mark.parametrize("habits", Habits)
@pytest.mark.parametrize("what", KINDS)
def test_a_gap_is_as_long_as_nothing_was_recorded(
    what: Mishap | str, habits: Habits
) -> None:
    lasts = 45.0 if what in {DARK, STOP, Mishap.MUTE} else 25.0

    found = trio.run(
        suffer, what, lasts, 1, habits, clock=MockClock(autojump_threshold=0)
    )

    assert found.gaps
    assert found.error <= TOLERANCE
    assert (found.unmarked, found.doubled) == (0, 0)


@pytest.mark.parametrize("habits", Habits)
@pytest.mark.parametrize("seed", range(8))
def test_a_random_outage_is_told_with_its_length(seed: int, habits: Habits) -> None:
    outage = Outage.drawn(seed)

    found = outage.suffered(seed, habits)

    assert found.error <= TOLERANCE, outage
    assert (found.unmarked, found.doubled) == (0, 0), outage
