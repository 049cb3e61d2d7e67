"""What may be done to a console from a page: asked for twice, and by our own form."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from solrecd.api.operate import perform
from solrecd.api.web.door import FORM_TOKEN
from solrecd.api.web.login import form_in
from solrecd.api.web.site import Site, console_in
from solrecd.console.operation import OperationError
from solrecd.process.access import Role
from solrecd.sources.base import PowerAction, SourceError


@dataclass(frozen=True, slots=True)
class Action:
    """One of them."""

    wish: str
    """As the API has it."""
    query: Mapping[str, str]
    title: str
    help: str
    field: str = ""
    """What may be typed with it: a key of the query."""


ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "break": Action(
            "break",
            {},
            "Send a break",
            "A serial break; with a letter after it, Linux takes that as SysRq.",
            "key",
        ),
        **{
            f"power-{wish.value}": Action(
                "power",
                {"wish": wish.value},
                f"Power {wish.value}",
                "Switches the machine. Whatever it does now is lost.",
            )
            for wish in PowerAction
        },
        "yield": Action(
            "yield",
            {"seconds": "900"},
            "Give the console away",
            "Ends the session for 15 minutes: another client may have the BMC.",
        ),
        "take": Action(
            "take",
            {},
            "Take the console back",
            "Ends another client's session with the BMC, and begins ours.",
        ),
        "reconnect": Action(
            "reconnect", {}, "Log in again", "Begins a fresh session with the BMC."
        ),
        "acknowledge": Action(
            "acknowledge",
            {},
            "Acknowledge",
            "Others see that you take care of what is wrong here.",
            "text",
        ),
        "unacknowledge": Action(
            "unacknowledge",
            {},
            "Take the acknowledgement back",
            "The console counts as trouble again.",
        ),
        "note": Action(
            "note", {}, "Write a note", "A line in the console's log.", "text"
        ),
    }
)


class Actions:
    """The pages of actions.

    Args:
        site: makes them.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask(self, request: Request) -> Response:
        """Ask whether it is really wanted."""
        _, name = console_in(request, Role.OPERATE)
        action = _action_in(request)
        return await self._page(request, name, action, "", 200)

    async def do(self, request: Request) -> Response:
        """Do it, and lead back to the console."""
        view, name = console_in(request, Role.OPERATE)
        action, form = _action_in(request), await form_in(request)
        check_form(request, form)
        query = dict(action.query)
        if action.field:
            query[action.field] = form.get(action.field, "")
        operation = view.operation(name, Role.OPERATE)
        try:
            await perform(action.wish, operation, view.principal, query)
        except (OperationError, SourceError, ValueError) as error:
            return await self._page(request, name, action, str(error), 409)
        return RedirectResponse(f"/console/{quote(name)}", 303)

    async def _page(
        self, request: Request, name: str, action: Action, problem: str, status: int
    ) -> Response:
        return await self._site.page(
            request,
            "act.html",
            status,
            name=name,
            action=action,
            problem=problem,
            powers=[wish.value for wish in PowerAction],
        )


def _action_in(request: Request) -> Action:
    action = ACTIONS.get(request.path_params["act"])
    if action is None:
        raise HTTPException(404, "there is no such action")
    return action


def check_form(request: Request, form: Mapping[str, str]) -> None:
    """Do nothing where a form was made by us for this caller.

    Raises:
        HTTPException: 403.
    """
    wanted = request.scope.get(FORM_TOKEN, "")
    given = form.get("form_token", "")
    if not wanted or not hmac.compare_digest(wanted.encode(), given.encode()):
        raise HTTPException(403, "this form is too old: load the page again")
