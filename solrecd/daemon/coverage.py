"""Tells how much of their time consoles were recorded, out of the index.

A scrape must not read an index: the metrics are renewed every now and then, some
consoles at a time, so that neither the disk nor the loop notices.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog
import trio

from solrecd.metrics import Metrics
from solrecd.process.stamps import SECOND
from solrecd.process.threads import Job, in_thread
from solrecd.storage.formats.coverage import Coverage, Recorded, cover, with_copies
from solrecd.storage.history.recorded import from_index
from solrecd.storage.index import Index, IndexFileError

PERIOD = 30 * 86400
"""Seconds that the metric looks back."""

EVERY = 300.0
"""Seconds between two times that the metrics are renewed."""

AT_ONCE = 64
"""Consoles that are looked up in one go."""

_LOOK = Job("the index of gaps", "who asked has to ask again")

log = structlog.get_logger()


class CoverageWatch:
    """Answers the API, and keeps the metrics; `run` is its whole life.

    Args:
        index: path of the index.
        names: returns the consoles that are configured.
        metrics: take numbers.
        wall_clock: stamps.
        copied: returns what is known of the copies of a console's segments.
    """

    def __init__(
        self,
        index: Path,
        names: Callable[[], Collection[str]],
        metrics: Metrics,
        wall_clock: Callable[[], int],
        copied: Callable[[str], Recorded] = lambda _name: Recorded(),
    ) -> None:
        self._index = index
        self._names = names
        self._metrics = metrics
        self._wall_clock = wall_clock
        self._copied = copied

    async def run(self) -> None:
        """Renew the metrics until cancelled.

        Errors: none; while the index cannot be read they stay as they are.
        """
        while True:
            known = bool(self._names())
            await self.renew()
            # None are there while they are being opened.
            await trio.sleep(EVERY if known else 1)

    async def renew(self) -> None:
        """Renew the metrics of all consoles once."""
        known = set(self._names())
        for name, found in (await self._look(sorted(known), PERIOD)).items():
            if name in self._names():
                metrics = self._metrics.console(name)
                metrics.oldest = found.oldest or 0
                metrics.recorded_ratio = found.share

    async def rows(self, names: Sequence[str], seconds: int) -> list[dict[str, Any]]:
        """Return the contract's object of each console.

        Args:
            names: of consoles.
            seconds: how far to look back.
        """
        found = await self._look(names, seconds)
        return [found[name].as_row(name) for name in names if name in found]

    async def _look(self, names: Sequence[str], seconds: int) -> Mapping[str, Coverage]:
        until = self._wall_clock()
        since = until - seconds * SECOND
        found: dict[str, Recorded] = {}
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            try:
                found |= await in_thread(_LOOK, _read, self._index, some, since)
            except (IndexFileError, sqlite3.Error) as error:
                log.warning("coverage.unknown", reason=str(error))
                break
        return {
            name: cover(with_copies(one, self._copied(name)), since, until)
            for name, one in found.items()
        }


def _read(path: Path, names: Sequence[str], since: int) -> dict[str, Recorded]:
    with closing(Index.read(path)) as index:
        return from_index(index, names, since)
