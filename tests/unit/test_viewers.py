"""Viewers: who watches what, and what a slow one is told."""

import trio

from solrecd.console.viewers import (
    RECENT_CHARACTERS,
    RECENT_LINES,
    VIEWER_BUFFER,
    Missed,
    TailItem,
    Unfinished,
    Viewers,
)
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.lines import Line


def lines(*texts: str) -> list[Line]:
    return [Line(at, at * 100, text) for at, text in enumerate(texts)]


def drained(channel: trio.MemoryReceiveChannel[TailItem]) -> list[TailItem]:
    items = []
    while True:
        try:
            items.append(channel.receive_nowait())
        except trio.WouldBlock:
            return items


async def test_a_viewer_sees_recent_lines_first_and_then_live_ones() -> None:
    viewers = Viewers()
    viewers.offer("a", lines("before"), [])

    async with viewers.watch({"a"}) as channel:
        viewers.offer("a", lines("after"), [])
        viewers.offer("b", lines("not asked for"), [])

        assert [item.item for item in drained(channel)] == [
            Line(0, 0, "before"),
            Line(0, 0, "after"),
        ]


async def test_a_quiet_unfinished_line_is_shown_once() -> None:
    viewers = Viewers()
    prompt, typed = Line(1, 0, "login: "), Line(1, 0, "login: r")

    async with viewers.watch({"a"}) as channel:
        viewers.offer("a", (), (), prompt)
        viewers.offer("a", (), (), prompt)
        viewers.offer("a", (), (), typed)
        viewers.offer("b", (), (), prompt)
        viewers.offer("a", (), (), Line(2, 9, ""))

        found = [item.item for item in drained(channel)]

    assert found == [Unfinished(prompt), Unfinished(typed)]


async def test_a_new_viewer_sees_the_prompt_that_waits() -> None:
    viewers = Viewers()
    viewers.offer("a", lines("before"), [], Line(9, 9, "login: "))

    async with viewers.watch({"a"}) as channel:
        assert [type(item.item) for item in drained(channel)] == [Line, Unfinished]


async def test_a_finished_line_is_no_prompt_any_more() -> None:
    viewers = Viewers()
    viewers.offer("a", (), (), Line(9, 9, "login: "))
    viewers.offer("a", lines("login: root"), [])

    async with viewers.watch({"a"}) as channel:
        assert [type(item.item) for item in drained(channel)] == [Line]


async def test_events_reach_the_viewer_after_the_lines_of_their_batch() -> None:
    viewers = Viewers()
    event = Event(1, "a", Kind.STAGE, "kernel", Severity.INFO, "kernel")

    async with viewers.watch() as channel:
        viewers.offer("a", lines("Linux version 6.1"), [event])

        assert [type(item.item) for item in drained(channel)] == [Line, Event]


async def test_a_slow_viewer_is_told_how_much_it_missed() -> None:
    viewers = Viewers()

    async with viewers.watch({"a"}) as channel:
        viewers.offer("a", lines(*["x"] * (VIEWER_BUFFER + 7)), [])
        drained(channel)
        viewers.offer("a", lines("again"), [])

        told, line = drained(channel)

    assert told == TailItem("", Missed(7))
    assert line.item == Line(0, 0, "again")


async def test_a_viewer_that_left_is_forgotten() -> None:
    viewers = Viewers()

    async with viewers.watch({"a"}), viewers.watch():
        watched = viewers.count("a"), viewers.count("b")

    assert watched == (2, 1)
    assert viewers.count("a") == 0


async def test_what_is_remembered_of_a_console_is_bounded() -> None:
    viewers = Viewers()
    viewers.offer("few", lines(*["x"] * 100), [])
    viewers.offer("long", lines(*["y" * 1000] * 100), [])
    viewers.offer("gone", lines("z"), [])
    viewers.forget("gone")

    async with viewers.watch() as channel:
        items = drained(channel)

    assert sum(item.console == "few" for item in items) == RECENT_LINES
    assert sum(item.console == "long" for item in items) == RECENT_CHARACTERS // 1000
    assert not any(item.console == "gone" for item in items)
