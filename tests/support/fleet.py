"""A fleet for the API: two consoles whose viewers are real."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

import trio

from solrecd.api.fleet import FleetError
from solrecd.operation import Operation
from solrecd.sinks.board import Changes
from solrecd.sinks.viewers import TailItem, Viewers


class FakeFleet:
    """Fits the `Fleet` protocol."""

    def __init__(self, names: Sequence[str] = ("a", "b")) -> None:
        self.known = list(names)
        """May change: a reload."""
        self.viewers = Viewers()
        self.reloads: list[bool] = []
        self.refusal: FleetError | None = None
        self.watched = trio.Event()
        self.left = trio.Event()

    def names(self) -> Sequence[str]:
        """Return the consoles."""
        return self.known

    def list(self) -> list[dict[str, Any]]:
        """Return ``ls`` objects; every second console is in another rack."""
        return [
            {
                "console": name,
                "session": "up",
                "since": "2026-11-22T12:00:00.000000Z",
                "power": "on",
                "boot": 3,
                "stage": "login",
                "stage_since": "2026-11-22T12:00:10.000000Z",
                "outcome": "ok",
                "viewers": 0,
                "last_output": None,
                "error": None,
                "next_try": None,
                "labels": {"rack": f"r{1 + number % 2}"},
            }
            for number, name in enumerate(self.known)
        ]

    def status(self, name: str) -> dict[str, Any]:
        """Return a ``status`` object."""
        return {"console": name, "session": "up", "cipher_suite": 17}

    def watch(
        self, names: Collection[str] | None = None
    ) -> AbstractContextManager[Changes]:
        """Learn what changes."""
        return self.viewers.board.watching(names)

    def glance(self, name: str) -> dict[str, Any] | None:
        """Return a console and its last line."""
        for row in self.list():
            if row["console"] == name:
                return {**row, "line": self.viewers.last_line(name)}
        return None

    def operation(self, name: str) -> Operation:
        """Nobody operates these."""
        raise KeyError(name)

    @asynccontextmanager
    async def tail(
        self, names: Collection[str]
    ) -> AsyncIterator[trio.MemoryReceiveChannel[TailItem]]:
        """Watch, and tell the test when somebody comes and goes."""
        async with self.viewers.watch(names) as channel:
            self.watched.set()
            try:
                yield channel
            finally:
                self.left.set()

    async def reload(self, *, dry_run: bool) -> dict[str, Any]:
        """Note the reload, or refuse it."""
        if self.refusal is not None:
            raise self.refusal
        self.reloads.append(dry_run)
        return {"start": [], "stop": [], "restart": [], "keep": len(self.known)}
