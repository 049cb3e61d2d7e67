"""What the index knows of consoles whose recording goes on, asked a thousand at once.

Opening an index costs ten times what one console's questions cost. So it stays open
while there are others who are going to ask, and no longer: it may be replaced.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from solrecd.events.boots import Boot, Evidence
from solrecd.process.stamps import parse_stamp
from solrecd.storage.index import reading
from solrecd.storage.index.reading import STRANGE
from solrecd.storage.index.store import Index, IndexFileError, has_writer

Answer = TypeVar("Answer")

_UNREADABLE = (sqlite3.Error, *STRANGE)
"""What an index raises that is damaged, or that another version has written."""

NEWEST = 3
"""Boots recalled however they ended: so many make a reboot loop."""


LAST_QUESTION = 0.05
"""Seconds that the loop waits for the last thread that asks."""


class KnownBoots(NamedTuple):
    """What an index knows of a console whose recording goes on."""

    boot: Boot | None = None
    """The newest boot."""
    good: Sequence[Boot] = ()
    """The newest boots of the wanted outcomes, oldest first."""
    newest: Sequence[Boot] = ()
    """The newest boots however they ended, oldest first."""
    told: int = 0
    """Stamp of the newest event that was read in its output; 0 when there is none."""


class BootHistory:
    """Recalls consoles from an index; `recall` may be called in any thread.

    Args:
        path: the index file; one of no use knows nothing.
        outcomes: of the boots wanted as `KnownBoots.good`.
        count: how many of these at most.
        on_damage: told, in any thread, of rows that make no sense.
    """

    def __init__(
        self,
        path: Path,
        *,
        outcomes: Collection[str],
        count: int,
        on_damage: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._path = path
        self._on_damage = on_damage
        self._outcomes = outcomes
        self._count = count
        self._asking = 0
        self._lock = threading.Lock()
        """Of the open index: one thread at a time asks it."""
        self._index: Index | None = None

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the index open until all who entered this have left; for one thread."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            # A thread that asks closes it itself; this is the loop, and it may hang.
            if not self._asking and self._lock.acquire(timeout=LAST_QUESTION):
                try:
                    self._close()
                finally:
                    self._lock.release()

    def recall(self, console: str) -> KnownBoots:
        """Return what is known of a console; reads files."""
        with self._lock:
            # A file without a writer is read as one that never changes: not for long.
            lasting = self._asking > 0 and has_writer(self._path)
            try:
                return self._ask(console)
            except IndexFileError:
                lasting = False
                return KnownBoots()
            except _UNREADABLE as error:
                lasting = False
                self._on_damage(f"{console}: {error!r}")
                return KnownBoots()
            finally:
                if not (lasting and self._asking):
                    self._close()

    def _ask(self, console: str) -> KnownBoots:
        index = self._index
        if index is None:
            index = self._index = Index.read(self._path)
        newest = [
            reading.boot_value(row) for row in index.boots([console], newest=NEWEST)
        ]
        return KnownBoots(
            max(newest, key=lambda boot: boot.boot, default=None),
            index.good_boots(console, self._outcomes, self._count),
            newest,
            index.last_reading(console),
        )

    def evidence(self, console: str) -> Evidence:
        """Return what the newest boots say of how a console is set; reads files."""
        return self._read(console, _evidence, Evidence())

    def last_log_entry(self, console: str) -> int | None:
        """Return the number of the newest entry of a BMC's log that is known."""
        return self._read(console, _last_log_entry, None)

    def _read(
        self, console: str, ask: Callable[[Index, str], Answer], unknown: Answer
    ) -> Answer:
        try:
            with closing(Index.read(self._path)) as index:
                return ask(index, console)
        except IndexFileError:
            return unknown
        except _UNREADABLE as error:
            self._on_damage(f"{console}: {error!r}")
            return unknown

    def _close(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            index.close()


def _evidence(index: Index, console: str) -> Evidence:
    rows = list(index.boots([console], newest=NEWEST))
    boots = tuple(reading.boot_value(row) for row in rows)
    return Evidence(boots, _last_noise(index, boots[0])) if boots else Evidence()


def _last_log_entry(index: Index, console: str) -> int | None:
    event = next(index.events([console], kinds=["sel"], newest=1), None)
    return None if event is None else int(event["fields"]["entry"])


def _last_noise(index: Index, since: Boot) -> int | None:
    found = index.events(
        [since.console], since=since.started, names=["console_noise"], newest=1
    )
    event = next(found, None)
    return None if event is None else parse_stamp(event["time"])
