"""The wall clock: slewed it is followed, set it has to stay so for a while."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from solrecd.process.clock import HOLD, SECOND, STEP, SteadyClock
from solrecd.process.clock_memory import ClockMemory
from tests.support.damage import HARMS

YEAR = 365 * 86_400 * SECOND
NOON = 1_795_000_000 * SECOND


class System:
    """The clocks of a machine."""

    def __init__(self) -> None:
        self.passed = 0
        self.error = 0
        self.clock = SteadyClock(self.wall, lambda: self.passed)

    def wall(self) -> int:
        """Return what the system shows."""
        return NOON + self.passed + self.error

    def seconds(self) -> float:
        """Return what our clock says, from noon."""
        return (self.clock() * 1000 - NOON) / SECOND


@pytest.mark.parametrize("error", [YEAR, -YEAR, 2 * STEP, -2 * STEP])
def test_a_jump_for_a_moment_changes_no_stamp(error: int) -> None:
    system = System()

    shown = []
    for passed, off in ((1, 0), (2, error), (3, error), (4, 0), (5, 0)):
        system.passed, system.error = passed * SECOND, off
        shown.append(system.seconds())

    assert shown == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("error", [YEAR, -YEAR])
def test_a_clock_that_was_set_is_followed_once_it_has_stayed_so(error: int) -> None:
    system = System()
    system.error = error

    first = system.seconds()
    system.passed = HOLD - 1
    before = system.seconds()
    system.passed = HOLD
    system.seconds()
    after = system.seconds()

    assert first == 0
    assert before == pytest.approx(10)
    assert after == pytest.approx(10 + error / SECOND)


def test_a_slewed_clock_is_followed_at_once() -> None:
    system = System()

    for _ in range(10):
        system.error += STEP
        system.passed += SECOND
        assert system.seconds() == (system.passed + system.error) / SECOND
    assert system.clock.steady_for == 10


def test_at_the_start_a_clock_is_known_to_be_steady_for_no_time_at_all() -> None:
    assert System().clock.steady_for == 0


@pytest.mark.parametrize("error", [YEAR, -YEAR])
def test_a_start_with_a_clock_that_is_wrong_goes_on_with_what_was_right(
    error: int,
) -> None:
    system = System()
    right = system.clock.ahead()
    system.error = error

    system.clock = SteadyClock(system.wall, lambda: system.passed, ahead=right)
    first = system.seconds()
    system.error, system.passed = 0, 5 * SECOND
    later = system.seconds()

    assert (first, later) == (0, 5)


def test_what_was_right_is_remembered_within_a_boot(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    ClockMemory(path, "this-boot").write(NOON)

    assert ClockMemory(path, "this-boot").read() == NOON
    assert ClockMemory(path, "another-boot").read() is None


@pytest.mark.parametrize("time", [0, -1, 100 * NOON, 10**30])
def test_a_time_in_which_no_machine_of_ours_runs_is_not_believed(
    tmp_path: Path, time: int
) -> None:
    path = tmp_path / "clock"
    ClockMemory(path, "this-boot").write(time)

    assert ClockMemory(path, "this-boot").read() is None


@pytest.mark.parametrize("kind", HARMS)
@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_memory_of_a_clock_is_none_or_what_it_was(
    tmp_path: Path, kind: str, seed: int
) -> None:
    path = tmp_path / "clock"
    ClockMemory(path, "this-boot").write(NOON)
    HARMS[kind](path, random.Random(seed))

    assert ClockMemory(path, "this-boot").read() in {None, NOON}


@pytest.mark.parametrize("content", ["", "x", "this-boot", "this-boot -1 0", "a b c"])
def test_what_is_no_memory_of_a_clock_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clock"
    path.write_text(content)

    assert ClockMemory(path, "this-boot").read() is None


def test_it_is_known_for_how_long_there_was_no_jump() -> None:
    system = System()
    system.error = YEAR
    system.seconds()
    system.error = 0
    system.passed = 90 * SECOND

    assert system.clock.steady_for == 90


def test_a_clock_that_goes_to_and_fro_stays_distrusted() -> None:
    system = System()
    for passed in range(100):
        system.passed = passed * SECOND
        system.error = YEAR * (passed % 2)
        assert system.seconds() == passed

    assert system.clock.steady_for <= 1
