"""Which consoles have changed, for who looks now and then."""

import trio
import trio.testing

from solrecd.console.changes import ChangeNotifier, Changes


async def test_what_changed_often_is_told_once(nursery: trio.Nursery) -> None:
    notifier = ChangeNotifier()

    with notifier.watching() as changes:
        for console in ("a", "b", "a", "a"):
            notifier.mark(console)

        assert set(await changes.next()) == {"a", "b"}


async def test_only_what_was_asked_for_is_told() -> None:
    notifier = ChangeNotifier()

    with notifier.watching(["b"]) as changes:
        notifier.mark("a")
        notifier.mark("b")

        assert set(await changes.next()) == {"b"}


async def test_who_waits_is_woken_by_the_next_change(nursery: trio.Nursery) -> None:
    notifier = ChangeNotifier()
    seen: list[str] = []

    async def look(changes: Changes) -> None:
        seen.extend(await changes.next())

    with notifier.watching() as changes:
        notifier.mark("a")
        await changes.next()
        nursery.start_soon(look, changes)
        await trio.testing.wait_all_tasks_blocked()
        notifier.mark("b")
        await trio.testing.wait_all_tasks_blocked()

    assert seen == ["b"]


async def test_who_has_left_is_forgotten() -> None:
    notifier = ChangeNotifier()

    with notifier.watching() as changes:
        pass
    notifier.mark("a")

    with trio.move_on_after(0) as scope:
        await changes.next()
    assert scope.cancelled_caught
