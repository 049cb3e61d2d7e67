"""Asks all shards of a recorder as one: a client of each, used as one client.

A shard that does not answer is named, and the answers of the others are shown; the exit
status tells then (`Unanswered`). Where none answers it is as where the one daemon does
not.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from solrecd.api.client import CONNECT_TIMEOUT, ApiError, Client, UnreachableError
from solrecd.cli.shared.output import warn
from solrecd.cluster.places import beside, instance
from solrecd.cluster.plan import shard_of

_CONSOLES: Final = "/v1/consoles"
_WATCH: Final = "/v1/watch"
_NOT_FOUND: Final = 404

Row = dict[str, Any]
Query = Mapping[str, str]


class Unanswered:
    """The shards that did not answer in the life of a command."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def add(self, name: str, error: UnreachableError) -> None:
        """Name one, once."""
        if name not in self.names:
            self.names.add(name)
            warn(f"{name}: {error}")


class Shards(Client):
    """All shards of a recorder on this host.

    Args:
        control: the control socket as configured; each shard has its own beside it.
        count: how many there are.
        unanswered: takes those that do not answer.
    """

    def __init__(self, control: str, count: int, unanswered: Unanswered) -> None:
        super().__init__(control)
        self._unanswered = unanswered
        self._members = {
            shard: Client(beside(control, shard)) for shard in range(1, count + 1)
        }

    def owner(self, console: str) -> Client:
        """Return the shard that records a console."""
        return self._members[shard_of(console, len(self._members))]

    def get(self, path: str, **query: str) -> Any:
        """Return what all answer together, or the owner of the console in the path."""
        if (console := _console_of(path)) is not None:
            return self._of_owner(console, lambda client: client.get(path, **query))
        answers = self._all(
            self._share(query), lambda client, its: client.get(path, **its)
        )
        if path == _CONSOLES:
            for shard, rows in answers.items():
                for row in rows:
                    row["instance"] = instance(shard)
        return _joined(list(answers.values()))

    def post(self, path: str, *, timeout: float = CONNECT_TIMEOUT, **query: str) -> Any:
        """Have it done by the owner of the console in the path, or else by all."""
        if (console := _console_of(path)) is not None:
            return self._of_owner(
                console, lambda client: client.post(path, timeout=timeout, **query)
            )
        answers = self._all(
            self._share(query),
            lambda client, its: client.post(path, timeout=timeout, **its),
        )
        return _joined(list(answers.values()))

    def stream(self, path: str, **query: str) -> Iterator[Row]:
        """Yield what all send, as it comes, until none sends any more."""
        if (console := _console_of(path)) is not None:
            yield from self.owner(console).stream(path, **query)
            return
        shares = self._share(query)
        news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        for shard, its in shares.items():
            reader = _Reader(shard, self._members[shard], news, is_set=path == _WATCH)
            threading.Thread(target=reader.run, args=(path, its), daemon=True).start()
        yield from self._merged(news, len(shares), waits=path == _WATCH)

    def _merged(
        self, news: queue.SimpleQueue[_News], count: int, *, waits: bool
    ) -> Iterator[Row]:
        """Yield rows; the first sets of all become one where a reader wants a whole."""
        ended, begun, first, mark = 0, set[int](), list[Row](), dict[str, Any]()
        while ended < count or not news.empty():
            shard, rows, error = news.get()
            if isinstance(error, UnreachableError):
                self._unanswered.add(instance(shard), error)
                if len(self._unanswered.names) >= count:
                    raise error
            elif error is not None:
                raise error
            ended += rows is None
            if not waits or mark:
                yield from rows or ()
                continue
            begun.add(shard)
            first += rows or ()
            if len(begun) == count:
                times = [row for row in first if "time" in row]
                yield from (row for row in first if "time" not in row)
                mark = times[-1] if times else {}
                yield from times[-1:]

    def _share(self, query: Query) -> Mapping[int, Query]:
        """Return what each shard is asked: of its own consoles, where any are named."""
        if not query.get("names"):
            return dict.fromkeys(self._members, query)
        shares: dict[int, list[str]] = {}
        for name in query["names"].split(","):
            shares.setdefault(shard_of(name, len(self._members)), []).append(name)
        return {
            shard: {**query, "names": ",".join(names)}
            for shard, names in sorted(shares.items())
        }

    def _of_owner(self, console: str, ask: Callable[[Client], Any]) -> Any:
        """Ask a console's owner; while consoles move it may be another one."""
        owner = self.owner(console)
        try:
            return ask(owner)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            for other in self._members.values():
                if other is not owner:
                    try:
                        return ask(other)
                    except (ApiError, UnreachableError):
                        continue
            raise

    def _all(
        self, shares: Mapping[int, Query], ask: Callable[[Client, Query], Any]
    ) -> Mapping[int, Any]:
        """Return the answers of those that answer, side by side.

        Raises:
            UnreachableError: none does.
            ApiError: one refuses.
        """
        answers: dict[int, Any] = {}
        last: UnreachableError | None = None
        with ThreadPoolExecutor(len(shares)) as threads:
            asked: dict[int, Future[Any]] = {
                shard: threads.submit(ask, self._members[shard], its)
                for shard, its in shares.items()
            }
            for shard, answer in asked.items():
                try:
                    answers[shard] = answer.result()
                except UnreachableError as error:
                    last = error
                    self._unanswered.add(instance(shard), error)
        if last is not None and not answers:
            raise last
        return answers


_News = tuple[int, list[Row] | None, Exception | None]
"""A shard's number, rows of it or None at its end, and what ended it."""


class _Reader:
    """Reads one shard's stream, in a thread."""

    def __init__(
        self,
        shard: int,
        client: Client,
        news: queue.SimpleQueue[_News],
        *,
        is_set: bool,
    ) -> None:
        self._shard = shard
        self._client = client
        self._news = news
        self._is_set = is_set

    def run(self, path: str, query: Query) -> None:
        """Read to the end, and tell why it ended; also a bug, which is raised there."""
        try:
            self._read(path, query)
        except Exception as error:  # noqa: BLE001 - raised by who takes it
            self._news.put((self._shard, None, error))
        else:
            self._news.put((self._shard, None, None))

    def _read(self, path: str, query: Query) -> None:
        rows: list[Row] = []
        for row in self._client.stream(path, **query):
            rows.append(row)
            if not self._is_set or "time" in row:
                self._news.put((self._shard, rows, None))
                rows = []


def _console_of(path: str) -> str | None:
    """Return the console of a path, or None; it needs no decoding (`config.names`)."""
    if not path.startswith(f"{_CONSOLES}/"):
        return None
    return path.removeprefix(f"{_CONSOLES}/").partition("/")[0]


def _joined(answers: Sequence[Any]) -> Any:
    """Return answers as one: lists in a row, numbers of what was done added up."""
    if all(isinstance(answer, list) for answer in answers):
        rows = [row for answer in answers for row in answer]
        return sorted(rows, key=lambda row: str(row.get("console", "")))
    first, *others = answers
    joined: dict[str, Any] = dict(first)
    for other in others:
        for key, value in other.items():
            joined[key] = _sum(joined.get(key), value)
    return joined


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, list) and isinstance(other, list):
        return list(dict.fromkeys([*one, *other]))
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **other}
    if isinstance(one, bool) and isinstance(other, bool):
        return one or other
    if type(one) is int and type(other) is int:
        return one + other
    return other if one is None else one
