"""A recorder that cannot keep up says so, once, and when that is over."""

from __future__ import annotations

import time

import pytest
import trio

from solrecd.daemon.saturation import LoopLoad, Saturation, is_saturated
from solrecd.events.event import Event

AT = 1_000_000


@pytest.mark.parametrize(
    ("before", "share", "after"),
    [
        (False, 0.94, False),
        (False, 0.95, True),
        (True, 0.8, True),
        (True, 0.79, False),
    ],
)
def test_saturation_is_left_only_with_some_distance(
    before: bool,  # noqa: FBT001
    share: float,
    after: bool,  # noqa: FBT001
) -> None:
    assert is_saturated(before, share) is after


def test_each_change_is_told_once_and_shown() -> None:
    shown: list[bool] = []
    told: list[Event] = []
    saturation = Saturation(shown.append, told.extend, lambda: AT)

    for share in (0.5, 0.97, 0.99, 0.9, 0.3, 0.2):
        saturation.look(share)

    assert shown == [True, False]
    assert [(one.console, one.name) for one in told] == [
        ("", "saturated"),
        ("", "relieved"),
    ]


def test_the_share_is_of_the_time_that_the_loop_did_not_wait() -> None:
    now = 0.0
    load = LoopLoad(lambda: now)
    load.before_io_wait(3.0)
    now = 2.0
    load.after_io_wait(3.0)
    now = 8.0

    assert load.share() == pytest.approx(0.75)


def test_a_look_for_news_is_no_waiting() -> None:
    now = 0.0
    load = LoopLoad(lambda: now)
    load.before_io_wait(0.0)
    now = 1.0
    load.after_io_wait(0.0)

    assert load.share() == 1.0


async def test_a_loop_that_computes_is_busier_than_one_that_sleeps() -> None:
    load = LoopLoad(time.monotonic)
    trio.lowlevel.add_instrument(load)
    await trio.sleep(0.1)
    slept = load.share()
    until = time.monotonic() + 0.1
    while time.monotonic() < until:  # noqa: ASYNC110 - to be busy is the point
        await trio.lowlevel.checkpoint()
    computed = load.share()
    trio.lowlevel.remove_instrument(load)

    assert slept < computed
    assert computed > 0.9
