"""``/v1/watch``: how consoles are, first all of them, then each that changes.

One JSON object per line. An object with ``console`` is a whole row: the ``ls`` object
and ``line``, what the console printed last. ``{"removed": NAME}`` takes one away.
``{"time": STAMP}`` ends a set of rows that belong together, the first one included,
and comes at least every `HEARTBEAT` seconds: by it the reader knows our clock, and that
we live.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import trio
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from solrecd.api.gate import Gate, View, view_in
from solrecd.api.operate import named_in
from solrecd.api.send_timeout import until_left
from solrecd.console.changes import Changes
from solrecd.process.stamps import format_stamp

EVERY: Final = 0.5
"""Seconds between two sets of rows: faster changes are unreadable."""

HEARTBEAT: Final = 5.0
"""Seconds after which a reader hears of us although nothing has changed."""

SLICE: Final = 50
"""Rows made at once, about a millisecond of the loop's time."""


def watching(gate: Gate) -> Mapping[str, Callable[..., Any]]:
    """Return the functions behind the routes, by name."""

    async def watch(request: Request) -> _Watch:
        await trio.lowlevel.checkpoint()
        view = view_in(request.scope)
        is_all = request.query_params.get("names") is None
        return _Watch(gate, view, None if is_all else named_in(request, view))

    return {"watch": watch}


class _Watch:
    """A response that goes on until either side leaves."""

    def __init__(self, gate: Gate, view: View, names: Sequence[str] | None) -> None:
        self._gate = gate
        self._view = view
        self._names = names
        self._shown: set[str] = set()
        """Consoles that the reader knows of: of others nothing is said at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await until_left(scope, receive, lambda _: self._send_forever(send))

    async def _send_forever(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with self._view.watch(self._names) as changes:
            known = self._gate.generation
            await self._send_rows(send, self._all())
            while True:
                await trio.sleep(EVERY)
                names = await _changed(changes)
                if known != self._gate.generation:
                    # Rights or labels may have changed, and with them what is shown.
                    known = self._gate.generation
                    names = {*self._all(), *self._shown}
                await self._send_rows(send, names)

    def _all(self) -> Sequence[str]:
        return self._view.names() if self._names is None else self._names

    async def _send_rows(self, send: Send, names: Iterable[str]) -> None:
        waiting = list(names)
        for start in range(0, len(waiting), SLICE):
            some = waiting[start : start + SLICE]
            rows = [row for name in some if (row := self._row(name)) is not None]
            await send(_lines(rows))
            await trio.lowlevel.checkpoint()
        now = format_stamp(time.time_ns() // 1000)
        await send(_lines([{"time": now}]))

    def _row(self, name: str) -> dict[str, Any] | None:
        row = self._view.overview(name)
        if row is not None:
            self._shown.add(name)
            return row
        if name not in self._shown:
            return None
        self._shown.remove(name)
        return {"removed": name}


async def _changed(changes: Changes) -> Iterable[str]:
    with trio.move_on_after(HEARTBEAT):
        return await changes.next()
    return ()


def _lines(objects: Iterable[object]) -> dict[str, Any]:
    body = "".join([json.dumps(each, ensure_ascii=False) + "\n" for each in objects])
    return {"type": "http.response.body", "body": body.encode(), "more_body": True}
