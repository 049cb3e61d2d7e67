"""The routes of the API, over a `Fleet`; knows nothing about sockets.

Which there are, and the least role of each, is in `solrecd.api.routes`.

Answers are JSON; errors are ``{"error": "one line"}``, for a configuration that is
refused a line for each mistake, and the mistakes as ``"problems"``. ``/v1/tail`` is a
stream of one object per line: ``{"console", "time", "text"}`` for a console line, the
contract's event object for an event, and ``{"missed": n}`` where this viewer was too
slow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from solrecd.api.doctor import examining
from solrecd.api.fleet import Fleet, FleetError
from solrecd.api.gate import Gate, View, view_in
from solrecd.api.operate import named_in, operating
from solrecd.api.routes import (
    COVERAGE_MAX,
    COVERAGE_USUAL,
    ROUTES,
    Method,
    Reach,
    RouteRule,
)
from solrecd.api.send_timeout import until_left
from solrecd.api.watch import watching
from solrecd.api.web.link import Links
from solrecd.api.web.pages import Pages, Refuse
from solrecd.console.viewers import Missed, TailItem, Unfinished
from solrecd.events.event import Event
from solrecd.events.lines import Line
from solrecd.process.access import Role
from solrecd.process.stamps import format_stamp

TAIL_BATCH = 500
"""Items sent at once at most: larger saves no time, smaller costs a packet each."""


class _Tail:
    """A response that follows consoles until either side leaves."""

    def __init__(self, gate: Gate, view: View, names: Sequence[str]) -> None:
        self._gate = gate
        self._view = view
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await until_left(
            scope,
            receive,
            lambda _: self._send_items(send),
            self._end_with_the_role,
        )

    async def _send_items(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(_more(b""))
        async with self._view.tail(self._names) as channel:
            async for item in channel:
                await send(_more(_encode([item, *_waiting(channel)])))
        await send({"type": "http.response.body", "body": b""})

    async def _end_with_the_role(self, stream: trio.CancelScope) -> None:
        while all(self._view.may(name, Role.VIEW) for name in self._names):
            await self._gate.wait_replaced()
        stream.cancel()


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
    """One method per route that only reads, and `reload`."""

    def __init__(self, gate: Gate, version: str) -> None:
        self._gate = gate
        self._version = version

    async def list(self, request: Request) -> Response:
        return JSONResponse(view_in(request.scope).list())

    async def status(self, request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse(view_in(request.scope).status(name))

    async def coverage(self, request: Request) -> Response:
        view, text = view_in(request.scope), request.query_params.get("seconds")
        seconds = COVERAGE_USUAL if text is None else _seconds(text)
        return JSONResponse(await view.coverage(named_in(request, view), seconds))

    async def tail(self, request: Request) -> _Tail:
        view = view_in(request.scope)
        return _Tail(self._gate, view, named_in(request, view))

    async def reload(self, request: Request) -> Response:
        dry_run = request.query_params.get("dry_run", "0") not in {"", "0", "false"}
        try:
            plan = await view_in(request.scope).reload(dry_run=dry_run)
        except FleetError as error:
            refusal = {"error": str(error), "problems": error.problems}
            return JSONResponse(refusal, 409)
        return JSONResponse(plan)

    async def version(self, _: Request) -> Response:
        return JSONResponse({"version": self._version})

    async def refuse(self, _: Request, error: Exception) -> Response:
        refusal = cast("HTTPException", error)  # Starlette calls it for nothing else
        return JSONResponse(
            {"error": refusal.detail}, refusal.status_code, headers=refusal.headers
        )


def _seconds(text: str) -> int:
    if text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= COVERAGE_MAX:
        return int(text)
    raise HTTPException(400, f"seconds: allowed: 1 to {COVERAGE_MAX}")


def api_app(
    fleet: Fleet, version: str, gate: Gate, pages: Pages | None = None
) -> ASGIApp:
    """Return the ASGI application of the API.

    Args:
        fleet: the consoles.
        version: of the daemon.
        gate: knows who may do what.
        pages: for browsers; None: without.
    """
    links = Links() if pages is None else pages.links
    routes = api_routes(version, gate, links)
    refuse: Refuse = _Routes(gate, version).refuse
    if pages is not None:
        routes += pages.routes()
        refuse = pages.refusing(refuse)
    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse})
    return gate.guard(app, fleet)


def api_routes(version: str, gate: Gate, links: Links | None = None) -> list[BaseRoute]:
    """Return what the table of routes is served by."""
    routes = _Routes(gate, version)
    web = Links() if links is None else links
    handlers: dict[str, Callable[..., Any]] = {
        "version": routes.version,
        "web": web.give,
        "list": routes.list,
        "status": routes.status,
        "coverage": routes.coverage,
        "tail": routes.tail,
        "reload": routes.reload,
        **operating(gate),
        **watching(gate),
        **examining(),
    }
    return [_route(rule, handlers[rule.name]) for rule in ROUTES]


def _route(rule: RouteRule, handler: Callable[..., Any]) -> BaseRoute:
    """Return a route whose handler runs only where its least role is held."""
    if rule.method is Method.WEBSOCKET:
        return WebSocketRoute(rule.path, handler)

    async def checked(request: Request) -> Response:
        _check(rule, request)
        answer: Response = await handler(request)
        return answer

    return Route(rule.path, checked, methods=[rule.method.value])


def _check(rule: RouteRule, request: Request) -> None:
    view = view_in(request.scope)
    match rule.reach:
        case Reach.CONSOLE:
            view.require(request.path_params["name"], rule.role)
        case Reach.EVERYTHING:
            view.require_everywhere(rule.role)
        case Reach.SHOWN:
            # The view leaves out what is not shown; every caller here has a grant.
            pass
