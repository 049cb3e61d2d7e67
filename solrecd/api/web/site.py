"""What the pages of a daemon have in common: templates, history, rows, answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import trio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from solrecd.api.gate import Gate, View, view_in
from solrecd.api.web.door import FORM_TOKEN, SESSION
from solrecd.api.web.headers import nonce_in
from solrecd.api.web.live import Live
from solrecd.api.web.reader import History, HistoryError
from solrecd.api.web.sessions import Sessions
from solrecd.api.web.static import assets
from solrecd.api.web.templates import Templates
from solrecd.process.access import Role
from solrecd.process.threads import Job, in_thread

_RENDER: Final = Job("a page", "who asked has to ask again")
_RENDERERS: Final = 4


@dataclass(frozen=True, slots=True)
class Site:
    """What pages are made with."""

    gate: Gate
    history: History
    live: Live
    sessions: Sessions
    templates: Templates
    renderers: trio.CapacityLimiter

    async def page(
        self, request: Request, template: str, code: int = 200, /, **values: Any
    ) -> Response:
        """Return a page made of a template.

        Args:
            request: what is answered.
            template: its file.
            code: HTTP status.
            values: for the template, beside `common`.
        """
        text = await in_thread(
            _RENDER,
            self.templates.render,
            template,
            {**common(request), **values},
            limiter=self.renderers,
        )
        return HTMLResponse(text, code)


def new_renderers() -> trio.CapacityLimiter:
    """Return places for pages that are being made."""
    return trio.CapacityLimiter(_RENDERERS)


def common(request: Request) -> Mapping[str, Any]:
    """Return what every template may use."""
    view = view_in(request.scope)
    return {
        "user": view.principal,
        "form_token": request.scope.get(FORM_TOKEN, ""),
        "has_session": SESSION in request.scope,
        "nonce": nonce_in(request.scope),
        "assets": assets(),
        "path": request.url.path,
    }


def console_in(request: Request, role: Role = Role.VIEW) -> tuple[View, str]:
    """Return the caller's view and a path's console, or raise as `View.require`."""
    view, name = view_in(request.scope), request.path_params["name"]
    view.require(name, role)
    return view, name


def as_refusal(error: HistoryError) -> HTTPException:
    """Return what a page answers where its history is not there."""
    return HTTPException(404, str(error))
