"""Consoles take turns; who has left gets none."""

from collections.abc import AsyncIterator, Callable

import pytest
import trio
from trio.testing import MockClock

from solrecd.console.interpret_loop import (
    ALL_EVERY,
    CHECK_EVERY,
    INTERPRET_EVERY,
    SHARE,
    SLICE,
    InterpretLoop,
)
from tests.support.unguarded import Unguarded


class FakeConsole:
    """Writes down its turns; the first `settle` comes too soon."""

    def __init__(
        self, during: Callable[[], None] = lambda: None, waiting: int = 0
    ) -> None:
        self.turns: list[str] = []
        self.waits = True
        self.waiting = waiting
        """Bytes."""
        self.guard = Unguarded()
        self._during = during
        """What happens while it interprets."""

    def interpret(self, most: int | None = None) -> bool:
        self.turns.append("interpret")
        self._during()
        self.waiting = max(0, self.waiting - (most or self.waiting))
        return self.waiting > 0

    def settle(self, at: int) -> bool:
        self.turns.append("settle")
        return self.turns.count("settle") > 1

    def waits_for_time(self) -> bool:
        return self.waits

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


async def test_one_that_waits_for_nothing_is_asked_again_when_it_prints_and_rarely(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    printing, silent = FakeConsole(), FakeConsole()
    for console in (printing, silent):
        console.waits = False
        loop.join(console, FakeSource())
    await trio.sleep(CHECK_EVERY + 0.1)
    for console in (printing, silent):
        console.waits = True

    loop.wake(printing)
    await trio.sleep(CHECK_EVERY)
    soon = printing.turns.count("check"), silent.turns.count("check")
    await trio.sleep(ALL_EVERY * CHECK_EVERY)

    assert soon == (1, 0)
    assert silent.turns.count("check") >= 1
    assert printing.turns.count("check") == ALL_EVERY + 1


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


async def test_a_console_with_much_to_say_takes_turns_with_its_like(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    order: list[str] = []
    first = FakeConsole(lambda: order.append("first"), waiting=3 * SHARE)
    second = FakeConsole(lambda: order.append("second"), waiting=3 * SHARE)
    for console in (first, second):
        loop.join(console, FakeSource())
        loop.wake(console)

    await trio.sleep(2 * INTERPRET_EVERY)

    assert (order.count("first"), order.count("second")) == (3, 3)
    assert all(set(order[at : at + 2]) == {"first", "second"} for at in (0, 2, 4))


async def test_a_loud_console_keeps_no_other_waiting_and_has_half_of_the_loop(
    loop: InterpretLoop, autojump_clock: MockClock
) -> None:
    began = trio.current_time()
    loud = FakeConsole(lambda: autojump_clock.jump(SLICE), waiting=10_000 * SHARE)
    quiet = FakeConsole()
    for console in (loud, quiet):
        loop.join(console, FakeSource())
    loop.wake(loud)
    await trio.sleep(2 * INTERPRET_EVERY)

    for _ in range(5):
        loop.wake(quiet)
        turns = quiet.turns.count("interpret")
        await trio.sleep(1.5 * INTERPRET_EVERY)
        assert quiet.turns.count("interpret") > turns

    share = loud.turns.count("interpret") * SLICE / (trio.current_time() - began)
    assert 0.3 < share < 0.55
