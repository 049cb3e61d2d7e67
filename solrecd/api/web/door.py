"""Stands before the pages of a TCP listener, and before the API there.

It answers to its own names only (DNS rebinding), knows browsers by their cookie, and
has whatever changes something, or opens a WebSocket, come from its own pages: cookies
know no ports, so another server of the same host is another site. Whoever brings no
session goes on to the gate with what the connection proves.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlencode, urlsplit

import trio
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from solrecd.api.gate import CALLER, PROVEN, refuse
from solrecd.api.web.callers import FRESH, Callers
from solrecd.api.web.headers import NONCE, new_nonce, with_headers
from solrecd.api.web.sessions import SESSION_LASTS, Session, Sessions
from solrecd.process.access import RemoteCaller

FORM_TOKEN: Final = "solrecd.form"  # noqa: S105 - a key
"""In a scope: what a form of this caller has to carry."""
SESSION: Final = "solrecd.session"
"""In a scope: the browser's session, where it has one."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Door:
    """ASGI middleware.

    Args:
        app: behind a gate.
        open_pages: serves what needs no session (``/login``, ``/static/``), by the
            first segment of its path.
        sessions: know browsers.
        callers: know users of this machine.
        hosts: names that pages are asked under; None: TLS has seen to that.
    """

    def __init__(
        self,
        app: ASGIApp,
        open_pages: Mapping[str, ASGIApp],
        sessions: Sessions,
        callers: Callers,
        hosts: Collection[str] | None,
    ) -> None:
        self._app = app
        self._open_pages = open_pages
        self._sessions = sessions
        self._callers = callers
        self._hosts = hosts
        self.cookie = Cookie(is_secure=hosts is None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        scope[NONCE] = new_nonce()
        send = with_headers(send, scope[NONCE])
        problem = self._problem(scope, headers)
        if problem is not None:
            await refuse(scope, send, *problem)
            return
        open_page = self._open_pages.get(scope["path"].split("/")[1])
        if open_page is not None:
            await open_page(scope, receive, send)
            return
        session = self._sessions.known(self.cookie.read(headers))
        if session is not None:
            await self._serve(session, scope, receive, send)
            return
        self._let_our_pages_use_certificates(scope, headers)
        if _is_stranger(scope, headers):
            await self._open_pages["login"](_as_login(scope), receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(
        self, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and not _is_among(host, self._hosts):
            return 421, "this is not a name of ours; [web] hosts in solrecd.toml has it"
        if b"authorization" in headers or (
            b"cookie" not in headers and b"origin" not in headers
        ):
            # No browser adds a token by itself for another site's page.
            return None
        if not _is_safe(scope) and not _is_own(scope, headers):
            return 403, "asked by another site"
        site = headers.get(b"sec-fetch-site", b"none")
        is_visit = headers.get(b"sec-fetch-mode", b"navigate") == b"navigate"
        if site not in _OWN_SITES and not (is_visit and _is_safe(scope)):
            return 403, "asked by another site"
        return None

    async def _serve(
        self, session: Session, scope: Scope, receive: Receive, send: Send
    ) -> None:
        is_http = scope["type"] == "http"
        if is_http and scope["path"].startswith("/v1/") and not _is_safe(scope):
            # Pages have forms of their own for that, with a token in each.
            await refuse(scope, send, 403, "pages ask for that in their own forms")
            return
        await self._callers.refresh(session.identity)
        scope[PROVEN] = partial(self._callers.current, session.identity)
        scope[SESSION] = session
        scope[FORM_TOKEN] = self._sessions.form_token(session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_checked, session, nursery.cancel_scope)
            await self._app(scope, receive, send)
            nursery.cancel_scope.cancel()

    async def _keep_checked(self, session: Session, scope: trio.CancelScope) -> None:
        """Look a user up again and again; end what outlives the session."""
        end = trio.current_time() + self._sessions.seconds_left(session)
        while trio.current_time() < end:
            await trio.sleep_until(min(end, trio.current_time() + FRESH))
            await self._callers.refresh(session.identity)
            if not self._sessions.seconds_left(session):
                break
        scope.cancel()

    def _let_our_pages_use_certificates(
        self, scope: Scope, headers: Mapping[bytes, bytes]
    ) -> None:
        caller = scope.get("state", {}).get(CALLER)
        if not (isinstance(caller, RemoteCaller) and caller.certificate):
            return
        if b"authorization" in headers:
            return
        scope[PROVEN] = lambda: caller
        scope[FORM_TOKEN] = self._sessions.certificate_token(caller)


def _is_stranger(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a person opened a page and shows nothing that says who it is."""
    return (
        scope["type"] == "http"
        and PROVEN not in scope
        and b"authorization" not in headers
        and not scope["path"].startswith("/v1/")
    )


def _as_login(scope: Scope) -> Scope:
    """Return a request for the page that logs in, and leads back afterwards."""
    query = scope["query_string"].decode("latin-1")
    to = scope["path"] + (f"?{query}" if query else "")
    method = "HEAD" if scope["method"] == "HEAD" else "GET"
    encoded = urlencode({"to": to}).encode()
    return {**scope, "path": "/login", "query_string": encoded, "method": method}


def _is_safe(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] in _SAFE_METHODS


def _is_own(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether one of our own pages asks: scheme, host and port are those it was under.

    A browser says so of every form and every WebSocket.
    """
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    ours = f"{scheme}://".encode() + headers.get(b"host", b"")
    return headers.get(b"origin") == ours


def _is_among(host: str, names: Collection[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in names or name in _LOOPBACK_NAMES or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Cookie:
    """The cookie of a listener."""

    def __init__(self, *, is_secure: bool) -> None:
        # A name that begins so is bound to this very host, and to TLS.
        self.name = "__Host-solrecd" if is_secure else "solrecd"
        self._is_secure = is_secure

    def read(self, headers: Mapping[bytes, bytes]) -> str:
        """Return its value; empty where there is none."""
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return ""
        found = cookies.get(self.name)
        return "" if found is None else found.value

    def give(self, answer: Response, value: str) -> None:
        """Have a browser keep it; with an empty value, forget it."""
        answer.set_cookie(
            self.name,
            value,
            max_age=int(SESSION_LASTS) if value else 0,
            secure=self._is_secure,
            httponly=True,
            # Of a link in a chat, strict ones are not shown: it would lead to a login.
            samesite="lax",
        )
