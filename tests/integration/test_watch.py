"""``/v1/watch`` over a real socket: all rows, then those that change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from solrecd.events.lines import Line
from tests.integration.test_api import Follower, request, serving
from tests.support.fleet import FakeFleet


@asynccontextmanager
async def watching(path: Path, query: str = "") -> AsyncIterator[Follower]:
    async with await trio.open_unix_socket(path) as stream:
        await stream.send_all(f"GET /v1/watch{query} HTTP/1.0\r\n\r\n".encode())
        follower = Follower(stream)
        assert "200" in await follower.head()
        yield follower


async def next_set(follower: Follower) -> list[dict[str, Any]]:
    """Return the rows up to the object that ends a set."""
    rows = []
    while "time" not in (row := await follower.next()):
        rows.append(row)
    return rows


async def test_all_rows_come_first_and_then_only_what_changes(tmp_path: Path) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()

    async with serving(fleet, path), watching(path) as follower:
        first = await next_set(follower)
        fleet.viewers.offer("b", [Line(1, 0, "login: ")], [])
        second = await next_set(follower)

    assert [(row["console"], row["line"]) for row in first] == [
        ("a", None),
        ("b", None),
    ]
    assert [(row["console"], row["line"]) for row in second] == [("b", "login: ")]


async def test_only_the_consoles_asked_for_are_told(tmp_path: Path) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()

    async with serving(fleet, path), watching(path, "?names=b") as follower:
        first = await next_set(follower)
        fleet.viewers.notifier.mark("a")
        fleet.viewers.notifier.mark("b")
        second = await next_set(follower)

    assert [row["console"] for row in (*first, *second)] == ["b", "b"]


async def test_a_console_that_comes_or_goes_is_told(tmp_path: Path) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()

    async with serving(fleet, path), watching(path) as follower:
        await next_set(follower)
        fleet.known = ["b", "c"]
        fleet.viewers.forget("a")
        fleet.viewers.notifier.mark("c")
        news = await next_set(follower)

    assert {"removed": "a"} in news
    assert [row["console"] for row in news if "console" in row] == ["c"]


async def test_a_name_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path):
        status, answer = await request(path, "/v1/watch?names=a,zz")

    assert (status, "no console 'zz'" in answer["error"]) == (404, True)
