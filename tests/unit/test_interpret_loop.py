"""Consoles take turns; who has left gets none."""

from collections.abc import AsyncIterator, Callable

import pytest
import trio
from trio.testing import MockClock

from solrecd.console.interpret_loop import (
    CHECK_EVERY,
    INTERPRET_EVERY,
    SLICE,
    InterpretLoop,
)
from tests.support.unguarded import Unguarded


class FakeConsole:
    """Writes down its turns; the first `settle` comes too soon."""

    def __init__(self, during: Callable[[], None] = lambda: None) -> None:
        self.turns: list[str] = []
        self.guard = Unguarded()
        self._during = during
        """What happens while it interprets."""

    def interpret(self) -> None:
        self.turns.append("interpret")
        self._during()

    def settle(self, at: int) -> bool:
        self.turns.append("settle")
        return self.turns.count("settle") > 1

    def check(self, at: int) -> None:
        self.turns.append("check")

    def end_silence(self, at: int, revive: Callable[[str], bool]) -> None:
        self.turns.append("end_silence")
        revive("silent")

    def limit_stages(self) -> None:
        self.turns.append("limit_stages")


class FakeSource:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def output_paused(self) -> None:
        self.told.append("quiet")

    def revive(self, why: str) -> bool:
        self.told.append(why)
        return True


@pytest.fixture
async def loop() -> AsyncIterator[InterpretLoop]:
    """Return rounds that are under way."""
    loop = InterpretLoop(lambda: 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loop.run)
        yield loop
        nursery.cancel_scope.cancel()


async def test_output_is_understood_and_settles_when_it_is_quiet(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    console, silent, keeper = FakeConsole(), FakeConsole(), FakeSource()
    loop.join(console, keeper)
    loop.join(silent, FakeSource())

    loop.wake(console)
    await trio.sleep(4 * INTERPRET_EVERY)

    assert console.turns == ["interpret", "settle", "settle"]
    assert silent.turns == []
    assert keeper.told == ["quiet"]


async def test_everybody_is_checked_now_and_then(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    console, keeper = FakeConsole(), FakeSource()
    loop.join(console, keeper)

    await trio.sleep(1.5 * CHECK_EVERY)

    assert console.turns == ["check", "end_silence"]
    assert keeper.told == ["silent"]


async def test_a_console_that_leaves_has_a_last_turn_and_no_other(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    console, keeper = FakeConsole(), FakeSource()
    loop.join(console, keeper)
    loop.wake(console)

    loop.leave(console)
    await trio.sleep(2 * CHECK_EVERY)

    assert console.turns == ["interpret"]
    assert keeper.told == []


async def test_a_console_that_leaves_in_the_midst_of_a_round_is_left_alone(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    begun = trio.Event()

    def take_long() -> None:
        autojump_clock.jump(2 * SLICE)
        begun.set()

    leaving = FakeConsole()
    busy = [FakeConsole(take_long) for _ in range(3)]
    for console in (*busy, leaving):
        loop.join(console, FakeSource())
        loop.wake(console)
    await begun.wait()

    loop.leave(leaving)
    await trio.sleep(2 * CHECK_EVERY)

    assert "settle" not in leaving.turns
    assert "check" not in leaving.turns
    assert all("settle" in console.turns for console in busy)


async def test_all_take_new_limits_of_stages(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    consoles = [FakeConsole() for _ in range(3)]
    for console in consoles:
        loop.join(console, FakeSource())

    await loop.limit_stages()

    assert [console.turns for console in consoles] == [["limit_stages"]] * 3
