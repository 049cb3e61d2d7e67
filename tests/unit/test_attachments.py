"""Who may type at a console, who is told what, and what a slow reader loses."""

import pytest
import trio
import trio.testing

from solrecd.console.attachments import (
    VIEW,
    Attachment,
    Attachments,
    ConsoleTakenError,
    Missed,
    Mode,
    Notice,
    WriteClaim,
)


class Told(list[tuple[str, str]]):
    """Acts that were told: name and user."""

    def __call__(self, name: str, text: str, user: str) -> None:
        assert user in text
        self.append((name, user))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def attachments(told: Told) -> Attachments:
    return Attachments("node1", told)


async def said_to(attachment: Attachment) -> list[str]:
    return [
        item.fields["text"]
        for item in await attachment.next()
        if isinstance(item, Notice)
    ]


def test_one_writes_and_the_next_is_told_who(attachments: Attachments) -> None:
    attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)

    with pytest.raises(ConsoleTakenError, match="written to by alice"):
        attachments.attach("bob", Mode.WRITE, WriteClaim.ASK, 1)

    assert [attachment.user for attachment in attachments.present] == ["alice"]


def test_anybody_may_watch(attachments: Attachments) -> None:
    attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)

    bob = attachments.attach("bob", Mode.READ, WriteClaim.ASK, 1)

    assert bob.mode is Mode.READ


async def test_who_is_forced_out_goes_on_watching_and_is_told(
    attachments: Attachments, told: Told
) -> None:
    alice = attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)

    attachments.attach("bob", Mode.WRITE, WriteClaim.FORCE, 1)

    assert [
        (attachment.user, attachment.mode) for attachment in attachments.present
    ] == [
        ("alice", Mode.READ),
        ("bob", Mode.WRITE),
    ]
    assert await said_to(alice) == [
        "bob took the console from alice",
        "bob attached (writes)",
    ]
    assert told == [("attached", "alice"), ("forced", "bob"), ("attached", "bob")]


def test_two_may_join(attachments: Attachments) -> None:
    attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)

    attachments.attach("bob", Mode.WRITE, WriteClaim.JOIN, 1)

    assert len(attachments.writers) == 2


def test_a_viewer_becomes_the_writer_if_there_is_none(
    attachments: Attachments,
) -> None:
    alice = attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)
    bob = attachments.attach("bob", Mode.READ, WriteClaim.ASK, 1)

    with pytest.raises(ConsoleTakenError):
        attachments.change(bob, Mode.WRITE, WriteClaim.ASK)
    attachments.detach(alice)
    attachments.change(bob, Mode.WRITE, WriteClaim.ASK)

    assert attachments.writers == [bob]


async def test_everything_is_shown_in_order(attachments: Attachments) -> None:
    attachment = attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)

    attachment.show(b"one")
    attachments.say("hello")
    attachment.show(b"two")

    assert await attachment.next() == [
        b"one",
        Notice("said", {"text": "hello", "mode": "rw"}),
        b"two",
    ]


async def test_who_waits_is_woken(
    attachments: Attachments, nursery: trio.Nursery
) -> None:
    attachment = attachments.attach("alice", Mode.WRITE, WriteClaim.ASK, 0)

    nursery.start_soon(_show_later, attachment)

    with trio.fail_after(5):
        assert await attachment.next() == [b"later"]


async def _show_later(attachment: Attachment) -> None:
    await trio.testing.wait_all_tasks_blocked()
    attachment.show(b"later")


async def test_who_does_not_read_is_told_how_much_was_lost(
    attachments: Attachments,
) -> None:
    slow = attachments.attach("slow", Mode.READ, WriteClaim.ASK, 0)
    piece = b"x" * 1024

    for _ in range(VIEW // len(piece) + 3):
        slow.show(piece)
    items = list(await slow.next())

    assert items[-1] == Missed(3 * len(piece))
    assert sum(len(item) for item in items[:-1] if isinstance(item, bytes)) == VIEW


async def test_the_loss_is_told_before_what_came_after_it(
    attachments: Attachments,
) -> None:
    slow = attachments.attach("slow", Mode.READ, WriteClaim.ASK, 0)
    slow.show(b"x" * VIEW)
    slow.show(b"lost")

    items = list(await slow.next())
    slow.show(b"seen")

    assert items == [b"x" * VIEW, Missed(4)]
    assert await slow.next() == [b"seen"]
