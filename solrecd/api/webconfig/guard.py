"""ASGI middleware: asks for a password where there are users, and adds headers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from solrecd.api.webconfig.passwords import Passwords
from solrecd.api.webconfig.settings import WebConfig


def guarded(
    app: ASGIApp, config: Callable[[], WebConfig], refused: Callable[[], None]
) -> ASGIApp:
    """Return an application behind the passwords of a web configuration.

    Args:
        app: what is behind them.
        config: returns the settings of now; asked for each request.
        refused: told each request that had no or a wrong password.
    """
    return _Guard(app, config, refused)


class _Guard:
    def __init__(
        self, app: ASGIApp, config: Callable[[], WebConfig], refused: Callable[[], None]
    ) -> None:
        self._app = app
        self._config = config
        self._refused = refused
        self._passwords = Passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        config = self._config()
        extra = [
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in config.headers.items()
        ]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        if not await self._may_enter(scope, config):
            self._refused()
            challenge = {"www-authenticate": "Basic"}
            refusal = PlainTextResponse("Unauthorized\n", 401, challenge)
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    async def _may_enter(self, scope: Scope, config: WebConfig) -> bool:
        if not config.users:
            return True
        found = _credentials(Headers(scope=scope).get("authorization", ""))
        if found is None:
            return False
        return await self._passwords.is_right(config.users, *found)


def _credentials(header: str) -> tuple[str, bytes] | None:
    """Return user and password of an Authorization header (RFC 7617 §2)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
        name, colon, password = decoded.partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
