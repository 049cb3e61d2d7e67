"""How often a console that prints is looked at."""

from __future__ import annotations

import pytest

from solrecd.sources.pace import COLLECT, FLOOD, LONGEST, Pace

MOST = 4000


def looked_at(rate: float, seconds: float) -> list[float]:
    """Return the pauses between looks at a console that prints bytes at a rate."""
    pace, pauses, waiting, passed = Pace(MOST), list[float](), 345.0, 0.0
    while passed < seconds:
        found = min(int(waiting), MOST)
        pauses.append(pace.after(found))
        passed += pauses[-1]
        waiting += rate * pauses[-1] - found
    return pauses


def test_a_serial_line_that_goes_on_is_looked_at_rarely() -> None:
    pauses = looked_at(11_520, 10)

    assert pauses[0] == COLLECT
    assert min(pauses[20:]) > LONGEST / 2
    assert max(pauses) <= LONGEST


@pytest.mark.parametrize("rate", [50_000, 200_000, 900_000])
def test_what_prints_faster_is_looked_at_often_enough_to_keep_up(rate: int) -> None:
    pace, waiting, most = Pace(MOST), 0.0, 0.0
    for _ in range(5000):
        found = min(int(waiting), MOST)
        pause = pace.after(found)
        waiting += rate * pause - found
        most = max(most, waiting)

    assert waiting < 2 * MOST + rate * FLOOD
    assert most < rate


def test_after_a_silence_it_is_looked_at_soon() -> None:
    pace = Pace(MOST)
    for _ in range(20):
        pace.after(MOST // 8)

    pace.silence()

    assert pace.after(MOST // 8) == COLLECT


def test_answers_to_single_keys_are_looked_for_soon_however_many_there_are() -> None:
    pace = Pace(MOST)
    for _ in range(20):
        pace.after(MOST // 8)

    assert {pace.after(4) for _ in range(20)} == {COLLECT}
