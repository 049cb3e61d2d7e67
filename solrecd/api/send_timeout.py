"""How long a client may take no bytes while we have some for it, and an answer at all.

A client that asks a question and does not take the answer is gone. One that watches may
have stopped its terminal over lunch: what is kept for it is bounded elsewhere, and it
is told how much it missed. So the limits depend on what the connection is used for.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import trio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SEND_TIMEOUT_STATE: Final = "patience"
"""Of a connection's ASGI state."""

SEND_TIMEOUT: Final = 30.0
"""Seconds for an answer."""

RESPONSE_TIMEOUT: Final = 300.0
"""Seconds from a request to the end of its answer; `doctor` takes a minute of them."""

WATCHING_TIMEOUT: Final = 24 * 3600.0
"""Seconds for a stream that is watched; its buffer is bounded, the socket is one
descriptor."""


@dataclass(slots=True)
class SendTimeout:
    """Of one connection."""

    seconds: float = SEND_TIMEOUT
    answering: trio.CancelScope = field(default_factory=trio.CancelScope)
    """Of the request that is being answered."""


def wait_for_watcher(scope: Mapping[str, Any]) -> None:
    """Give the connection of a request more time from now on."""
    send_timeout = scope.get("state", {}).get(SEND_TIMEOUT_STATE)
    if isinstance(send_timeout, SendTimeout):
        send_timeout.seconds = WATCHING_TIMEOUT
        send_timeout.answering.deadline = math.inf


async def until_left(
    scope: Mapping[str, Any],
    receive: Receive,
    *tasks: Callable[[trio.CancelScope], Awaitable[None]],
) -> None:
    """Run the tasks of a stream that is watched until its client leaves.

    Args:
        scope: of the request.
        receive: of the request.
        tasks: are given what ends all of them.
    """
    wait_for_watcher(scope)
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task, nursery.cancel_scope)
        while (await receive())["type"] != "http.disconnect":
            pass
        nursery.cancel_scope.cancel()


def bounded(app: ASGIApp, seconds: float = RESPONSE_TIMEOUT) -> ASGIApp:
    """Return an application that ends each answer in time, but `wait_for_watcher`'s.

    One that has not begun by then is a 503; of one that has, the connection is closed.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        with trio.move_on_after(seconds) as answering:
            _begin(scope, answering)
            await app(scope, receive, note)
        if answering.cancelled_caught and not begun and scope["type"] == "http":
            late = JSONResponse({"error": f"no answer within {seconds:.0f} s"}, 503)
            await late(scope, receive, send)

    return answer


def _begin(scope: Scope, answering: trio.CancelScope) -> None:
    send_timeout = scope.get("state", {}).get(SEND_TIMEOUT_STATE)
    if isinstance(send_timeout, SendTimeout):
        send_timeout.seconds = SEND_TIMEOUT
        send_timeout.answering = answering
