"""Work beside the recording: a bug in it is logged, and it begins again."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from solrecd.process.upkeep import AGAIN_AFTER, keep_up


async def test_work_that_crashes_begins_again_after_a_while(
    autojump_clock: trio.testing.MockClock,
) -> None:
    begun: list[float] = []

    async def work(limit: int) -> None:
        begun.append(trio.current_time())
        if len(begun) < limit:
            raise OverflowError
        await trio.lowlevel.checkpoint()

    start = trio.current_time()
    await keep_up(work, 3)

    assert [at - start for at in begun] == [0, AGAIN_AFTER, 2 * AGAIN_AFTER]


async def test_cancelled_it_ends() -> None:
    with trio.move_on_after(0) as scope:
        await keep_up(trio.sleep_forever)

    assert scope.cancelled_caught


async def test_what_ends_the_process_is_not_caught() -> None:
    async def leave() -> None:
        await trio.lowlevel.checkpoint()
        raise SystemExit(2)

    with pytest.raises(SystemExit):
        await keep_up(leave)
