"""Waits between tries grow, end somewhere and differ."""

import random

from solrecd.process.backoff import Backoff


def test_back_off_doubles_with_jitter_up_to_its_last_value() -> None:
    backoff = Backoff(random.Random(1), 1, 60)

    waits = [backoff.next() for _ in range(10)]

    ceilings = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert all(
        ceiling / 2 <= wait <= ceiling
        for wait, ceiling in zip(waits, ceilings, strict=True)
    )
    backoff.reset()
    assert backoff.next() <= 1


def test_two_that_failed_together_do_not_come_back_together() -> None:
    one, other = (Backoff(random.Random(seed), 1, 60) for seed in (1, 2))

    assert [one.next() for _ in range(5)] != [other.next() for _ in range(5)]
