"""The routes that operate a console.

``/v1/consoles/NAME/attach`` is a WebSocket. Binary messages are the console's bytes one
way and what is typed the other. Text messages are JSON objects; from us: ``welcome``,
``said``, ``missed``, ``mode``, ``refused``, ``answer``; to us: ``{"do": ...}`` with one
of `_ATTACH_REQUESTS`, each with its role in `routes.ATTACH_ROLES`. Everything else here
is a POST that answers ``{}`` or a small object.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import trio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from solrecd.api.gate import Gate, View, refuse, view_in
from solrecd.api.routes import ATTACH_ROLES, YIELD_MAX, YIELD_USUAL
from solrecd.api.send_timeout import wait_for_watcher
from solrecd.console.attachments import (
    Attachment,
    ConsoleTakenError,
    Missed,
    Mode,
    Notice,
    WriteClaim,
)
from solrecd.console.operation import Operation, OperationError
from solrecd.process.access import Role
from solrecd.sources.base import PowerAction, SourceError

SWITCHES_WAITING: Final = 1
"""Requests for the power that wait for the one before."""

_REFUSED: Final = 4409
"""WebSocket close code (private range): another user writes."""

_NO_ROLE: Final = 4403
"""WebSocket close code: a reload took the role."""

_Act = Callable[[Operation, str, Mapping[str, str]], dict[str, Any]]


def operating(gate: Gate) -> Mapping[str, Callable[..., Any]]:
    """Return the functions behind the routes, by name; the caller checks roles."""
    attaching = _Attaching(gate)
    return {
        "attach": attaching.attach,
        "power_state": _power_state,
        "who": attaching.who,
        **{wish: _acting(wish) for wish in _WISHES},
    }


def named_in(request: Request, view: View) -> Sequence[str]:
    """Return the consoles that a query names; all that its caller sees, if none."""
    names = request.query_params.get("names")
    if names is None:
        return view.names()
    chosen = names.split(",")
    for name in chosen:
        view.require(name, Role.VIEW)
    return chosen


# One request, one answer.


def _acting(wish: str) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        view, query = view_in(request.scope), request.query_params
        operation = view.operation(request.path_params["name"], Role.OPERATE)
        try:
            answer = await perform(wish, operation, view.principal, query)
        except (OperationError, SourceError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse(answer)

    return handle


def _break(operation: Operation, user: str, query: Mapping[str, str]) -> dict[str, Any]:
    operation.send_break(user, query.get("key", ""))
    return {}


def _note(operation: Operation, user: str, query: Mapping[str, str]) -> dict[str, Any]:
    operation.note(user, query.get("text", ""))
    return {}


def _acknowledge(
    operation: Operation, user: str, query: Mapping[str, str]
) -> dict[str, Any]:
    operation.acknowledge(user, query.get("text", ""))
    return {}


def _unacknowledge(
    operation: Operation, user: str, _: Mapping[str, str]
) -> dict[str, Any]:
    operation.unacknowledge(user)
    return {}


def _message(
    operation: Operation, user: str, query: Mapping[str, str]
) -> dict[str, Any]:
    return {"told": operation.message(user, query.get("text", ""))}


def _yield(operation: Operation, user: str, query: Mapping[str, str]) -> dict[str, Any]:
    seconds = float(query.get("seconds", YIELD_USUAL))
    if not 1 <= seconds <= YIELD_MAX:
        raise ValueError(f"allowed: 1 to {YIELD_MAX} s")
    operation.yield_session(user, seconds)
    return {}


def _take(operation: Operation, user: str, _: Mapping[str, str]) -> dict[str, Any]:
    operation.take_back(user)
    return {}


def _reconnect(operation: Operation, user: str, _: Mapping[str, str]) -> dict[str, Any]:
    operation.reconnect(user)
    return {}


_ACTS: Final[Mapping[str, _Act]] = MappingProxyType(
    {
        "break": _break,
        "note": _note,
        "acknowledge": _acknowledge,
        "unacknowledge": _unacknowledge,
        "message": _message,
        "yield": _yield,
        "take": _take,
        "reconnect": _reconnect,
    }
)
_POWER: Final = "power"
"""The one request that waits for a BMC."""

_WISHES: Final = (*_ACTS, _POWER)


async def perform(
    wish: str, operation: Operation, user: str, query: Mapping[str, str]
) -> dict[str, Any]:
    """Do what a user wishes; return the route's answer.

    Args:
        wish: the name of its route.
        operation: the console's.
        user: for the record.
        query: how.

    Raises:
        OperationError: it cannot be done now.
        SourceError: the BMC refused, or does not answer.
        ValueError: the query makes no sense.
    """
    if wish != _POWER:
        return _ACTS[wish](operation, user, query)
    how = query.get("wish", "")
    if how not in set(PowerAction):
        raise ValueError(f"power {how!r}; allowed: {', '.join(PowerAction)}")
    await operation.set_power(user, PowerAction(how))
    return {}


# A person at a terminal.


async def _power_state(request: Request) -> Response:
    view = view_in(request.scope)
    operation = view.operation(request.path_params["name"], Role.VIEW)
    try:
        return JSONResponse({"power": await operation.power()})
    except (OperationError, SourceError) as error:
        return JSONResponse({"error": str(error)}, 409)


class _Attaching:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def who(self, request: Request) -> Response:
        view = view_in(request.scope)
        names = named_in(request, view)
        try:
            found = [view.operation(name, Role.VIEW).who() for name in names]
        except OperationError as error:
            return JSONResponse({"error": str(error)}, 409)
        return JSONResponse([attachment for present in found for attachment in present])

    async def attach(self, socket: WebSocket) -> None:
        """Serve one terminal until either side leaves."""
        name, query = socket.path_params["name"], socket.query_params
        view = view_in(socket.scope)
        try:
            mode = Mode(query.get("mode", "rw"))
            claim = WriteClaim(query.get("claim", "ask"))
            operation = view.operation(name, _ROLES[mode])
        except HTTPException as error:
            await refuse(socket.scope, socket.send, error.status_code, error.detail)
            return
        except ValueError as error:
            await refuse(socket.scope, socket.send, 400, str(error))
            return
        await socket.accept()
        wait_for_watcher(socket.scope)
        try:
            with operation.attached(view.principal, mode, claim) as attachment:
                await _serve(_Terminal(socket, operation, attachment, view), self._gate)
        except (ConsoleTakenError, OperationError) as error:
            await socket.close(_REFUSED, str(error)[:120])


_ROLES: Final[Mapping[Mode, Role]] = MappingProxyType(
    {Mode.READ: Role.VIEW, Mode.WRITE: Role.OPERATE}
)


async def _serve(terminal: _Terminal, gate: Gate) -> None:
    """Run both directions; the first that ends takes the other with it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(terminal.show_forever)
        nursery.start_soon(terminal.keep_in_role, gate)
        nursery.start_soon(terminal.switch_forever)
        try:
            await terminal.take_forever()
        except WebSocketDisconnect:
            nursery.cancel_scope.cancel()


class _Terminal:
    """Both directions of one WebSocket."""

    def __init__(
        self,
        socket: WebSocket,
        operation: Operation,
        attachment: Attachment,
        view: View,
    ) -> None:
        self._socket = socket
        self._name: str = socket.path_params["name"]
        self._operation = operation
        self._attachment = attachment
        self._view = view
        # A BMC may take seconds to answer; who types must not wait for that: the key
        # for the firmware's set-up is pressed right after the power.
        self._switch, self._switches = trio.open_memory_channel[Mapping[str, str]](
            SWITCHES_WAITING
        )

    async def show_forever(self) -> None:
        attachment = self._attachment
        here = self._operation.beside(attachment)
        await self._tell(
            "welcome", mode=attachment.mode.value, user=attachment.user, others=here
        )
        while True:
            for item in _joined(await self._attachment.next()):
                match item:
                    case bytes():
                        await self._socket.send_bytes(item)
                    case Missed(count=count):
                        await self._tell("missed", bytes=count)
                    case Notice(what=what, fields=fields):
                        await self._tell(what, **fields)

    async def keep_in_role(self, gate: Gate) -> None:
        """Take the rights from an attached user that a reload takes."""
        while self._view.may(self._name, Role.VIEW):
            if not self._view.may(self._name, _ROLES[self._attachment.mode]):
                self._operation.change(self._attachment, Mode.READ, WriteClaim.ASK)
            await gate.wait_replaced()
        await self._socket.close(_NO_ROLE, "you may not see this console any more")

    async def _tell(self, what: str, **fields: Any) -> None:
        await self._socket.send_text(json.dumps({"event": what, **fields}))

    async def take_forever(self) -> None:
        """Take what the terminal sends.

        Raises:
            WebSocketDisconnect: that was all.
        """
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            if message.get("bytes"):
                await self._try(self._type(message["bytes"]))
            elif message.get("text"):
                await self._try(self._do(message["text"]))

    async def switch_forever(self) -> None:
        """Switch the power as requested, one request after the other."""
        async for query in self._switches:
            act = perform(_POWER, self._operation, self._attachment.user, query)
            await self._try(act)

    async def _try(self, act: Awaitable[object]) -> None:
        """Wait for something; what is refused is told."""
        try:
            await act
        except (OperationError, ConsoleTakenError, SourceError, ValueError) as error:
            await self._tell("refused", text=str(error))
        except HTTPException as error:
            await self._tell("refused", text=error.detail)

    async def _type(self, data: bytes) -> None:
        if self._attachment.mode is not Mode.WRITE:
            raise OperationError("you only watch; force or join to write")
        await self._operation.type(self._attachment.user, data)

    async def _do(self, text: str) -> None:
        wish = json.loads(text)
        if not isinstance(wish, dict) or wish.get("do") not in _ATTACH_REQUESTS:
            raise ValueError(f"allowed: {', '.join(_ATTACH_REQUESTS)}")
        self._view.require(self._name, ATTACH_ROLES[wish["do"]])
        await _ATTACH_REQUESTS[wish["do"]](self, wish)

    async def _write(self, wish: Mapping[str, Any]) -> None:
        claim = WriteClaim(str(wish.get("claim", "ask")))
        self._operation.change(self._attachment, Mode.WRITE, claim)
        await self._tell("mode", mode=self._attachment.mode.value)

    async def _watch(self, _: Mapping[str, Any]) -> None:
        self._operation.change(self._attachment, Mode.READ, WriteClaim.ASK)
        await self._tell("mode", mode=self._attachment.mode.value)

    async def _answer_who(self, _: Mapping[str, Any]) -> None:
        await self._tell("answer", who=self._operation.who())

    async def _act(self, wish: Mapping[str, Any]) -> None:
        query = {key: str(value) for key, value in wish.items()}
        if self._attachment.mode is not Mode.WRITE and wish["do"] not in _WATCHING:
            raise OperationError("you only watch; force or join to write")
        if wish["do"] != _POWER:
            await perform(wish["do"], self._operation, self._attachment.user, query)
            return
        try:
            self._switch.send_nowait(query)
        except trio.WouldBlock:
            raise OperationError(
                "the BMC has not answered the last request yet"
            ) from None


_WATCHING: Final = frozenset({"note", "message"})
"""What read-only users may do, too."""

_Deed = Callable[[_Terminal, Mapping[str, Any]], Awaitable[None]]
_ATTACH_REQUESTS: Final[Mapping[str, _Deed]] = MappingProxyType(
    {
        "write": _Terminal._write,  # noqa: SLF001 - a table of its own methods
        "watch": _Terminal._watch,  # noqa: SLF001
        "who": _Terminal._answer_who,  # noqa: SLF001
        **dict.fromkeys(_WISHES, _Terminal._act),  # noqa: SLF001
    }
)


def _joined(items: Any) -> list[bytes | Notice | Missed]:
    """Return the items with neighbouring bytes as one: a message each costs more."""
    found: list[bytes | Notice | Missed] = []
    for item in items:
        if isinstance(item, bytes) and found and isinstance(found[-1], bytes):
            found[-1] += item
        else:
            found.append(item)
    return found
