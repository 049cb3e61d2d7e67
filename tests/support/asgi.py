"""Asks an ASGI application without a socket, as any caller that a test wants to be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import trio
from starlette.types import ASGIApp

from solrecd.api.gate import CALLER, PEER
from solrecd.process.access import Caller


def scope_of(
    target: str,
    caller: Caller | None,
    *,
    method: str = "GET",
    kind: str = "http",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the scope of a request."""
    path, _, query = target.partition("?")
    state: dict[str, Any] = {PEER: "test"}
    if caller is not None:
        state[CALLER] = caller
    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in (headers or {}).items()],
        "state": state,
        "subprotocols": [],
    }
    return scope if kind == "websocket" else {**scope, "method": method}


async def ask(
    app: ASGIApp,
    target: str,
    caller: Caller | None = None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Return status and object of the answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    async def receive() -> Any:
        await trio.lowlevel.checkpoint()
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = scope_of(target, caller, method=method, headers=headers)
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)


class Stream:
    """A response of one object per line that does not end by itself."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[Any](100)
        self._lines: list[bytes] = []

    async def run(self, app: ASGIApp, target: str, caller: Caller) -> None:
        """Be served until the application ends."""
        await app(scope_of(target, caller), trio.sleep_forever, self._send.send)

    async def next(self) -> dict[str, Any]:
        """Return the next object."""
        with trio.fail_after(30):
            while not self._lines:
                message = await self._receive.receive()
                self._lines += message.get("body", b"").splitlines()
        found: dict[str, Any] = json.loads(self._lines.pop(0))
        return found


class Socket:
    """One WebSocket, both ends in this process."""

    def __init__(self) -> None:
        self._to_app, self._from_test = trio.open_memory_channel[Any](100)
        self._to_test, self._from_app = trio.open_memory_channel[Any](100)

    async def run(self, app: ASGIApp, target: str, caller: Caller) -> None:
        """Be served until the application ends."""
        scope = scope_of(target, caller, kind="websocket")
        self._to_app.send_nowait({"type": "websocket.connect"})
        await app(scope, self._from_test.receive, self._to_test.send)

    async def next(self) -> Any:
        """Return the application's next message."""
        with trio.fail_after(5):
            return await self._from_app.receive()

    async def told(self, event: str) -> Any:
        """Return the next object of a kind, skipping others."""
        while True:
            message = await self.next()
            found = json.loads(message.get("text") or "{}")
            if found.get("event") == event:
                return found

    def do(self, what: str, **fields: str) -> None:
        """Send a wish."""
        text = json.dumps({"do": what, **fields})
        self._to_app.send_nowait({"type": "websocket.receive", "text": text})

    def type(self, data: bytes) -> None:
        """Send keys."""
        self._to_app.send_nowait({"type": "websocket.receive", "bytes": data})

    def leave(self) -> None:
        """Hang up."""
        self._to_app.send_nowait({"type": "websocket.disconnect", "code": 1000})
