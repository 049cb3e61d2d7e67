"""Whose files are looked at, and how often."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

from solrecd.storage.archive.lane import AT_ONCE, INSPECTION, ROUNDS, Lane, Reports


class Silent:
    """The recorder of a console that prints nothing; notes when it is looked at."""

    error = None
    is_dirty = False
    queued = False

    def __init__(self, console: str) -> None:
        self.console = console
        self.looks: list[float] = []

    def inspect(self, now: float) -> None:
        self.looks.append(now)


def looked_at(count: int, times: int) -> list[Silent]:
    """Return so many recorders after so many turns."""
    closer: Any = None
    lane = Lane(Reports(), closer)
    recorders = [Silent(f"n{number}") for number in range(count)]
    lane.recorders = cast("Any", {one.console: one for one in recorders})
    for turn in range(1, times + 1):
        lane.drain(turn * INSPECTION)
    return recorders


@pytest.mark.parametrize("count", [1, AT_ONCE])
def test_a_few_are_all_looked_at_each_time(count: int) -> None:
    assert all(len(one.looks) == 4 for one in looked_at(count, 4))


@pytest.mark.parametrize("count", [AT_ONCE + 1, 1000, 1001, 5000])
def test_each_of_many_is_looked_at_once_in_a_minute(count: int) -> None:
    recorders = looked_at(count, 3 * ROUNDS)

    at_once = max(AT_ONCE, math.ceil(count / ROUNDS))
    rounds = math.ceil(count / at_once)
    for one in recorders:
        assert one.looks[0] <= rounds * INSPECTION <= 60
        assert max(b - a for a, b in zip(one.looks, one.looks[1:], strict=False)) <= 60
    total = sum(len(one.looks) for one in recorders)
    assert total <= 3 * ROUNDS * at_once
