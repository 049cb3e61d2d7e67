"""What is new, missing and slow in a boot, whatever the order of its messages."""

import random
from collections.abc import Sequence

from hypothesis import given, strategies as st

from solrecd.storage.history.compare import (
    Difference,
    Said,
    compare,
    longest_increasing,
    stage_durations,
)

SECOND = 1_000_000


def boot(*messages: str, took: Sequence[float] = ()) -> list[Said]:
    """Return messages a tenth of a second apart, or as far as ``took`` says."""
    at, said = 0, []
    pauses = [*took, *[0.1] * (len(messages) - len(took))]
    for line, (text, pause) in enumerate(zip(messages, pauses, strict=True), 1):
        said.append(Said(text, text, at, line, "kernel"))
        at += round(pause * SECOND)
    return said


def keys(found: Sequence[object]) -> list[str]:
    return [each.first.key for each in found]  # type: ignore[attr-defined]


GOOD = boot("a", "b", "c", "d", "e")


def test_the_same_boot_has_no_difference() -> None:
    assert compare(GOOD, GOOD, stopped=False) == Difference([], [], [], [], [], [])


def test_what_is_new_and_what_is_missing_is_told_in_order() -> None:
    found = compare(GOOD, boot("x", "a", "c", "y", "e", "x"), stopped=False)

    assert keys(found.new) == ["x", "y"]
    assert [each.times for each in found.new] == [2, 1]
    assert keys(found.missing) == ["b", "d"]


@given(st.randoms(use_true_random=False))
def test_another_order_is_no_difference(chance: random.Random) -> None:
    said = boot(*"abcdefghabcabc")
    other = list(said)
    chance.shuffle(other)

    found = compare(said, other, stopped=False)

    assert found._replace(slower=[]) == Difference([], [], [], [], [], [])


def test_what_follows_the_place_where_a_boot_stopped_is_not_missing() -> None:
    found = compare(GOOD, boot("a", "c", "panic"), stopped=True)

    assert keys(found.missing) == ["b"]
    assert keys(found.ahead) == ["d", "e"]
    assert keys(found.new) == ["panic"]


def test_one_message_out_of_place_does_not_move_the_stop() -> None:
    found = compare(boot(*"abcdefgh"), boot("h", *"abc"), stopped=True)

    assert keys(found.ahead) == ["d", "e", "f", "g"]


def test_a_boot_that_says_nothing_known_has_everything_missing() -> None:
    found = compare(GOOD, boot("x"), stopped=True)

    assert keys(found.missing) == list("abcde")


def test_a_slow_way_names_its_ends_and_its_pause() -> None:
    slow = boot("a", "b", "new", "d", "e", took=[0.1, 0.2, 4])

    (slower,) = compare(GOOD, slow, stopped=False).slower

    assert (slower.begin.key, slower.pause.key, slower.end.key) == ("b", "new", "d")
    assert (slower.before, slower.after) == (0.2, 4.2)


def test_slow_is_more_than_twice_and_a_second_longer() -> None:
    first = boot("a", "b", "c", took=[0.4, 3])
    second = boot("a", "b", "c", took=[1.3, 5.9])

    assert compare(first, second, stopped=False).slower == []


def test_the_worst_comes_first() -> None:
    second = boot("a", "b", "c", "d", "e", took=[2, 0.1, 9])

    slower = compare(GOOD, second, stopped=False).slower

    assert [each.begin.key for each in slower] == ["c", "a"]


def test_a_damaged_time_hides_no_message() -> None:
    damaged = [each._replace(at=None) for each in boot("a", "x")]

    assert keys(compare(GOOD, damaged, stopped=False).new) == ["x"]


def test_what_is_repeated_far_more_often_is_told() -> None:
    few, many = boot(*"aabc"), boot(*"a" * 8, *"bbc")

    assert keys(compare(few, many, stopped=False).more) == ["a"]
    assert keys(compare(many, few, stopped=False).less) == ["a"]


@given(st.lists(st.integers(), unique=True, max_size=60))
def test_the_longest_increasing_part_increases(values: list[int]) -> None:
    chosen = longest_increasing(values)

    assert chosen == sorted(chosen)
    assert [values[each] for each in chosen] == sorted(values[each] for each in chosen)


@given(st.permutations(range(7)))
def test_no_increasing_part_is_longer(values: list[int]) -> None:
    lengths: list[int] = []
    for place, value in enumerate(values):
        before = [lengths[i] for i in range(place) if values[i] < value]
        lengths.append(1 + max(before, default=0))

    assert len(longest_increasing(values)) == max(lengths)


def test_a_stage_lasts_until_the_next() -> None:
    stages = {"firmware": 0.0, "kernel": 12.5, "login": 20.0}

    assert stage_durations(stages, 30.0) == {
        "firmware": 12.5,
        "kernel": 7.5,
        "login": 10.0,
    }
    assert "login" not in stage_durations(stages, None)
    assert stage_durations({}, 1.0) == {}
