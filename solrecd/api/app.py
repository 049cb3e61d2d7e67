"""The routes of the API, over a `Fleet`; knows nothing about sockets.

Answers are JSON; errors are ``{"error": "one line"}``, for a configuration that is
refused a line for each mistake, and the mistakes as ``"problems"``. ``/v1/tail`` is a
stream of one object per line: ``{"console", "time", "text"}`` for a console line, the
contract's event object for an event, and ``{"missed": n}`` where this viewer was too
slow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from solrecd.api.fleet import Fleet, FleetError
from solrecd.api.operate import operating_routes
from solrecd.api.watch import watching_routes
from solrecd.events import Event, Line
from solrecd.sinks.viewers import Missed, TailItem, Unfinished
from solrecd.stamps import format_stamp

TAIL_BATCH = 500
"""Items sent at once at most: larger saves no time, smaller costs a packet each."""


class _Tail:
    """A response that follows consoles until either side leaves."""

    def __init__(self, fleet: Fleet, names: Sequence[str]) -> None:
        self._fleet = fleet
        self._names = names

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_items, send)
            while (await receive())["type"] != "http.disconnect":
                pass
            nursery.cancel_scope.cancel()

    async def _send_items(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(_more(b""))
        async with self._fleet.tail(self._names) as channel:
            async for item in channel:
                await send(_more(_encode([item, *_waiting(channel)])))
        await send({"type": "http.response.body", "body": b""})


def _more(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _waiting(channel: trio.MemoryReceiveChannel[TailItem]) -> list[TailItem]:
    items: list[TailItem] = []
    while len(items) < TAIL_BATCH:
        try:
            items.append(channel.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            break
    return items


def _encode(items: Sequence[TailItem]) -> bytes:
    return b"".join(
        json.dumps(_tail_object(item), ensure_ascii=False).encode() + b"\n"
        for item in items
    )


def _tail_object(tail_item: TailItem) -> dict[str, object]:
    match tail_item.item:
        case Line(at=at, text=text):
            return {
                "console": tail_item.console,
                "time": format_stamp(at),
                "text": text,
            }
        case Unfinished(line=line):
            return {
                "console": tail_item.console,
                "time": format_stamp(line.at),
                "text": line.text,
                "unfinished": True,
            }
        case Event() as event:
            return event.as_dict()
        case Missed(count=count):
            return {"missed": count}


class _Routes:
    """One method per route."""

    def __init__(self, fleet: Fleet, version: str) -> None:
        self._fleet = fleet
        self._version = version

    async def list(self, _: Request) -> Response:
        return JSONResponse(self._fleet.list())

    async def status(self, request: Request) -> Response:
        name = request.path_params["name"]
        self._require([name])
        return JSONResponse(self._fleet.status(name))

    async def tail(self, request: Request) -> _Tail:
        names = request.query_params.get("names")
        chosen = list(self._fleet.names()) if names is None else names.split(",")
        self._require(chosen)
        return _Tail(self._fleet, chosen)

    async def reload(self, request: Request) -> Response:
        dry_run = request.query_params.get("dry_run", "0") not in {"", "0", "false"}
        try:
            return JSONResponse(await self._fleet.reload(dry_run=dry_run))
        except FleetError as error:
            refusal = {"error": str(error), "problems": error.problems}
            return JSONResponse(refusal, 409)

    async def version(self, _: Request) -> Response:
        return JSONResponse({"version": self._version})

    async def refuse(self, _: Request, error: Exception) -> Response:
        refusal = cast("HTTPException", error)  # Starlette calls it for nothing else
        return JSONResponse(
            {"error": refusal.detail}, refusal.status_code, headers=refusal.headers
        )

    def _require(self, names: Sequence[str]) -> None:
        known = set(self._fleet.names())
        for name in names:
            if name not in known:
                raise HTTPException(404, f"there is no console {name!r}")


def api_app(fleet: Fleet, version: str) -> Starlette:
    """Return the ASGI application of the API."""
    routes = _Routes(fleet, version)
    return Starlette(
        routes=[
            Route("/v1/consoles", routes.list),
            Route("/v1/consoles/{name}", routes.status),
            Route("/v1/tail", routes.tail),
            Route("/v1/reload", routes.reload, methods=["POST"]),
            Route("/v1/version", routes.version),
            *operating_routes(fleet),
            *watching_routes(fleet),
        ],
        exception_handlers={HTTPException: routes.refuse},
    )
