"""Strangers at the door: how many, and how fast."""

import trio
import trio.testing

from solrecd.api.connection_limits import (
    HANDSHAKES_PER_SECOND,
    MOST,
    MOST_OF_ONE,
    ConnectionLimits,
)
from solrecd.api.denials import DenialReason, Denials


def test_there_is_room_for_so_many_and_no_more() -> None:
    denials = Denials(lambda: 0.0)
    limits = ConnectionLimits(denials)

    entered = [limits.enter(f"192.0.2.{number % 250}") for number in range(MOST + 5)]

    assert entered.count(True) == MOST
    assert denials.counts[DenialReason.CROWD] == 5


def test_one_address_leaves_room_for_others() -> None:
    limits = ConnectionLimits(Denials(lambda: 0.0))

    own = [limits.enter("a") for _ in range(MOST)]

    assert own.count(True) == MOST_OF_ONE
    assert limits.enter("b")


def test_who_leaves_makes_room() -> None:
    limits = ConnectionLimits(Denials(lambda: 0.0))
    for _ in range(MOST_OF_ONE):
        limits.enter("a")
    assert not limits.enter("a")

    limits.leave("a")

    assert limits.enter("a")


async def test_handshakes_begin_one_after_the_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    limits = ConnectionLimits(Denials(lambda: 0.0))
    began = trio.current_time()

    for _ in range(100):
        await limits.wait_turn()

    assert trio.current_time() - began >= 99 / HANDSHAKES_PER_SECOND
