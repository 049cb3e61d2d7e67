"""The keeper's table: complete, without dead ends, and what the keeper really does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest
import trio
from hypothesis import given, settings, strategies as st
from trio.testing import MockClock

from solrecd.events.sessions import LostReason, SessionState
from solrecd.process.transitions import IllegalInputError, look_up
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.keeper.keeper import BACKOFF_LAST
from solrecd.sources.ipmi.keeper.states import (
    STEPS,
    WISHES,
    Input,
    State,
    Step,
    is_step,
    told,
)
from solrecd.sources.ipmi.link.login import GOODBYE
from solrecd.sources.ipmi.protocol.events import SolDeactivated
from tests.unit.test_keeper import CONFIG, FakeBmc, FakeConsole, FakeDialer

PAIRS = list(itertools.product(State, Input))

WITHOUT_SESSION = {State.IDLE, State.PAUSED, State.LENT}
ENDING = {State.LEAVING, State.RENEWING, State.RELEASING}


@pytest.mark.parametrize(("state", "given"), PAIRS, ids=str)
def test_every_pair_is_in_the_table_or_refused_with_both_names(
    state: State, given: Input
) -> None:
    if given in STEPS[state]:
        assert isinstance(look_up(STEPS, state, given), Step)
        return
    with pytest.raises(IllegalInputError, match=f"(?=.*{state!s}).*{given!s}"):
        look_up(STEPS, state, given)


def test_every_state_is_reached_and_every_input_has_a_use() -> None:
    steps = [step for row in STEPS.values() for step in row.values()]

    assert set(STEPS) == set(State)
    assert {step.to for step in steps} == set(State)
    assert {given for row in STEPS.values() for given in row} == set(Input)


@pytest.mark.parametrize("state", State)
def test_people_may_wish_for_anything_at_any_time_and_a_stop_is_always_possible(
    state: State,
) -> None:
    wishes = {Input.GIVE_AWAY, Input.TAKE_BACK, Input.RECONNECT}

    assert wishes | {Input.STOP} <= set(STEPS[state])


def test_a_session_ends_in_a_state_that_ends_it_properly() -> None:
    ways = {
        (state, step.to)
        for state, given in PAIRS
        if (step := STEPS[state].get(given)) and given is not Input.STOP
        if state not in WITHOUT_SESSION and step.to in WITHOUT_SESSION
    }

    assert ways == {
        (State.LEAVING, State.PAUSED),
        (State.RELEASING, State.LENT),
    }


@pytest.mark.parametrize("state", list(State)[1:])
def test_from_everywhere_the_payload_may_be_had_again(state: State) -> None:
    reached = {state}
    for _ in State:
        reached |= {
            step.to
            for each in reached
            for given, step in STEPS[each].items()
            if given is not Input.STOP and given not in WISHES
        }

    assert State.UP in reached


def test_what_the_console_was_told_last_fits_what_the_keeper_does() -> None:
    found = told()

    assert found[State.UP] == {SessionState.UP}
    assert found[State.REVIVING] == {SessionState.CONNECTING}
    assert found[State.PAUSED] == {SessionState.DOWN}
    assert found[State.LENT] == {SessionState.YIELDED}
    assert found[State.FOREIGN] == {SessionState.FOREIGN, SessionState.YIELDED}
    assert found[State.LOGGING_IN] == {SessionState.CONNECTING}
    assert [state for state in State if SessionState.UP in found[state]] == [
        State.UP,
        State.LEAVING,
        State.RENEWING,
        State.RELEASING,
    ]


@pytest.mark.parametrize("state", State)
def test_a_second_wish_of_the_same_kind_changes_nothing_but_the_time_of_a_loan(
    state: State,
) -> None:
    for wish in (Input.TAKE_BACK, Input.RECONNECT):
        first = STEPS[state][wish]
        if first.to in ENDING:
            assert not is_step(first.to, STEPS[first.to][wish])


# The real keeper.

Doing = Callable[[Keeper, FakeBmc], None]


def lose(_keeper: Keeper, bmc: FakeBmc) -> None:
    if bmc.link is not None and not bmc.link.closed:
        bmc.dies()


def steal(_keeper: Keeper, bmc: FakeBmc) -> None:
    if bmc.link is not None and not bmc.link.closed:
        bmc.is_taken()


def drop(_keeper: Keeper, bmc: FakeBmc) -> None:
    if bmc.link is not None and not bmc.link.closed:
        bmc.owner = None
        bmc.post(SolDeactivated())


def refuse(_keeper: Keeper, bmc: FakeBmc) -> None:
    bmc.refuses = None if bmc.refuses else LostReason.BMC_BUSY


def fall_silent(_keeper: Keeper, bmc: FakeBmc) -> None:
    bmc.silent = not bmc.silent


DOINGS: list[Doing] = [
    lose,
    steal,
    drop,
    refuse,
    fall_silent,
    lambda keeper, _: keeper.yield_session(30, "for alice"),
    lambda keeper, _: keeper.yield_session(1, "for bob"),
    lambda keeper, _: keeper.take_back(),
    lambda keeper, _: keeper.reconnect("for alice"),
    lambda keeper, _: (keeper.revive("nothing came"), None)[1],
]

PAUSES = [None, 0.0, 0.1, 1.0, 6.0, 61.0]
"""Seconds after a doing; None: the next one comes in the same turn of the loop."""

OUTAGE = GOODBYE + BACKOFF_LAST + 10


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(DOINGS), st.sampled_from(PAUSES)), max_size=25),
    st.booleans(),
)
def test_whatever_happens_state_and_report_agree_and_the_session_comes_back(
    doings: list[tuple[Doing, float | None]],
    left: bool,  # noqa: FBT001 - hypothesis names it
) -> None:
    trio.run(drive, doings, left, clock=MockClock(autojump_threshold=0))


async def drive(doings: list[tuple[Doing, float | None]], left: bool) -> None:  # noqa: FBT001
    bmc, console, allowed = FakeBmc(left=left, owner=1), FakeConsole(), told()
    keeper = Keeper(CONFIG, FakeDialer(bmc), console, rng=random.Random(1))  # type: ignore[arg-type]

    def agree() -> None:
        last = console.state if console.changes else None
        assert last in allowed[keeper.state]
        assert keeper.write(b"") is (keeper.state is State.UP)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        for do, pause in doings:
            do(keeper, bmc)
            if pause is not None:
                await trio.sleep(pause)
            agree()
        bmc.refuses, bmc.silent, bmc.owner = None, False, None
        lose(keeper, bmc)  # A real link notices by itself that it gets no answers.
        await trio.sleep(0.1)
        keeper.take_back()
        await trio.sleep(OUTAGE)
        agree()
        assert keeper.write(b"")
        nursery.cancel_scope.cancel()
    assert keeper.state is State.IDLE
    assert bmc.link is not None
    assert bmc.link.closed
