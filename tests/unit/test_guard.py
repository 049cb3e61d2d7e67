"""What a console's guard does about bugs, in virtual time."""

from __future__ import annotations

from typing import NoReturn

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from solrecd.console.guard import (
    LIMIT,
    PAUSE_FIRST,
    PAUSE_LAST,
    WINDOW,
    ConsoleGuard,
    Witnesses,
)
from solrecd.sources.guard import Part


class Watched:
    """A guard, and what its witnesses were told."""

    def __init__(self) -> None:
        self.crashed: list[str] = []
        self.degraded: list[str] = []
        self.guard = ConsoleGuard("n1", Witnesses(self.crashed.append, self._degraded))

    def _degraded(self, console: str, text: str) -> None:
        self.degraded.append(f"{console}: {text}")

    def meet(self, count: int, part: Part = Part.ANALYSIS) -> list[str]:
        """Let a part meet so many bugs; return what its calls returned."""
        return [self.guard.call(part, bug, "otherwise") for _ in range(count)]


def bug() -> NoReturn:
    raise ZeroDivisionError("a bug")


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_a_bug_ends_the_call_and_is_logged_once_with_its_traceback(  # noqa: ASYNC124 - it needs the loop's clock
    watched: Watched, autojump_clock: MockClock
) -> None:
    with capture_logs() as logs:
        returned = watched.meet(1)

    assert returned == ["otherwise"]
    assert watched.crashed == ["n1"]
    (entry,) = logs
    assert entry["event"] == "console.crashed"
    assert (entry["console"], entry["part"]) == ("n1", "analysis")
    assert isinstance(entry["exc_info"], ZeroDivisionError)


async def test_the_error_is_shown_until_nothing_has_happened_for_a_while(
    watched: Watched, autojump_clock: MockClock
) -> None:
    before = watched.guard.error
    watched.meet(1)
    shown = watched.guard.error
    await trio.sleep(WINDOW + 1)

    assert before is None
    assert shown == "crashed: a bug in solrecd (analysis); see its log"
    assert watched.guard.error is None


async def test_a_part_is_left_out_after_three_bugs(
    watched: Watched, autojump_clock: MockClock
) -> None:
    watched.meet(LIMIT - 1)
    before = watched.guard.rests(Part.ANALYSIS)
    watched.meet(10)
    await trio.sleep(100 * WINDOW)

    assert not before
    assert watched.guard.rests(Part.ANALYSIS)
    assert len(watched.crashed) == LIMIT
    (told,) = watched.degraded
    assert told.startswith("n1: recorded without analysis until reload or reconnect")
    error = watched.guard.error
    assert error is not None
    assert error.startswith("degraded: recorded without analysis")


async def test_bugs_far_apart_do_not_add_up(
    watched: Watched, autojump_clock: MockClock
) -> None:
    for _ in range(2 * LIMIT):
        watched.meet(1)
        await trio.sleep(WINDOW + 1)

    assert len(watched.crashed) == 2 * LIMIT
    assert not watched.degraded


async def test_each_part_has_bugs_of_its_own(  # noqa: ASYNC124 - it needs the loop's clock
    watched: Watched, autojump_clock: MockClock
) -> None:
    watched.meet(LIMIT, Part.INDEX)
    watched.meet(LIMIT - 1, Part.ALERTS)

    assert watched.guard.left_out == [Part.INDEX]


@pytest.mark.parametrize("part", [Part.SESSION, Part.RECORDING])
async def test_what_a_console_cannot_do_without_is_tried_after_longer_and_longer_pauses(
    watched: Watched, autojump_clock: MockClock, part: Part
) -> None:
    pauses = []
    for _ in range(9):
        watched.meet(1, part)
        pauses.append(watched.guard.pause(part))
        await watched.guard.rest(part)

    assert pauses[:3] == [PAUSE_FIRST, 2 * PAUSE_FIRST, 4 * PAUSE_FIRST]
    assert pauses[-2:] == [PAUSE_LAST, PAUSE_LAST]
    assert len(watched.degraded) == 1
    assert len(watched.crashed) == 9


async def test_what_a_person_asks_for_is_tried_each_time(  # noqa: ASYNC124 - it needs the loop's clock
    watched: Watched, autojump_clock: MockClock
) -> None:
    watched.meet(2 * LIMIT, Part.OPERATION)

    assert len(watched.crashed) == 2 * LIMIT
    assert not watched.degraded


async def test_everything_is_tried_again_when_people_want_it(
    watched: Watched, autojump_clock: MockClock
) -> None:
    watched.meet(LIMIT)
    watched.meet(LIMIT, Part.SESSION)
    began = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watched.guard.rest, Part.SESSION)
        await trio.sleep(1)
        watched.guard.renew()

    assert trio.current_time() - began == 1
    assert watched.guard.error is None
    assert watched.guard.call(Part.ANALYSIS, lambda: "done", "otherwise") == "done"


async def test_a_bug_beside_a_cancellation_is_contained_and_the_cancellation_goes_on(
    watched: Watched, autojump_clock: MockClock
) -> None:
    async def crash_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        finally:
            bug()

    with trio.move_on_after(1) as scope:
        with watched.guard.containing(Part.SESSION):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(crash_when_cancelled)
                nursery.start_soon(trio.sleep_forever)
        await trio.sleep_forever()

    assert scope.cancelled_caught
    assert watched.crashed == ["n1"]


async def test_a_witness_with_a_bug_of_its_own_harms_nothing() -> None:  # noqa: ASYNC124 - it needs the loop's clock
    def witness(*_: str) -> None:
        bug()

    guard = ConsoleGuard("n1", Witnesses(witness, witness))

    returned = [guard.call(Part.ANALYSIS, bug, "otherwise") for _ in range(LIMIT)]

    assert returned == ["otherwise"] * LIMIT
