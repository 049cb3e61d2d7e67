"""Which consoles have changed since a watcher last looked.

Nothing is queued here but names, each once: who looks rarely sees fewer of the states
in between, and always the last one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import trio


class Changes:
    """What one watcher has not seen yet."""

    __slots__ = ("_changed", "_names", "_news")

    def __init__(self, names: frozenset[str] | None) -> None:
        """Begin with nothing.

        Args:
            names: the consoles that count; None for all.
        """
        self._names = names
        self._changed: set[str] = set()
        """At most as many as there are consoles."""
        self._news = trio.Event()

    def mark(self, console: str) -> None:
        """Note that a console has changed; never waits, never raises."""
        if self._names is None or console in self._names:
            self._changed.add(console)
            self._news.set()

    async def next(self) -> Collection[str]:
        """Wait for a change, and return the names of all that changed; forget them."""
        await self._news.wait()
        self._news = trio.Event()
        changed, self._changed = self._changed, set()
        return changed


class ChangeNotifier:
    """Tells all watchers of all changes."""

    def __init__(self) -> None:
        self._watchers: set[Changes] = set()
        self.count = 0
        """Of changes, ever."""

    def mark(self, console: str) -> None:
        """Note that a console has changed; never waits, never raises."""
        self.count += 1
        for changes in self._watchers:
            changes.mark(console)

    @contextmanager
    def watching(self, names: Collection[str] | None = None) -> Iterator[Changes]:
        """Collect changes while the context lasts.

        Args:
            names: the consoles; None for all, also those added later.
        """
        changes = Changes(None if names is None else frozenset(names))
        self._watchers.add(changes)
        try:
            yield changes
        finally:
            self._watchers.discard(changes)
