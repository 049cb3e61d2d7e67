"""The rhythm of a session's questions."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from solrecd.sources.ipmi.protocol.beat import next_beat


@given(
    now=st.floats(0, 1e7),
    interval=st.floats(1, 600),
    place=st.floats(0, 1, exclude_max=True),
)
def test_a_beat_lies_within_the_interval_at_a_whole_second(
    now: float, interval: float, place: float
) -> None:
    beat = next_beat(now, interval, place)

    assert now < beat <= now + interval
    assert beat == round(beat)


def test_beats_follow_each_other_in_the_interval() -> None:
    first = next_beat(100.3, 20.0, 0.77)

    assert next_beat(first, 20.0, 0.77) == first + 20
    assert next_beat(first + 7.5, 20.0, 0.77) == first + 20


def test_a_fleet_is_spread_evenly_over_the_interval() -> None:
    beats = Counter(next_beat(100.3, 20.0, place / 1000) for place in range(1000))

    assert set(beats.values()) == {50}
