"""The daemon's stream of rows, read in a thread of its own.

What has not been looked at waits as one row per console, the last one: a wall that is
away (its terminal is attached to a console) finds no backlog when it comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from solrecd.api.client import ApiError, Client, UnreachableError
from solrecd.api.rows import News
from solrecd.cli.shared.when import stamp_of

RETRY: Final = 1.0
"""Seconds between two attempts to reach a daemon that went away."""


class Feed:
    """What the daemon sends, until it is asked for.

    Args:
        client: the daemon.
        names: the consoles; None: all.
    """

    def __init__(self, client: Client, names: list[str] | None) -> None:
        self._client = client
        self._query = {} if names is None else {"names": ",".join(names)}
        self._lock = threading.Lock()
        self._news: News | None = None

    def start(self) -> None:
        """Begin to read; the thread ends with the process."""
        threading.Thread(target=self._read_forever, daemon=True).start()

    def take(self) -> News | None:
        """Return what is new since the last call, or None."""
        with self._lock:
            news, self._news = self._news, None
            return news

    def _read_forever(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.read()
                problem = "solrecd ended; waiting for it to come back"
            except (UnreachableError, ApiError) as error:
                problem = str(error)
            self._tell(problem)
            pause.wait(RETRY)

    def read(self) -> None:
        """Take what the daemon says until it ends.

        Raises:
            UnreachableError: it does not answer.
            ApiError: it refuses.
        """
        found = News(is_whole=True)
        for each in self._client.stream("/v1/watch", **self._query):
            if "time" in each:
                found.time = stamp_of(each["time"])
                self._add(found)
                found = News()
            else:
                _put(found.rows, each)

    def _add(self, found: News) -> None:
        """Lay a set of rows over those that wait."""
        with self._lock:
            if self._news is None or found.is_whole:
                self._news = found
                return
            self._news.rows |= found.rows
            self._news.time, self._news.problem = found.time, ""

    def _tell(self, problem: str) -> None:
        with self._lock:
            if self._news is None:
                self._news = News()
            self._news.problem = problem


def _put(rows: dict[str, Mapping[str, Any] | None], found: Mapping[str, Any]) -> None:
    if "removed" in found:
        rows[found["removed"]] = None
    else:
        rows[found["console"]] = found
