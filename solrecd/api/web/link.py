"""``/v1/web``: a one-time link to the pages, for who asks on the control socket."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from solrecd.api.gate import caller_in
from solrecd.api.web.sessions import Sessions


class Links:
    """Makes links.

    Args:
        sessions: know them again; None: there are no pages.
    """

    def __init__(self, sessions: Sessions | None = None) -> None:
        self._sessions = sessions
        self.url: str | None = None
        """Where pages are, without a path; None: nowhere in plain HTTP."""

    async def give(self, request: Request) -> Response:
        """Answer with the place of the pages, and the secret of a link."""
        if self._sessions is None:
            return JSONResponse({"url": None, "key": None})
        key = self._sessions.new_link(caller_in(request.scope))
        return JSONResponse({"url": self.url, "key": key})
