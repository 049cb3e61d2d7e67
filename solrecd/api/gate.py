"""Access control: a route is reached by known callers, and shows what they may see.

`Gate` is ASGI middleware and stands before everything else: a caller with no grant
learns nothing, not even which routes there are. Behind it each request has a `View`,
which is all that a route gets of the fleet: what the caller may not see is not in it.
A console that a caller may not see does not exist for that caller: 404, with the same
words as for an unknown name, so that names cannot be probed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import replace
from typing import Any, Final

import trio
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from solrecd.api.denials import Denial, DenialReason, Denials
from solrecd.api.fleet import Fleet, Rows
from solrecd.console.changes import Changes
from solrecd.console.operation import Operation
from solrecd.console.viewers import TailItem
from solrecd.process.access import Caller, Policy, RemoteCaller, Rights, Role, digest_of

CALLER: Final = "caller"
"""Who a connection is, in its ASGI state."""
PEER: Final = "peer"
"""Where a connection is from, in its ASGI state."""

NAME_SHOWN: Final = 200
"""Characters of a request that are repeated in our log and in our answers."""

PROVEN: Final = "solrecd.proven"
"""In a scope: a function that returns the caller, as a page's session proves it now."""

_VIEW: Final = "solrecd.view"
_CALLER_OF_VIEW: Final = "solrecd.caller"
_BEARER: Final = b"bearer "


class View:
    """The fleet as one caller may see it, at every moment by the grants of then.

    Args:
        fleet: the whole one.
        judge: what the caller may do now.
        deny: takes a denial, to which this adds what it knows.
        origin: the denial's peer and route.
    """

    def __init__(
        self,
        fleet: Fleet,
        judge: Callable[[], Rights],
        deny: Callable[[Denial], None],
        origin: Denial,
    ) -> None:
        self._fleet = fleet
        self._judge = judge
        self._deny = deny
        self._origin = origin

    @property
    def principal(self) -> str:
        """Who the caller is, for records."""
        return self._judge().principal

    def may(self, name: str, role: Role) -> bool:
        """Tell whether the caller has a role on a console; not if there is none."""
        try:
            return self._judge().may(role, self._fleet.labels(name))
        except KeyError:
            return False

    def require(self, name: str, role: Role) -> None:
        """Do nothing where the caller has a role on a console.

        Raises:
            HTTPException: 404 where it does not exist for the caller, else 403.
        """
        if self.may(name, role):
            return
        if not self.may(name, Role.VIEW):
            if name in self._fleet.names():
                self._note(DenialReason.CONSOLE, name, role)
            raise HTTPException(404, f"there is no console {name[:NAME_SHOWN]!r}")
        self._note(DenialReason.ROLE, name, role)
        raise HTTPException(
            403, f"{self.principal} may not do that on {name}: it needs role {role}"
        )

    def require_open(self, name: str, role: Role) -> None:
        """Do nothing where the caller has a role on a console that is recorded.

        Raises:
            HTTPException: as `require`; 503 where its archive cannot be opened.
        """
        self.require(name, role)
        if name not in self._fleet.names():
            why = self._fleet.status(name)["error"]
            raise HTTPException(503, f"{name} is not recorded: {why}")

    def require_everywhere(self, role: Role) -> None:
        """Do nothing where the caller has a role on all consoles.

        Raises:
            HTTPException: 403.
        """
        if self._judge().may_everywhere(role):
            return
        self._note(DenialReason.ROLE, "", role)
        raise HTTPException(
            403, f"{self.principal} may not do that: it needs role {role} everywhere"
        )

    def _note(self, reason: DenialReason, console: str, role: Role) -> None:
        self._deny(
            replace(
                self._origin,
                reason=reason,
                principal=self.principal,
                console=console,
                needed=role,
            )
        )

    # What there is to see.

    def names(self) -> Sequence[str]:
        """Return the names of the consoles that the caller may see."""
        rights = self._judge()
        fleet = self._fleet
        return [name for name in fleet.names() if rights.sees(fleet.labels(name))]

    def list(self) -> list[dict[str, Any]]:
        """Return one ``ls`` object for each of them."""
        rows = self._fleet.list()
        return [row for row in rows if self.may(row["console"], Role.VIEW)]

    def status(self, name: str) -> dict[str, Any]:
        """Return the ``status`` object of a console, or raise as `require`."""
        self.require(name, Role.VIEW)
        return self._fleet.status(name)

    def tail(
        self, names: Collection[str]
    ) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[TailItem]]:
        """Watch consoles, or raise as `require`."""
        for name in names:
            self.require(name, Role.VIEW)
        return self._fleet.tail(names)

    def watch(self, names: Collection[str] | None) -> AbstractContextManager[Changes]:
        """Learn which consoles change; of which to speak `overview` knows."""
        return self._fleet.watch(names)

    def overview(self, name: str) -> dict[str, Any] | None:
        """Return an ``ls`` object and the last line; None: nothing for the caller."""
        return self._fleet.overview(name) if self.may(name, Role.VIEW) else None

    async def coverage(self, names: Sequence[str], seconds: int) -> Rows:
        """Return how much of their time consoles were recorded."""
        return await self._fleet.coverage(names, seconds)

    def roles(self) -> Sequence[tuple[str, Role]]:
        """Return each console that the caller may see with the most he may do there."""
        rights = self._judge()
        return [
            (
                name,
                next(
                    role
                    for role in reversed(Role)
                    if rights.may(role, self._fleet.labels(name))
                ),
            )
            for name in self.names()
        ]

    def operation(self, name: str, role: Role) -> Operation:
        """Return what people do with a console, or raise as `require`."""
        self.require_open(name, role)
        return self._fleet.operation(name)

    async def reload(self, *, dry_run: bool) -> dict[str, Any]:
        """Reload the configuration, or raise as `require_everywhere`."""
        self.require_everywhere(Role.ADMIN)
        return await self._fleet.reload(dry_run=dry_run)


class Gate:
    """Knows the grants that count now, and lets callers in.

    Args:
        policy: the grants.
        denials: takes what is refused.
    """

    def __init__(self, policy: Policy, denials: Denials) -> None:
        self._policy = policy
        self._changed = trio.Event()
        self.denials = denials
        self.generation = 0
        """How often grants were replaced."""

    def replace(self, policy: Policy) -> None:
        """Replace the grants, also for attached users."""
        self._policy = policy
        self.generation += 1
        self._changed.set()
        self._changed = trio.Event()

    def recheck(self) -> None:
        """Have everything that lasts look again what its caller may do."""
        self.replace(self._policy)

    def rights(self, caller: Caller) -> Rights:
        """Return what a caller may do now."""
        return self._policy.judge(caller)

    async def wait_replaced(self) -> None:
        """Wait until grants, or consoles and their labels, may have changed."""
        await self._changed.wait()

    def guard(self, app: ASGIApp, fleet: Fleet) -> ASGIApp:
        """Return an application that only callers with a grant reach."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] not in {"http", "websocket"}:
                await app(scope, receive, send)
                return
            view, rights = self._look_at(scope, fleet)
            if rights.grants:
                scope[_VIEW] = view
                scope[_CALLER_OF_VIEW] = _caller_in(scope)
                await app(scope, receive, send)
            else:
                await _turn_away(scope, send, rights)

        return guarded

    def _look_at(self, scope: Scope, fleet: Fleet) -> tuple[View, Rights]:
        proven, caller = scope.get(PROVEN), _caller_in(scope)
        origin = Denial(
            reason=DenialReason.UNKNOWN,
            peer=scope.get("state", {}).get(PEER, ""),
            route=f"{scope.get('method', 'GET')} {scope['path'][:NAME_SHOWN]}",
        )

        def judge() -> Rights:
            return self._policy.judge(caller if proven is None else proven())

        rights = judge()
        if not rights.grants:
            self.denials.add(replace(origin, principal=rights.principal))
        return View(fleet, judge, self.denials.add, origin), rights


def view_in(scope: Scope) -> View:
    """Return what the caller of a request sees."""
    view: View = scope[_VIEW]
    return view


def caller_in(scope: Scope) -> Caller:
    """Return the caller of a request, for a link that logs him in."""
    caller: Caller = scope[_CALLER_OF_VIEW]
    return caller


def _caller_in(scope: Scope) -> Caller:
    """Return the caller; a token counts instead of the connection's certificate.

    What a web page asks (``Origin``) is proven by nothing but a token: a browser shows
    its user's certificate, and uses their tunnel, for whatever page wants it to. Our
    own pages are told apart by `solrecd.api.web.door`.
    """
    if PROVEN in scope:
        proven: Caller = scope[PROVEN]()
        return proven
    caller: Caller = scope.get("state", {}).get(CALLER, RemoteCaller())
    headers = dict(scope["headers"])
    if isinstance(caller, RemoteCaller) and b"authorization" in headers:
        return RemoteCaller(token=digest_of(_token_in(headers[b"authorization"])))
    return RemoteCaller() if b"origin" in headers else caller


def _token_in(value: bytes) -> bytes:
    """Return the token of ``Authorization: Bearer TOKEN``; of other schemes nothing."""
    is_bearer = value[: len(_BEARER)].lower() == _BEARER
    return value[len(_BEARER) :].strip() if is_bearer else b""


async def _turn_away(scope: Scope, send: Send, rights: Rights) -> None:
    is_local = not isinstance(_caller_in(scope), RemoteCaller)
    if is_local:
        text = (
            f"{rights.principal} has no role here; [access] in solrecd.toml gives one"
        )
        await refuse(scope, send, 403, text)
    else:
        text = "not known here: a token or a client certificate is needed"
        await refuse(scope, send, 401, text)


async def refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    """Answer a request, or one for a WebSocket, with an error in one line."""
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="solrecd"'))
    kind = "websocket.http" if scope["type"] == "websocket" else "http"
    start = {"type": f"{kind}.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": f"{kind}.response.body", "body": body})
