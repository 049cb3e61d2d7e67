"""``/login``: where a one-time link, or a token, becomes a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from solrecd.api.gate import Gate
from solrecd.api.web.door import Cookie
from solrecd.api.web.sessions import Sessions
from solrecd.api.web.static import assets
from solrecd.api.web.templates import Templates
from solrecd.process.access import Caller, RemoteCaller, digest_of
from solrecd.process.threads import Job, in_thread

FORM_MAX: Final = 16 * 1024
"""Bytes of a form."""

_RENDER: Final = Job("the page for logging in", "who asked has to ask again")


class Login:
    """An ASGI application.

    Args:
        sessions: make links into sessions.
        gate: knows tokens.
        templates: make the page.
        cookie: of this listener.
        takes_tokens: there is TLS, so that a token may be typed.
    """

    def __init__(
        self,
        sessions: Sessions,
        gate: Gate,
        templates: Templates,
        cookie: Cookie,
        *,
        takes_tokens: bool,
    ) -> None:
        self._sessions = sessions
        self._gate = gate
        self._templates = templates
        self._cookie = cookie
        self._takes_tokens = takes_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log a browser in, or show how that is done."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        answer = await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        query = request.query_params
        to, secret = query.get("to", "/"), query.get("key", "")
        if request.method == "HEAD":
            # Programs that look where a link leads must not use it up.
            return Response(status_code=200)
        if request.method == "POST" and self._takes_tokens:
            form = await form_in(request)
            to = form.get("to", "/")
            caller: Caller = RemoteCaller(
                token=digest_of(form.get("token", "").encode())
            )
            if self._gate.rights(caller).grants:
                return self._begin(caller, to)
            return await self._page(to, "This token is not known here.")
        if not secret:
            return await self._page(to, "")
        found = self._sessions.use_link(secret)
        if found is None:
            return await self._page(to, "This link has been used, or is too old.")
        return self._begin(found, to)

    def _begin(self, caller: Caller, to: str) -> Response:
        answer = RedirectResponse(to if is_ours(to) else "/", 303)
        self._cookie.give(answer, self._sessions.begin(caller))
        return answer

    async def _page(self, to: str, problem: str) -> Response:
        values = {
            "problem": problem,
            "to": to,
            "takes_tokens": self._takes_tokens,
            "assets": assets(),
        }
        text = await in_thread(_RENDER, self._templates.render, "login.html", values)
        return HTMLResponse(text, 401)


def is_ours(path: str) -> bool:
    """Whether a path leads to a page of ours and not to another site."""
    return path.startswith("/") and not path.startswith(("//", "/\\"))


async def form_in(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; of one that is too long nothing."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > FORM_MAX:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {key: values[-1] for key, values in fields.items()}
