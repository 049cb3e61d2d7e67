"""``/live``: rows of the wall for one browser, first all of them, then what changes.

One JSON object per line: a row (`live.row_object`), ``{"gone": NAME}``, and ``{"now":
SECONDS}`` behind each set of rows that belong together, at least every `HEARTBEAT`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import trio
from starlette.types import Receive, Scope, Send

from solrecd.api.gate import Gate, View
from solrecd.api.rows import Filter
from solrecd.api.send_timeout import until_left
from solrecd.api.web.live import SLICE, Live, Watcher
from solrecd.process.access import Role

HEARTBEAT: Final = 5.0
"""Seconds after which a browser hears of us although nothing has changed."""


class RowStream:
    """A response that goes on until either side leaves.

    Args:
        live: has the rows.
        gate: tells when rights may have changed.
        view: what this caller may see.
        filter_: what they want to see.
    """

    def __init__(self, live: Live, gate: Gate, view: View, filter_: Filter) -> None:
        self._live = live
        self._gate = gate
        self._view = view
        self._filter = filter_
        self._shown: set[str] = set()
        self._may: dict[str, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send rows."""
        await until_left(scope, receive, lambda _: self._send_forever(send))

    async def _send_forever(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with self._live.watching() as watcher:
            known = self._gate.generation
            await self._send_rows(send, self._all())
            while True:
                names = await _changed(watcher)
                if known != self._gate.generation:
                    # Rights or labels may have changed, and with them what is shown.
                    known = self._gate.generation
                    self._may.clear()
                    names = {*self._all(), *self._shown}
                await self._send_rows(send, names)

    def _all(self) -> Iterable[str]:
        return [row["console"] for row in self._view.list()]

    async def _send_rows(self, send: Send, names: Iterable[str]) -> None:
        waiting = list(names)
        for start in range(0, len(waiting), SLICE):
            pieces = self._pieces(waiting[start : start + SLICE])
            await send(_more(b"".join(pieces)))
            await trio.lowlevel.checkpoint()
        await send(_more(json.dumps({"now": time.time()}).encode() + b"\n"))

    def _pieces(self, names: Iterable[str]) -> Iterator[bytes]:
        for name in names:
            may = self._may.get(name)
            if may is None:
                may = self._may[name] = self._view.may(name, Role.VIEW)
            entry = self._live.entry(name) if may else None
            if entry is not None and self._filter.admits(entry.row):
                self._shown.add(name)
                yield entry.data
            elif name in self._shown:
                self._shown.remove(name)
                self._may.pop(name)
                yield json.dumps({"gone": name}).encode() + b"\n"


async def _changed(watcher: Watcher) -> Iterable[str]:
    with trio.move_on_after(HEARTBEAT):
        return await watcher.next()
    return ()


def _more(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}
