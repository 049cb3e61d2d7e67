"""A web server with the rules of OpenBMC's bmcweb, as far as consoles go.

Real TLS, real HTTP (h11) and real WebSockets (wsproto); the rules were read from
bmcweb's ``obmc_console.hpp``, ``authentication.hpp``, ``login_routes.hpp`` and
``websocket.hpp``: an account needs the privilege OpenBMCHostConsole, a cookie's session
needs its CSRF token as subprotocol, and what is printed is sent in messages of at most
4096 bytes, the next when the last one is sent.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Final

import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    Request,
)

from tests.support.certificates import Issued

USER: Final = "recorder"
PASSWORD: Final = "correct horse"
CHUNK: Final = 4096
SESSION: Final = "s3ss10n"
TOKEN: Final = "csrf-t0ken"


class _Open(Exception):  # noqa: N818 - no error
    """The request was answered, and the connection ends."""


@dataclass
class Bmcweb:
    """What it does, and what it saw; `serving` runs it.

    The attributes may be changed while it runs.
    """

    certificate: Issued
    basic: bool = True
    """The build has basic authentication."""
    privileged: bool = True
    """The account may use the console."""
    paths: frozenset[str] = frozenset({"/console0", "/console/default"})
    refusal: int | None = None
    """Status for everybody, such as 503."""
    answers_pings: bool = True
    is_mute: bool = False
    """It takes connections and says nothing."""
    port: int = 0
    logins: int = 0
    """How often an account was tried."""
    typed: bytearray = field(default_factory=bytearray)
    sessions: set[str] = field(default_factory=set)
    """Those not given back."""
    documents: dict[str, object] = field(default_factory=dict)
    """What Redfish tells by path; all but the service root to the account alone."""
    consoles: list[_Console] = field(default_factory=list)
    """Open ones."""
    requests: list[str] = field(default_factory=list)
    """Paths asked for, in order."""

    async def print(self, data: bytes) -> None:
        """Have the machine print something; waits while that is not taken."""
        for at in range(0, len(data), CHUNK):
            for console in list(self.consoles):
                await console.send(BytesMessage(data=data[at : at + CHUNK]))

    async def hang_up(self, reason: str) -> None:
        """Say goodbye to all consoles."""
        for console in list(self.consoles):
            await console.send(CloseConnection(code=1000, reason=reason))

    async def cut(self) -> None:
        """End all consoles without a word."""
        for console in list(self.consoles):
            await trio.aclose_forcefully(console.stream)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve on 127.0.0.1, on the same port each time."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
            self.port = listener.socket.getsockname()[1]
            secured = trio.SSLListener(listener, context, https_compatible=True)
            await nursery.start(trio.serve_listeners, self._serve, [secured])
            yield
            await self.cut()
            nursery.cancel_scope.cancel()

    async def _serve(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            async with stream:
                if self.is_mute:
                    await trio.sleep_forever()
                await self._answer(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, _Open):
            pass  # the client is gone

    async def _answer(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        raw = bytearray()
        while b"\r\n\r\n" not in raw:
            if not (data := await stream.receive_some()):
                return
            raw += data
        protocol = h11.Connection(h11.SERVER)
        protocol.receive_data(bytes(raw))
        request = protocol.next_event()
        assert isinstance(request, h11.Request)
        target = request.target.decode()
        self.requests.append(target)
        headers = {name.decode(): value.decode() for name, value in request.headers}
        if request.method == b"POST":
            body = bytearray()
            while isinstance(event := protocol.next_event(), h11.Data):
                body += event.data
            if event is h11.NEED_DATA:
                body += await stream.receive_some()
            await self._post(stream, protocol, target, headers, bytes(body))
        elif target.startswith("/redfish/"):
            await self._redfish(stream, protocol, target, headers)
        else:
            await self._console(stream, target, headers, bytes(raw))

    async def _redfish(
        self,
        stream: trio.abc.Stream,
        protocol: h11.Connection,
        target: str,
        headers: Mapping[str, str],
    ) -> None:
        is_open = target == "/redfish/v1/"
        is_allowed = is_open or self._is_basic(headers.get("authorization", ""))
        status = 200 if is_allowed else 401
        body = json.dumps(self.documents.get(target)).encode() if is_allowed else b""
        length = ("content-length", str(len(body)))
        answer = h11.Response(status_code=status, headers=[length])
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            await stream.send_all(protocol.send(event) or b"")

    async def _post(
        self,
        stream: trio.abc.Stream,
        protocol: h11.Connection,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        status, cookies = 200, list[tuple[str, str]]()
        if target == "/login":
            self.logins += 1
            status = 200 if json.loads(body)["data"] == [USER, PASSWORD] else 401
            if status == 200:
                self.sessions.add(SESSION)
                cookies = [
                    ("set-cookie", f"XSRF-TOKEN={TOKEN}; SameSite=Strict; Secure"),
                    ("set-cookie", f"SESSION={SESSION}; Secure; HttpOnly"),
                ]
        elif target == "/logout" and headers.get("x-xsrf-token") == TOKEN:
            self.sessions.discard(_cookies(headers).get("SESSION", ""))
        answer = h11.Response(
            status_code=status, headers=[("content-length", "0"), *cookies]
        )
        for event in (answer, h11.EndOfMessage()):
            await stream.send_all(protocol.send(event) or b"")

    def _status(self, target: str, headers: Mapping[str, str]) -> int | None:
        """Return why there is no console; None: there is."""
        if self.refusal is not None:
            return self.refusal
        cookies = _cookies(headers)
        if "SESSION" in cookies:
            is_known = cookies["SESSION"] in self.sessions
            is_ours = headers.get("sec-websocket-protocol") == TOKEN
            if not (is_known and is_ours):
                return 401
        elif not self._is_basic(headers.get("authorization", "")):
            return 401
        if target not in self.paths:
            return 404
        return None if self.privileged else 403

    def _is_basic(self, header: str) -> bool:
        self.logins += 1
        account = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self.basic and header == f"Basic {account}"

    async def _console(
        self,
        stream: trio.SSLStream[trio.SocketStream],
        target: str,
        headers: Mapping[str, str],
        raw: bytes,
    ) -> None:
        console = _Console(stream, WSConnection(ConnectionType.SERVER))
        console.protocol.receive_data(raw)
        (request,) = console.protocol.events()
        assert isinstance(request, Request)
        status = self._status(target, headers)
        if status is not None:
            await console.send(RejectConnection(status_code=status))
            return
        offered = request.subprotocols
        await console.send(
            AcceptConnection(subprotocol=offered[0] if offered else None)
        )
        self.consoles.append(console)
        try:
            await self._listen(console)
        finally:
            self.consoles.remove(console)

    async def _listen(self, console: _Console) -> None:
        while data := await console.stream.receive_some():
            console.protocol.receive_data(bytes(data))
            for event in console.protocol.events():
                match event:
                    case BytesMessage(data=typed):
                        self.typed += typed
                    case Ping() if self.answers_pings:
                        await console.send(event.response())
                    case CloseConnection():
                        return
                    case _:
                        pass


@dataclass
class _Console:
    stream: trio.SSLStream[trio.SocketStream]
    protocol: WSConnection
    sending: trio.Lock = field(default_factory=trio.Lock)

    async def send(self, event: object) -> None:
        async with self.sending:
            await self.stream.send_all(self.protocol.send(event))  # type: ignore[arg-type]


def _cookies(headers: Mapping[str, str]) -> Mapping[str, str]:
    cookies = SimpleCookie(headers.get("cookie", ""))
    return {name: morsel.value for name, morsel in cookies.items()}
