"""Rows of the wall as they change: each made once, however many browsers look.

A watcher has nothing queued but names, each once, and is given what is true when it
can take it: a browser that sleeps costs its names, and is current with the next row
that it reads. What is new in words people look for (state, stage, failure, session)
goes out at once; a line of output waits, because it changes all the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import trio

from solrecd.api.fleet import Fleet
from solrecd.api.rows import Row, row_of, trouble_rank

EVERY: Final = 0.5
"""Seconds between two looks at what has changed."""

LINES_EVERY: Final = 2.0
"""Seconds between two lines of output that are shown of a console."""

SLICE: Final = 50
"""Rows made at once, about a millisecond of the loop's time."""

_CALM: Final = ("last_output", "line", "viewers")
"""What changes all the time, and waits."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as it is now."""

    row: Row
    data: bytes
    """As the stream has it, with its line end."""


class Watcher:
    """What one browser has not been given yet."""

    __slots__ = ("_names", "_news")

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._news = trio.Event()

    def mark(self, names: Iterable[str]) -> None:
        """Note that rows have changed; never waits."""
        self._names.update(names)
        self._news.set()

    async def next(self) -> set[str]:
        """Wait for a change; return the names of all rows that did, and forget them."""
        await self._news.wait()
        self._news = trio.Event()
        names, self._names = self._names, set()
        return names


class Live:
    """The rows of a fleet, kept while there is a watcher.

    Args:
        fleet: the consoles.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._entries: dict[str, Entry] = {}
        self._shown: dict[str, Mapping[str, Any]] = {}
        self._watchers: set[Watcher] = set()
        self._wanted = trio.Event()

    def entry(self, name: str) -> Entry | None:
        """Return a console's row; None: there is no such console."""
        return self._entries.get(name) or self._make(name)

    @contextmanager
    def watching(self) -> Iterator[Watcher]:
        """Collect changes while the context lasts."""
        watcher = Watcher()
        self._watchers.add(watcher)
        self._wanted.set()
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def run(self) -> None:
        """Keep rows current while there are watchers; never returns."""
        while True:
            await self._wanted.wait()
            await self._follow()
            self._wanted = trio.Event()

    async def _follow(self) -> None:
        late: set[str] = set()
        due = trio.current_time() + LINES_EVERY
        with self._fleet.watch() as changes:
            self._entries.clear()
            self._shown.clear()
            while self._watchers:
                await trio.sleep(EVERY)
                names: Iterable[str] = ()
                with trio.move_on_after(LINES_EVERY):
                    names = await changes.next()
                urgent = await self._look(names, late)
                if trio.current_time() >= due:
                    urgent |= await self._renew(late)
                    due = trio.current_time() + LINES_EVERY
                if urgent:
                    for watcher in self._watchers:
                        watcher.mark(urgent)
        self._entries.clear()

    async def _look(self, names: Iterable[str], late: set[str]) -> set[str]:
        """Return those of the changed consoles that are told at once."""
        urgent = set()
        for count, name in enumerate(names, 1):
            found = self._fleet.overview(name)
            before = self._shown.get(name)
            if found is None or before is None or _is_news(before, found):
                self._entries.pop(name, None)
                self._make(name, found)
                urgent.add(name)
                late.discard(name)
            else:
                late.add(name)
            if count % SLICE == 0:
                await trio.lowlevel.checkpoint()
        return urgent

    async def _renew(self, late: set[str]) -> set[str]:
        names = set(late)
        late.clear()
        for count, name in enumerate(names, 1):
            self._make(name)
            if count % SLICE == 0:
                await trio.lowlevel.checkpoint()
        return names

    def _make(self, name: str, found: Mapping[str, Any] | None = None) -> Entry | None:
        if found is None:
            found = self._fleet.overview(name)
        if found is None:
            self._entries.pop(name, None)
            self._shown.pop(name, None)
            return None
        row = row_of(found)
        text = json.dumps(row_object(row), ensure_ascii=False, separators=(",", ":"))
        entry = Entry(row, text.encode("utf-8", "replace") + b"\n")
        if self._watchers:
            self._entries[name] = entry
            self._shown[name] = found
        return entry


def row_object(row: Row) -> dict[str, Any]:
    """Return a row as pages have it; times in seconds since the epoch."""
    return {
        "name": row.name,
        "state": row.state.value,
        "rank": trouble_rank(row),
        "stage": row.stage,
        "since": row.since // 1_000_000,
        "problem": row.problem,
        "line": row.line,
        "by": row.acknowledged,
        "machine": row.machine,
        "facts": row.facts,
    }


def _is_news(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(after[key] != before[key] for key in after if key not in _CALM)
