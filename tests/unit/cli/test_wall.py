"""The wall without its screen: what rows say, which come first, which are shown."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import pytest
from rich.cells import cell_len

from solrecd.api.client import ApiError, Client, UnreachableError
from solrecd.api.rows import News, Order, State, Wall, row_of, state_of
from solrecd.cli.commands import top
from solrecd.cli.program import CommandError
from solrecd.cli.shared.source import Source
from solrecd.cli.top import text
from solrecd.cli.top.feed import Feed
from tests.support.rows import NOW, failed, found, news


def wall_of(*rows: dict[str, Any]) -> Wall:
    wall = Wall()
    wall.take(news(*rows))
    return wall


def names(wall: Wall) -> list[str]:
    return [row.name for row in wall.shown]


KNOWN = {"user": "alice", "since": "1970-01-12T13:46:00.000000Z"}


# What a row says.


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.OK),
        ({"outcome": "failed"}, State.FAILED),
        ({"outcome": "failed", "session": "down"}, State.FAILED),
        ({"outcome": "stuck"}, State.STUCK),
        ({"session": "down"}, State.DOWN),
        ({"session": "foreign", "power": "unknown"}, State.FOREIGN),
        ({"outcome": "running", "stage": "kernel"}, State.BOOTING),
        ({"outcome": "running", "stage": "unknown"}, State.RUNNING),
        ({"power": "off"}, State.OFF),
        ({"outcome": "shutdown"}, State.SHUTDOWN),
        ({"outcome": None, "boot": None}, State.UNKNOWN),
        ({"session": "a newer daemon's word"}, State.UNKNOWN),
    ],
)
def test_a_state_is_one_word_for_boot_session_and_power(
    changes: dict[str, Any], state: State
) -> None:
    assert state_of(found("n1", **changes)) is state


def test_what_a_console_prints_moves_no_cursor() -> None:
    hostile = "\x1b[2J\x1b]0;mine\x07\u202e\x9b1m[red]"
    row = row_of(
        found("n1", line=hostile, title=hostile, error=hostile, labels={"x": hostile})
    )

    for place in (row.line, row.problem, row.facts):
        assert place.isprintable()
        assert "[red]" in place


@pytest.mark.parametrize("width", [50, 80, 200])
@pytest.mark.parametrize("line", ["short", "x" * 500, "漢字" * 100])
def test_a_line_fills_a_terminal_of_any_width(width: int, line: str) -> None:
    row = row_of(found("n1", line=line))

    segments = text.line(row, 10, width, NOW, is_selected=False)

    assert sum(cell_len(segment.text) for segment in segments) == width


# Which come first.


def test_trouble_comes_first_the_latest_before_the_rest() -> None:
    wall = wall_of(
        found("ok1"),
        found("down1", session="down", error="unreachable"),
        failed("old", "12:00:00"),
        failed("new", "13:40:00"),
        failed("known", "13:45:00", acknowledged=KNOWN),
        found("boots", outcome="running"),
    )

    assert names(wall) == ["new", "old", "down1", "known", "boots", "ok1"]


def test_node9_comes_before_node10() -> None:
    wall = wall_of(*(found(f"node{number}") for number in (10, 9, 1, 100)))

    assert names(wall) == ["node1", "node9", "node10", "node100"]


def test_other_orders_are_by_name_by_stage_and_by_output() -> None:
    wall = wall_of(
        found("b", stage_since="1970-01-12T13:00:00.000000Z"),
        found("a", last_output="1970-01-12T13:46:00.000000Z"),
        failed("c", "10:00:00", last_output="1970-01-12T13:46:01.000000Z"),
    )

    seen = {}
    for order in Order:
        wall.sort(order)
        seen[order] = names(wall)
    wall.sort(Order.NAME, is_reversed=True)

    assert seen[Order.NAME] == ["a", "b", "c"]
    assert seen[Order.STAGE] == ["c", "a", "b"]
    assert seen[Order.OUTPUT] == ["c", "a", "b"]
    assert names(wall) == ["c", "b", "a"]


# What changes.


def test_only_rows_that_changed_are_replaced() -> None:
    wall = wall_of(found("a"), found("b"))
    before = {row.name: row for row in wall.shown}

    wall.take(news(failed("b"), is_whole=False))

    assert names(wall) == ["b", "a"]
    assert wall.shown[1] is before["a"]


def test_a_console_that_is_removed_leaves_the_wall() -> None:
    wall = wall_of(found("a"), found("b"))

    wall.take(News(rows={"a": None, "never seen": None}))

    assert names(wall) == ["b"]


def test_what_a_daemon_that_came_back_does_not_name_is_gone() -> None:
    wall = wall_of(found("a"), found("b"))

    wall.take(news(found("b"), found("c")))

    assert names(wall) == ["b", "c"]


def test_counts_tell_what_is_acknowledged_on_its_own() -> None:
    wall = wall_of(failed("a"), failed("b", acknowledged=KNOWN), found("c"))

    assert wall.counts() == {"failed": 1, "acknowledged": 1, "ok": 1}


# What is shown.


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("", ["node1", "node2", "node10", "gw"]),
        ("node[1-2]", ["node1", "node2"]),
        ("node1*", ["node1", "node10"]),
        ("@rack=r1", ["node1", "gw"]),
        ("@rack=r* node", ["node1", "node2"]),
        ("PANIC", ["node1"]),
        ("failed", ["node1"]),
        ("gw login", ["gw"]),
        ("nothing like it", []),
        ("node[1-", []),
    ],
)
def test_a_filter_wants_all_of_its_words(words: str, shown: list[str]) -> None:
    wall = wall_of(
        failed("node1", labels={"rack": "r1"}),
        found("node2", labels={"rack": "r2"}),
        found("node10"),
        found("gw", labels={"rack": "r1"}),
    )

    wall.narrow(words)

    assert sorted(names(wall)) == sorted(shown)


# The stream.


class FakeClient(Client):
    """Answers with what a test wants, then ends or fails."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        super().__init__("nowhere")
        self.answers = answers
        self.asked: list[dict[str, str]] = []

    def stream(self, path: str, **query: str) -> Any:
        self.asked.append({"path": path, **query})
        for answer in self.answers:
            if isinstance(answer, Exception):
                raise answer
            yield answer


TIME = {"time": "1970-01-12T13:46:40.000000Z"}


def test_rows_wait_as_the_last_one_of_each_console() -> None:
    feed = Feed(
        FakeClient(found("a"), TIME, found("a", stage="kernel"), found("b"), TIME), None
    )

    feed.read()
    waiting = feed.take()

    assert waiting is not None
    assert waiting.is_whole
    assert waiting.time == NOW
    assert list(waiting.rows) == ["a", "b"]
    assert (waiting.rows["a"] or {})["stage"] == "kernel"
    assert feed.take() is None


def test_half_a_set_is_not_shown() -> None:
    feed = Feed(FakeClient(found("a"), UnreachableError("gone")), None)

    with pytest.raises(UnreachableError):
        feed.read()

    assert feed.take() is None


def test_chosen_names_are_asked_for() -> None:
    client = FakeClient(TIME)

    Feed(client, ["a", "b"]).read()

    assert client.asked == [{"path": "/v1/watch", "names": "a,b"}]


def test_a_refusal_reaches_who_watches() -> None:
    feed = Feed(FakeClient(ApiError("not you", 403)), None)

    with pytest.raises(ApiError, match="not you"):
        feed.read()


# Without the extra.


def test_without_textual_the_remedy_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    for module in ("solrecd.cli.top.app", "textual.app"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    args = argparse.Namespace(server="/nowhere", config=None, dir=None)

    with pytest.raises(CommandError, match=r"pip install 'solrecd\[top\]'"):
        top._show(Source(args), None, [])


# Consoles of one machine.


def test_consoles_of_one_machine_stand_together_where_the_first_of_them_is() -> None:
    wall = wall_of(
        found("n1", machine="m1"),
        found("n2"),
        found("n3", machine="m2", session="down"),
        found("n4", machine="m1"),
        found("n5", machine="m2"),
    )

    assert names(wall) == ["n3", "n5", "n1", "n4", "n2"]


def test_a_machine_is_found_by_a_filter_and_told_among_the_facts() -> None:
    wall = wall_of(found("n1", machine="m1"), found("n2", machine="m2"), found("n3"))

    wall.narrow("@machine=m1")
    (row,) = wall.shown

    assert row.name == "n1"
    assert "machine m1" in row.facts
