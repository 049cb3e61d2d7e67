"""The wall's screen and keys on a terminal that is not there, and on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest
from textual.pilot import Pilot

from solrecd.api.rows import News
from solrecd.cli.top.app import RowActions, WallApp
from tests.support.rows import failed, found, news


class Shelf:
    """A source of news, and of acts that are remembered."""

    def __init__(self, *waiting: News) -> None:
        self.waiting = list(waiting)
        self.done: list[tuple[str, str]] = []

    def take(self) -> News | None:
        return self.waiting.pop(0) if self.waiting else None

    def actions(self) -> RowActions:
        def act(what: str) -> Callable[[str], str]:
            def do(name: str) -> str:
                self.done.append((what, name))
                return ""

            return do

        return RowActions(
            lambda name: self.done.append(("attach", name)),
            lambda name: self.done.append(("watch", name)),
            act("acknowledge"),
            act("unacknowledge"),
            lambda command, name: self.done.append((command, name)),
        )


def on_screen(
    shelf: Shelf,
    act: Callable[[WallApp, Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
) -> None:
    """Show a wall on a terminal that is not there, and do something with it."""

    async def run() -> None:
        app = WallApp(shelf, shelf.actions(), clock=lambda: 0.0)
        async with app.run_test(size=size) as pilot:
            app.look()
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(run())


def lines_of(app: WallApp) -> list[str]:
    """Return what is on the screen."""
    return [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]


def test_the_screen_has_title_rows_details_and_keys_at_80_by_24() -> None:
    rows = [found(f"node{number}") for number in range(100)]

    async def look(app: WallApp, pilot: Pilot[None]) -> None:  # noqa: ASYNC124 - a pilot
        lines = lines_of(app)
        assert len(lines) == 24
        assert lines[0].startswith("101 consoles  1 failed  100 ok  13:46:40")
        assert lines[1].startswith("CONSOLE")
        assert lines[2].startswith("bad      failed      login        46m  bad login:")
        assert lines[3].startswith("node0")
        assert lines[20].startswith("bad  session up · power on · boot 3 failed")
        assert lines[21].startswith("Kernel panic - not syncing")
        assert lines[23].startswith("Enter attach")

    on_screen(Shelf(news(*rows, failed("bad"))), look)


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (300, 100)])
def test_terminals_of_other_sizes_show_what_fits(size: tuple[int, int]) -> None:
    async def look(app: WallApp, pilot: Pilot[None]) -> None:
        assert len(lines_of(app)) == size[1]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert any(line.startswith("bad ") for line in lines_of(app))

    on_screen(Shelf(news(failed("bad"))), look, size)


def pressed(keys: Iterable[str], *waiting: News) -> list[tuple[str, str]]:
    """Press keys one after the other; return what was done."""
    shelf = Shelf(*waiting)

    async def press(app: WallApp, pilot: Pilot[None]) -> None:
        app.suspend = _no_terminal  # type: ignore[method-assign,assignment]
        await pilot.press(*keys)
        await pilot.pause()

    on_screen(shelf, press)
    return shelf.done


class _no_terminal:  # noqa: N801 - stands for a method
    """Gives away a terminal that is not there."""

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


ROWS = news(failed("bad"), found("node1"), found("node2"))


@pytest.mark.parametrize(
    ("keys", "done"),
    [
        (["enter"], [("attach", "bad")]),
        (["down", "enter"], [("attach", "node1")]),
        (["end", "m"], [("watch", "node2")]),
        (["l"], [("log", "bad")]),
        (["down", "b"], [("boots", "node1")]),
        (["d"], [("diff", "bad")]),
        (["j", "j", "k", "enter"], [("attach", "node1")]),
        (["a"], [("acknowledge", "bad")]),
        (["down", "a"], []),
        (["u"], []),
        (["slash", *"node2", "enter", "enter"], [("attach", "node2")]),
        (["slash", *"node2", "escape", "enter"], [("attach", "bad")]),
        (["slash", *"zzz", "enter", "enter"], []),
        (["question_mark", "enter", "enter"], [("attach", "bad")]),
        (["s", "enter"], [("attach", "bad")]),
        (["s", "r", "enter"], [("attach", "node2")]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_keys_do_what_the_help_says(
    keys: list[str], done: list[tuple[str, str]]
) -> None:
    assert pressed(keys, ROWS) == done


def test_the_marked_console_stays_marked_when_others_move() -> None:
    shelf = Shelf(ROWS)

    async def act(app: WallApp, pilot: Pilot[None]) -> None:
        await pilot.press("end")
        shelf.waiting.append(news(failed("node2", "13:40:00"), is_whole=False))
        app.look()
        await pilot.pause()
        assert lines_of(app)[2].startswith("node2")
        assert app.rows.row is not None
        assert app.rows.row.name == "node2"

    on_screen(shelf, act)


def test_a_daemon_that_is_away_is_told_and_the_rows_stay() -> None:
    shelf = Shelf(ROWS)

    async def act(app: WallApp, pilot: Pilot[None]) -> None:
        shelf.waiting.append(News(problem="no answer from solrecd"))
        app.look()
        await pilot.pause()
        assert lines_of(app)[0].startswith("no answer from solrecd")
        assert lines_of(app)[2].startswith("bad")
        shelf.waiting.append(news(found("node1")))
        app.look()
        await pilot.pause()
        assert lines_of(app)[0].startswith("1 console ")

    on_screen(shelf, act)


def test_five_thousand_rows_are_drawn_as_twenty() -> None:
    shelf = Shelf(news(*(found(f"node{number}") for number in range(5000))))

    async def act(app: WallApp, pilot: Pilot[None]) -> None:
        assert lines_of(app)[0].startswith("5000 consoles")
        await pilot.press("end")
        assert lines_of(app)[19].startswith("node4999")
        await pilot.press("home")
        assert lines_of(app)[2].startswith("node0")

    on_screen(shelf, act)
