"""Who may type at a console, who is told what, and what a slow reader loses."""

import pytest
import trio
import trio.testing

from solrecd.console.desk import (
    VIEW,
    Claim,
    Desk,
    DeskTakenError,
    Missed,
    Mode,
    Notice,
    Seat,
)


class Told(list[tuple[str, str]]):
    """Deeds that the desk told: name and user."""

    def __call__(self, name: str, text: str, user: str) -> None:
        assert user in text
        self.append((name, user))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def desk(told: Told) -> Desk:
    return Desk("node1", told)


async def said_to(seat: Seat) -> list[str]:
    return [
        item.fields["text"] for item in await seat.next() if isinstance(item, Notice)
    ]


def test_one_writes_and_the_next_is_told_who(desk: Desk) -> None:
    desk.sit("alice", Mode.WRITE, Claim.ASK, 0)

    with pytest.raises(DeskTakenError, match="written to by alice"):
        desk.sit("bob", Mode.WRITE, Claim.ASK, 1)

    assert [seat.user for seat in desk.seats] == ["alice"]


def test_anybody_may_watch(desk: Desk) -> None:
    desk.sit("alice", Mode.WRITE, Claim.ASK, 0)

    bob = desk.sit("bob", Mode.READ, Claim.ASK, 1)

    assert bob.mode is Mode.READ


async def test_who_is_forced_out_goes_on_watching_and_is_told(
    desk: Desk, told: Told
) -> None:
    alice = desk.sit("alice", Mode.WRITE, Claim.ASK, 0)

    desk.sit("bob", Mode.WRITE, Claim.FORCE, 1)

    assert [(seat.user, seat.mode) for seat in desk.seats] == [
        ("alice", Mode.READ),
        ("bob", Mode.WRITE),
    ]
    assert await said_to(alice) == [
        "bob took the console from alice",
        "bob attached (writes)",
    ]
    assert told == [("attached", "alice"), ("forced", "bob"), ("attached", "bob")]


def test_two_may_join(desk: Desk) -> None:
    desk.sit("alice", Mode.WRITE, Claim.ASK, 0)

    desk.sit("bob", Mode.WRITE, Claim.JOIN, 1)

    assert len(desk.writers) == 2


def test_a_viewer_becomes_the_writer_once_nobody_is(desk: Desk) -> None:
    alice = desk.sit("alice", Mode.WRITE, Claim.ASK, 0)
    bob = desk.sit("bob", Mode.READ, Claim.ASK, 1)

    with pytest.raises(DeskTakenError):
        desk.change(bob, Mode.WRITE, Claim.ASK)
    desk.leave(alice)
    desk.change(bob, Mode.WRITE, Claim.ASK)

    assert desk.writers == [bob]


async def test_everything_is_shown_in_order(desk: Desk) -> None:
    seat = desk.sit("alice", Mode.WRITE, Claim.ASK, 0)

    seat.show(b"one")
    desk.say("hello")
    seat.show(b"two")

    assert await seat.next() == [
        b"one",
        Notice("said", {"text": "hello", "mode": "rw"}),
        b"two",
    ]


async def test_who_waits_is_woken(desk: Desk, nursery: trio.Nursery) -> None:
    seat = desk.sit("alice", Mode.WRITE, Claim.ASK, 0)

    nursery.start_soon(_show_later, seat)

    with trio.fail_after(5):
        assert await seat.next() == [b"later"]


async def _show_later(seat: Seat) -> None:
    await trio.testing.wait_all_tasks_blocked()
    seat.show(b"later")


async def test_who_does_not_read_is_told_how_much_was_lost(desk: Desk) -> None:
    slow = desk.sit("slow", Mode.READ, Claim.ASK, 0)
    piece = b"x" * 1024

    for _ in range(VIEW // len(piece) + 3):
        slow.show(piece)
    items = list(await slow.next())

    assert items[-1] == Missed(3 * len(piece))
    assert sum(len(item) for item in items[:-1] if isinstance(item, bytes)) == VIEW


async def test_the_loss_is_told_before_what_came_after_it(desk: Desk) -> None:
    slow = desk.sit("slow", Mode.READ, Claim.ASK, 0)
    slow.show(b"x" * VIEW)
    slow.show(b"lost")

    items = list(await slow.next())
    slow.show(b"seen")

    assert items == [b"x" * VIEW, Missed(4)]
    assert await slow.next() == [b"seen"]
