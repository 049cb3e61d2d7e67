"""A bad network and a script of mishaps: seeded, so that a failure comes back."""

from __future__ import annotations

import random

import pytest

from solrecd.simbmc.faults import Faults, FaultyPath, Mishap, Script, Step


def path(faults: Faults) -> FaultyPath:
    rng = random.Random(1)
    return FaultyPath(faults, rng, now=100.0)


def test_a_perfect_path_delivers_once_and_at_once() -> None:
    perfect = path(Faults())

    assert perfect.carry(b"x", 101.0) == [(101.0, b"x")]
    assert perfect.is_perfect


def test_everything_can_be_lost() -> None:
    assert path(Faults(loss=1.0)).carry(b"x", 101.0) == ()


def test_a_duplicate_arrives_twice() -> None:
    deliveries = path(Faults(duplication=1.0, delay=0.5)).carry(b"x", 101.0)

    assert deliveries == [(101.5, b"x"), (101.5, b"x")]


def test_a_reordered_datagram_is_held_back() -> None:
    (delivery,) = path(Faults(reordering=1.0, reorder_hold=0.2)).carry(b"x", 101.0)

    assert delivery.at == pytest.approx(101.2)


def test_jitter_stays_below_its_bound() -> None:
    jittery = path(Faults(delay=0.1, jitter=0.1))

    times = [jittery.carry(b"x", 0.0)[0].at for _ in range(50)]

    assert all(0.1 <= at < 0.2 for at in times)
    assert len(set(times)) > 1


def test_corruption_flips_one_bit() -> None:
    (delivery,) = path(Faults(corruption=1.0)).carry(bytes(20), 101.0)

    assert sum(byte.bit_count() for byte in delivery.datagram) == 1


def test_corruption_leaves_an_empty_datagram_alone() -> None:
    assert path(Faults(corruption=1.0)).carry(b"", 101.0) == [(101.0, b"")]


@pytest.mark.parametrize(("now", "arrives"), [(109.9, 1), (110.0, 0), (115.0, 1)])
def test_a_blackout_counts_from_the_making_of_the_path(
    now: float, arrives: int
) -> None:
    dark = path(Faults(blackouts=((10.0, 15.0),)))

    assert len(dark.carry(b"x", now)) == arrives


def test_the_same_seed_makes_the_same_network() -> None:
    faults = Faults(loss=0.3, duplication=0.3, jitter=0.1)
    one, other = path(faults), path(faults)

    for number in range(100):
        assert one.carry(bytes([number]), 0.0) == other.carry(bytes([number]), 0.0)


def test_a_script_ends_or_repeats() -> None:
    steps = (Step(1.0, Mishap.STEAL), Step(2.0, Mishap.RELEASE))

    once, forever = Script(steps), Script(steps, period=10.0)

    assert [once.nth(n) for n in range(3)] == [*steps, None]
    assert forever.nth(3) == Step(12.0, Mishap.RELEASE)
    assert Script().nth(0) is None
