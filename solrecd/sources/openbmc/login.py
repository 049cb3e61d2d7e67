"""Logs in to bmcweb, and opens a console there."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import Final

import h11
import trio

from solrecd.events.sessions import LostReason
from solrecd.sources.https.request import ClosedError, exchange
from solrecd.sources.https.server import Header, basic_header
from solrecd.sources.https.tls import TlsStream, Trust, open_tls
from solrecd.sources.openbmc.options import (
    DEFAULT_CONSOLE,
    OLD_PATH,
    OpenbmcOptions,
)
from solrecd.sources.openbmc.websocket import (
    RefusedError,
    WebSocket,
    opened,
)
from solrecd.sources.troubles import NotConnectedError, Trouble

LOGIN_TIMEOUT: Final = 30.0
"""Seconds for all of it; PAM on a BMC takes some of them."""

_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404

_DEFAULT_PATH: Final = f"/console/{DEFAULT_CONSOLE}"


class Method(enum.Enum):
    """How an account proves itself."""

    BASIC = "basic authentication"
    SESSION = "a session"
    """With its CSRF token as the WebSocket's subprotocol."""


@dataclass(frozen=True, slots=True)
class _Session:
    """A session of bmcweb's; it times out by itself when it is not given back."""

    cookies: str
    token: str

    def __repr__(self) -> str:
        return "_Session(hidden)"


_REFUSALS: Final[Mapping[int, tuple[LostReason, Trouble]]] = MappingProxyType(
    {
        403: (
            LostReason.PRIVILEGE_REFUSED,
            Trouble(
                "the account may not use the console",
                "add it to the group hostconsole on the BMC (privilege"
                " OpenBMCHostConsole), or make it an Administrator",
            ),
        ),
        404: (
            LostReason.SOL_DISABLED,
            Trouble(
                "there is no such console",
                "correct `console`: obmc-console on the BMC knows the names",
            ),
        ),
        429: (
            LostReason.BMC_BUSY,
            Trouble("it has no free session", "end other sessions on the BMC"),
        ),
        503: (
            LostReason.BMC_BUSY,
            Trouble("it is busy, or has no free session", "end other sessions there"),
        ),
    }
)


class Login:
    """Opens a console of one BMC, and remembers how that worked.

    Args:
        options: where it is, and as whom.
        trust: TLS settings.
    """

    def __init__(self, options: OpenbmcOptions, trust: Trust) -> None:
        self._options = options
        self._trust = trust
        self._methods = tuple(Method)
        """The one that worked last comes first."""
        self._path = options.path
        self._session: _Session | None = None

    async def open(self) -> WebSocket:
        """Return the console.

        Raises:
            NotConnectedError: there is none, and what helps.
        """
        try:
            with trio.fail_after(LOGIN_TIMEOUT):
                return await self._open()
        except trio.TooSlowError:
            what = f"{self._options.place}: no answer to the login"
            cure = "see whether bmcweb is overloaded, or restart it on the BMC"
            raise NotConnectedError(LostReason.BMC_TIMEOUT, what, cure) from None
        except ClosedError as error:
            what = f"{self._options.place}: {error}"
            cure = "see whether bmcweb serves HTTPS on that port"
            raise NotConnectedError(LostReason.CLOSED, what, cure) from None
        except RefusedError as error:
            raise self._refused(error.status) from None

    async def leave(self) -> None:
        """Give the session back, if there is one; it would time out in half an hour."""
        session, self._session = self._session, None
        if session is None:
            return
        with suppress(NotConnectedError, ClosedError):  # it times out
            await self._post("/logout", _session_headers(session), b"")

    async def _open(self) -> WebSocket:
        for method in self._methods:
            try:
                console = await self._open_by(method)
            except RefusedError as error:
                if error.status != _UNAUTHORIZED:
                    raise
            else:
                others = (each for each in Method if each is not method)
                self._methods = (method, *others)
                return console
        raise RefusedError(_UNAUTHORIZED)

    async def _open_by(self, method: Method) -> WebSocket:
        if method is Method.BASIC:
            options = self._options
            header = basic_header(options.username, options.password)
            return await self._console([header])
        self._session = session = await self._new_session()
        return await self._console([_cookie(session)], [session.token])

    async def _console(
        self, headers: Sequence[Header], subprotocols: Sequence[str] = ()
    ) -> WebSocket:
        try:
            return await self._console_at(self._path, headers, subprotocols)
        except RefusedError as error:
            if error.status != _NOT_FOUND or self._path != _DEFAULT_PATH:
                raise
        console = await self._console_at(OLD_PATH, headers, subprotocols)
        self._path = OLD_PATH
        return console

    async def _console_at(
        self, path: str, headers: Sequence[Header], subprotocols: Sequence[str]
    ) -> WebSocket:
        async with AsyncExitStack() as undo:
            stream = await self._connected(undo)
            host = self._options.authority
            console = await opened(stream, host, path, headers, subprotocols)
            undo.pop_all()
            return console

    async def _connected(self, undo: AsyncExitStack) -> TlsStream:
        stream = await open_tls(self._options, self._trust)
        undo.push_async_callback(trio.aclose_forcefully, stream)
        return stream

    async def _new_session(self) -> _Session:
        options = self._options
        account = [options.username, options.password.reveal().decode(errors="replace")]
        body = json.dumps({"data": account}).encode()
        status, cookies = await self._post("/login", [_JSON], body)
        if status >= 400:
            # Without sessions there is nothing left to try: as if it were refused.
            raise RefusedError(_UNAUTHORIZED if status == _NOT_FOUND else status)
        if not {"SESSION", "XSRF-TOKEN"} <= cookies.keys():
            raise ClosedError("its login gives no session: is it bmcweb?")
        shown = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return _Session(shown, cookies["XSRF-TOKEN"])

    async def _post(
        self, target: str, headers: Sequence[Header], body: bytes
    ) -> tuple[int, Mapping[str, str]]:
        """Return the status and the cookies of an answer."""
        request = h11.Request(
            method="POST",
            target=target,
            headers=[
                (b"Host", self._options.authority.encode()),
                (b"Content-Length", b"%d" % len(body)),
                (b"Connection", b"close"),
                *headers,
            ],
        )
        async with AsyncExitStack() as undo:
            answer = await exchange(await self._connected(undo), request, body)
        return answer.status, _cookies(answer.headers)

    def _refused(self, status: int) -> NotConnectedError:
        place = self._options.place
        if status == _UNAUTHORIZED:
            what = f"{place}: user {self._options.username!r}: wrong name or password"
            cure = "correct `username` or its password; the account may be locked"
            return NotConnectedError(LostReason.BAD_PASSWORD, what, cure)
        reason, (what, cure) = _REFUSALS.get(
            status,
            (
                LostReason.PROTOCOL_ERROR,
                Trouble(f"HTTP status {status}", "see whether it is an OpenBMC"),
            ),
        )
        return NotConnectedError(reason, f"{place}: {what}", cure)


_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")
"""bmcweb's; anything else would have to be quoted in a header."""

_JSON: Final[Header] = (b"Content-Type", b"application/json")


def _cookie(session: _Session) -> Header:
    return b"Cookie", session.cookies.encode()


def _session_headers(session: _Session) -> Sequence[Header]:
    return _cookie(session), (b"X-XSRF-TOKEN", session.token.encode())


def _cookies(headers: Sequence[Header]) -> Mapping[str, str]:
    cookies = SimpleCookie()
    try:
        for name, value in headers:
            if name == b"set-cookie":
                cookies.load(value.decode("latin-1"))
    except CookieError:
        return {}
    plain = {name: morsel.value for name, morsel in cookies.items()}
    return {name: value for name, value in plain.items() if _TOKEN.match(value)}
