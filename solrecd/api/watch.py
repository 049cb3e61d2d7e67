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
from collections.abc import Iterable, Sequence
from typing import Any, Final

import trio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from solrecd.api.fleet import Fleet
from solrecd.sinks.board import Changes
from solrecd.stamps import format_stamp

EVERY: Final = 0.5
"""Seconds between two sets of rows: what changes more often nobody can read."""

HEARTBEAT: Final = 5.0
"""Seconds after which a reader hears of us although nothing has changed."""

SLICE: Final = 50
"""Rows made at once, about a millisecond of the loop's time."""


def watching_routes(fleet: Fleet) -> list[BaseRoute]:
    """Return the routes; `solrecd.api.app` adds them to its own."""
    return [Route("/v1/watch", _Routes(fleet).watch)]


class _Routes:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def watch(self, request: Request) -> _Watch:
        asked = request.query_params.get("names")
        if asked is None:
            return _Watch(self._fleet, None)
        names, known = asked.split(","), set(self._fleet.names())
        for name in names:
            if name not in known:
                raise HTTPException(404, f"there is no console {name!r}")
        return _Watch(self._fleet, names)


class _Watch:
    """A response that goes on until either side leaves."""

    def __init__(self, fleet: Fleet, names: Sequence[str] | None) -> None:
        self._fleet = fleet
        self._names = names

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_forever, send)
            while (await receive())["type"] != "http.disconnect":
                pass
            nursery.cancel_scope.cancel()

    async def _send_forever(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with self._fleet.watch(self._names) as changes:
            names = self._fleet.names() if self._names is None else self._names
            await self._send_rows(send, names)
            while True:
                await trio.sleep(EVERY)
                await self._send_rows(send, await _changed(changes))

    async def _send_rows(self, send: Send, names: Iterable[str]) -> None:
        waiting = list(names)
        for start in range(0, len(waiting), SLICE):
            some = waiting[start : start + SLICE]
            await send(_lines([self._row(name) for name in some]))
            await trio.lowlevel.checkpoint()
        now = format_stamp(time.time_ns() // 1000)
        await send(_lines([{"time": now}]))

    def _row(self, name: str) -> dict[str, Any]:
        return self._fleet.glance(name) or {"removed": name}


async def _changed(changes: Changes) -> Iterable[str]:
    with trio.move_on_after(HEARTBEAT):
        return await changes.next()
    return ()


def _lines(objects: Iterable[object]) -> dict[str, Any]:
    body = "".join([json.dumps(each, ensure_ascii=False) + "\n" for each in objects])
    return {"type": "http.response.body", "body": body.encode(), "more_body": True}
