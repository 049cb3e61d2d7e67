"""Rows as they change: current for who wakes up, made once, and only for their eyes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing

from solrecd.api.denials import Denial, DenialReason
from solrecd.api.gate import View
from solrecd.api.rows import Filter
from solrecd.api.web.stream import RowStream
from solrecd.events.lines import Line
from solrecd.process.access import Grant, LocalCaller, Policy, Role
from tests.support.web import WebSite

ROOT = LocalCaller("root", is_master=True)


class Reader:
    """A browser that takes messages when a test says so."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[Any](0)
        self.messages = 0

    async def take(self, message: Any) -> None:
        await self._send.send(message)

    async def next_set(self) -> dict[str, dict[str, Any] | None]:
        """Return the rows up to the next end of a set; None: gone."""
        rows: dict[str, dict[str, Any] | None] = {}
        with trio.fail_after(60):
            while True:
                message = await self._receive.receive()
                self.messages += 1
                for line in message.get("body", b"").splitlines():
                    found = json.loads(line)
                    if "now" in found:
                        return rows
                    rows[found.get("gone") or found["name"]] = (
                        None if "gone" in found else found
                    )


@asynccontextmanager
async def reading(
    site: WebSite, caller: LocalCaller = ROOT, words: str = ""
) -> AsyncIterator[Reader]:
    reader = Reader()
    origin = Denial(reason=DenialReason.ROLE, peer="")
    view = View(
        site.fleet, lambda: site.gate.rights(caller), site.gate.denials.add, origin
    )
    stream = RowStream(site.entrance.live, site.gate, view, Filter(words))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.entrance.live.run)
        nursery.start_soon(stream, {"type": "http"}, trio.sleep_forever, reader.take)
        yield reader
        nursery.cancel_scope.cancel()


def says(site: WebSite, name: str, text: str) -> None:
    site.fleet.viewers.offer(name, [Line(0, 0, text)], ())


async def test_all_rows_come_first_and_then_those_that_change(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    site = WebSite(tmp_path)

    async with reading(site) as reader:
        first = await reader.next_set()
        await trio.sleep(1)
        says(site, "b", "hello")
        changed: dict[str, Any] = {}
        while not changed:
            changed = await reader.next_set()

    assert set(first) == {"a", "b"}
    assert set(changed) == {"b"}
    assert changed["b"]["line"] == "hello"


async def test_who_sleeps_costs_nothing_and_is_current_with_the_first_row(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    site = WebSite(tmp_path)

    async with reading(site) as reader:
        await reader.next_set()
        for count in range(1000):
            says(site, "a", f"line {count}")
            await trio.sleep(1)
        rows: dict[str, Any] = {}
        sets = 0
        while rows.get("a", {"line": ""})["line"] != "line 999":
            rows |= await reader.next_set()
            sets += 1

    # One was on its way when it fell asleep.
    assert sets <= 3


async def test_a_filter_takes_rows_away_that_fit_it_no_longer(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    site = WebSite(tmp_path)

    async with reading(site, words="hello") as reader:
        assert await reader.next_set() == {}
        await trio.sleep(1)
        seen: dict[str, Any] = {}
        says(site, "a", "hello")
        while "a" not in seen:
            seen |= await reader.next_set()
        says(site, "a", "bye")
        while seen["a"] is not None:
            seen |= await reader.next_set()

    assert "b" not in seen


async def test_rows_go_away_with_the_right_to_see_them(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    vera = LocalCaller("vera")
    all_of_them = Policy((Grant(name="v", role=Role.VIEW, users=frozenset({"vera"})),))
    some = Policy(
        (
            Grant(
                name="v",
                role=Role.VIEW,
                users=frozenset({"vera"}),
                labels={"rack": frozenset({"r1"})},
            ),
        )
    )
    site = WebSite(tmp_path, policy=all_of_them)

    async with reading(site, vera) as reader:
        first = await reader.next_set()
        site.gate.replace(some)
        seen: dict[str, Any] = {}
        while "b" not in seen:
            seen |= await reader.next_set()

    assert set(first) == {"a", "b"}
    assert seen["b"] is None
    assert seen["a"] is not None
