"""Examining a console: one object per line, each as soon as it is known.

Viewers may ask: that changes nothing. A login beside the recorder's takes the role
`operate`, because failed ones count at the BMC. Setting the BMC's parameters takes the
highest role, because it changes them for all users of the BMC.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import trio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from solrecd.api.gate import view_in
from solrecd.console.operation import OperationError
from solrecd.process.access import Role
from solrecd.sources.base import SourceError, Tell
from solrecd.sources.findings import Finding

Examine = Callable[[Tell], Awaitable[None]]

AT_ONCE = 8
"""Examinations at the same time: a person waits for each, and a script that wants all
consoles must not have them all asked at once."""


def examining() -> Mapping[str, Callable[..., Any]]:
    """Return the functions behind the routes, by name."""
    practice = _Examinations()
    return {"examine": practice.examine, "treat": practice.apply_fixes}


class _Examinations:
    def __init__(self) -> None:
        self._limit = trio.CapacityLimiter(AT_ONCE)

    async def examine(self, request: Request) -> _StreamedExamination | JSONResponse:
        await trio.lowlevel.checkpoint()
        name = request.path_params["name"]
        view = view_in(request.scope)
        operation = view.operation(name, Role.VIEW)
        try:
            operation.require_examiner()
        except OperationError as error:
            return JSONResponse({"error": str(error)}, 409)
        examine = partial(operation.examine, may_log_in=view.may(name, Role.OPERATE))
        return _StreamedExamination(name, examine, self._limit)

    async def apply_fixes(self, request: Request) -> Response:
        view, name = view_in(request.scope), request.path_params["name"]
        operation = view.operation(name, Role.ADMIN)
        try:
            numbers = _numbers(request.query_params.get("parameters", ""))
            async with self._limit:
                if not numbers:
                    return JSONResponse(list(await operation.proposals()))
                results = await operation.apply_fixes(view.principal, numbers)
        except (OperationError, SourceError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse(list(results))


class _StreamedExamination:
    """A response that is written while the BMC answers, until the client leaves."""

    def __init__(
        self, name: str, examine: Examine, limit: trio.CapacityLimiter
    ) -> None:
        self._name = name
        self._ask = examine
        self._limit = limit

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(_body(b"", more=True))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
            await self._examine(send)
            nursery.cancel_scope.cancel()
        # Outside: the end itself looks as if the client had gone.
        await send(_body(b"", more=False))

    async def _examine(self, send: Send) -> None:
        async def tell(finding: Finding) -> None:
            row = {"console": self._name, **finding.as_dict()}
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            await send(_body(line, more=True))

        async with self._limit:
            await self._ask(tell)


async def _until_gone(receive: Receive, examination: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    examination.cancel()


def _numbers(text: str) -> frozenset[int]:
    words = [word for word in text.split(",") if word]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError(f"parameters {text!r}; allowed: numbers with commas between")
    return frozenset(map(int, words))


def _body(data: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}
