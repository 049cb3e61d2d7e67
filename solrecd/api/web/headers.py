"""What every answer to a browser says about itself."""

from __future__ import annotations

import secrets
from typing import Final

from starlette.types import Message, Scope, Send

NONCE: Final = "solrecd.nonce"
"""In a scope: what marks the style sheets of the terminal as ours."""

_POLICY: Final = (
    "default-src 'self'; script-src 'self';"
    # xterm.js makes its style sheets itself, and styles cells of 24-bit colours; bars
    # of stages are as wide as they took. Neither is ever made of a console's text.
    " style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline';"
    " img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)

_FIXED: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), usb=()",
}


def new_nonce() -> str:
    """Return one for one answer."""
    return secrets.token_urlsafe(16)


def nonce_in(scope: Scope) -> str:
    """Return the nonce of a request; empty where no browser is expected."""
    nonce: str = scope.get(NONCE, "")
    return nonce


def with_headers(send: Send, nonce: str) -> Send:
    """Return what sends an answer with these headers; its own ones stay."""
    policy = _POLICY.format(nonce=nonce).encode()
    ours = {
        **_FIXED,
        b"content-security-policy": policy,
        b"cache-control": b"no-store",
    }

    async def sending(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            given = {name.lower(): value for name, value in message["headers"]}
            cookies = [
                pair for pair in message["headers"] if pair[0].lower() == b"set-cookie"
            ]
            given.pop(b"set-cookie", None)
            message = {**message, "headers": [*{**ours, **given}.items(), *cookies]}
        await send(message)

    return sending
