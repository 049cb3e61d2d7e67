"""The people who watch: every viewer has a bounded buffer of its own.

A viewer that reads too slowly loses its own lines and is told how many; nothing
else notices: not the archive, not the BMC, not the other viewers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import trio

from solrecd.console.changes import ChangeNotifier
from solrecd.events.event import Event
from solrecd.events.lines import Line

VIEWER_BUFFER = 2000
"""Items that may wait for one viewer; about a second of forty flooding consoles."""

RECENT_LINES = 20
"""Lines per console that a new viewer may see first (conserver's habit)."""

RECENT_CHARACTERS = 4096
"""The same bound in characters: a console of 8 KiB lines must not cost 160 KiB."""


@dataclass(frozen=True, slots=True)
class Missed:
    """So many items were dropped here because the viewer read too slowly."""

    count: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A line that has no end yet, such as a prompt, once it has been quiet."""

    line: Line


class TailItem(NamedTuple):
    """What a viewer receives: something that a console said or did."""

    console: str
    """Empty for `Missed`, which may cover several consoles."""
    item: Line | Unfinished | Event | Missed


class _Viewer:
    """One viewer's buffer and its debt."""

    __slots__ = ("_missed", "_send", "names")

    def __init__(
        self, names: frozenset[str] | None, send: trio.MemorySendChannel[TailItem]
    ) -> None:
        self.names = names
        self._send = send
        self._missed = 0

    def offer(self, item: TailItem) -> None:
        """Buffer an item, or count it as missed."""
        try:
            if self._missed:
                self._send.send_nowait(TailItem("", Missed(self._missed)))
                self._missed = 0
            self._send.send_nowait(item)
        except trio.WouldBlock:
            self._missed += 1
        except trio.BrokenResourceError:
            # The viewer has just left; `Viewers.watch` is about to forget it.
            return


class Viewers:
    """Hands lines and events of all consoles to the viewers that watch them."""

    def __init__(self) -> None:
        self.notifier = ChangeNotifier()
        """For those who want to know how consoles are, not what they print."""
        self._viewers: set[_Viewer] = set()
        self._recent: dict[str, deque[Line]] = {}
        self._unfinished: dict[str, Unfinished] = {}

    def offer(
        self,
        console: str,
        lines: Sequence[Line],
        events: Iterable[Event],
        quiet: Line | None = None,
    ) -> None:
        """Show what a console said; never waits, never raises.

        Args:
            console: which.
            lines: what it said.
            events: what happened to it.
            quiet: the unfinished line, when nothing has come for a while.
        """
        self.notifier.mark(console)
        watching = [viewer for viewer in self._viewers if _watches(viewer, console)]
        if lines:
            recent = self._recent.setdefault(console, deque(maxlen=RECENT_LINES))
            recent.extend(lines if not watching else _shown(watching, console, lines))
            _trim(recent)
            self._unfinished.pop(console, None)
        for event in events:
            for viewer in watching:
                viewer.offer(TailItem(console, event))
        if quiet is not None and quiet.text:
            self._offer_unfinished(console, Unfinished(quiet), watching)

    def _offer_unfinished(
        self, console: str, item: Unfinished, watching: Iterable[_Viewer]
    ) -> None:
        if self._unfinished.get(console) == item:
            return
        self._unfinished[console] = item
        for viewer in watching:
            viewer.offer(TailItem(console, item))

    def last_line(self, console: str) -> str | None:
        """Return what a console printed last, be it a whole line or not."""
        unfinished = self._unfinished.get(console)
        if unfinished is not None:
            return unfinished.line.text
        recent = self._recent.get(console)
        return recent[-1].text if recent else None

    def forget(self, console: str) -> None:
        """Drop what is remembered of a console that was removed."""
        self.notifier.mark(console)
        self._recent.pop(console, None)
        self._unfinished.pop(console, None)

    def count(self, console: str) -> int:
        """Return how many viewers watch a console by name or as one of all."""
        return sum(_watches(viewer, console) for viewer in self._viewers)

    @asynccontextmanager
    async def watch(
        self, names: Collection[str] | None = None
    ) -> AsyncIterator[trio.MemoryReceiveChannel[TailItem]]:
        """Watch consoles: their recent lines first, then what comes.

        Args:
            names: the consoles; None for all, also those added later.

        Yields:
            A channel that never ends by itself; closing it is not needed.
        """
        chosen = None if names is None else frozenset(names)
        send, receive = trio.open_memory_channel[TailItem](VIEWER_BUFFER)
        viewer = _Viewer(chosen, send)
        for item in self._remembered(chosen):
            viewer.offer(item)
        self._viewers.add(viewer)
        try:
            with send, receive:
                yield receive
        finally:
            self._viewers.discard(viewer)

    def _remembered(self, names: frozenset[str] | None) -> Iterator[TailItem]:
        for console, lines in self._recent.items():
            if names is None or console in names:
                yield from (TailItem(console, line) for line in lines)
        for console, item in self._unfinished.items():
            if names is None or console in names:
                yield TailItem(console, item)


def _watches(viewer: _Viewer, console: str) -> bool:
    return viewer.names is None or console in viewer.names


def _shown(
    watching: Collection[_Viewer], console: str, lines: Iterable[Line]
) -> Iterator[Line]:
    for line in lines:
        item = TailItem(console, line)
        for viewer in watching:
            viewer.offer(item)
        yield line


def _trim(recent: deque[Line]) -> None:
    excess = sum(len(line.text) for line in recent) - RECENT_CHARACTERS
    while excess > 0 and len(recent) > 1:
        excess -= len(recent.popleft().text)
