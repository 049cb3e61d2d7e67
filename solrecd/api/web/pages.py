"""The routes of the pages.

Each can be read without JavaScript, and each address can be sent to a colleague: what
is chosen on a page stands in it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import trio
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from solrecd.api.gate import view_in
from solrecd.api.rows import Filter, by_trouble, row_of
from solrecd.api.web import boot_page
from solrecd.api.web.actions import Actions, check_form
from solrecd.api.web.door import SESSION
from solrecd.api.web.link import Links
from solrecd.api.web.login import form_in
from solrecd.api.web.reader import LINES_SHOWN, BootPage, HistoryError, Page
from solrecd.api.web.search import SearchPage
from solrecd.api.web.site import Site, as_refusal, console_in
from solrecd.api.web.stream import RowStream
from solrecd.api.web.templates import since
from solrecd.console.operation import OperationError
from solrecd.events.stages import BOOT_STAGES
from solrecd.process.access import Role
from solrecd.storage.history.stages import stage_spans

ROWS_SHOWN: Final = 200
"""Rows of the wall before JavaScript has all of them, and on a page without it."""

Handler = Callable[[Request], Any]


Refuse = Callable[[Request, Exception], Awaitable[Response]]
"""Answers where a request is refused."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages, for the application that serves them."""

    site: Site
    links: Links

    def routes(self) -> list[BaseRoute]:
        """Return the routes of all pages."""
        return _routes(self.site)

    def refusing(self, otherwise: Refuse) -> Refuse:
        """Return what refuses requests: pages as pages, others as before."""

        async def refuse(request: Request, error: Exception) -> Response:
            if request.url.path.startswith("/v1/"):
                return await otherwise(request, error)
            refusal = cast("HTTPException", error)
            title = _TITLES.get(refusal.status_code, "That does not work")
            return await self.site.page(
                request,
                "error.html",
                refusal.status_code,
                status=refusal.status_code,
                title=title,
                text=refusal.detail,
            )

        return refuse


_TITLES: Final = {403: "You may not do that", 404: "That is not here"}


def _routes(site: Site) -> list[BaseRoute]:
    pages = _Pages(site)
    actions = Actions(site)
    console = "/console/{name}"
    get: Mapping[str, Handler] = {
        "/": pages.wall,
        "/live": pages.live,
        "/me": pages.me,
        "/search": partial(SearchPage, site),
        "/crashes": pages.crashes,
        console: pages.console,
        f"{console}/tail": pages.tail,
        f"{console}/boots": pages.boots,
        f"{console}/boot/{{boot}}": pages.boot,
        f"{console}/diff": pages.diff,
        f"{console}/do/{{act}}": actions.ask,
    }
    post: Mapping[str, Handler] = {
        f"{console}/do/{{act}}": actions.do,
        "/logout": pages.logout,
    }
    return [
        *(Route(path, _async(handler)) for path, handler in get.items()),
        *(
            Route(path, _async(handler), methods=["POST"])
            for path, handler in post.items()
        ),
    ]


def _async(handler: Handler) -> Handler:
    async def handle(request: Request) -> Any:
        found = handler(request)
        return await found if hasattr(found, "__await__") else found

    return handle


class _Pages:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def wall(self, request: Request) -> Response:
        view, words = view_in(request.scope), request.query_params.get("q", "")
        await trio.lowlevel.checkpoint()
        names = [row["console"] for row in view.list()]
        found = [entry.row for name in names if (entry := self._site.live.entry(name))]
        admitted = sorted(filter(Filter(words).admits, found), key=by_trouble)
        first = _number(request, "from")
        return await self._site.page(
            request,
            "wall.html",
            rows=admitted[first : first + ROWS_SHOWN],
            count=len(admitted),
            total=len(found),
            first=first,
            step=ROWS_SHOWN,
            words=words,
            now=time.time(),
        )

    def live(self, request: Request) -> RowStream:
        words = Filter(request.query_params.get("q", ""))
        site = self._site
        return RowStream(site.live, site.gate, view_in(request.scope), words)

    async def me(self, request: Request) -> Response:
        view = view_in(request.scope)
        return await self._site.page(request, "me.html", roles=view.roles())

    async def logout(self, request: Request) -> Response:
        form = await form_in(request)
        check_form(request, form)
        session = request.scope.get(SESSION)
        if session is not None:
            self._site.sessions.end(session)
        return RedirectResponse("/login", 303)

    async def crashes(self, request: Request) -> Response:
        names = view_in(request.scope).names()
        work = partial(self._site.history.crashes, names)
        return await self._site.page(
            request, "crashes.html", groups=await self._read(Page.CRASHES, work)
        )

    async def console(self, request: Request) -> Response:
        view, name = console_in(request)
        status = view.status(name)
        try:
            here = view.operation(name, Role.VIEW).who()
        except (OperationError, HTTPException):
            here = []
        history = self._site.history
        try:
            shown = await history.read(Page.SCREEN, partial(history.screen, name))
            lines = "\n".join(shown.lines).rstrip()
        except HistoryError as error:
            lines = str(error)
        return await self._site.page(
            request,
            "console.html",
            name=name,
            status=status,
            row=row_of({"line": None, **status}),
            screen=lines,
            here=here,
            may_operate=view.may(name, Role.OPERATE),
            since=since(status.get("stage_since")),
        )

    async def tail(self, request: Request) -> Response:
        _, name = console_in(request)
        # The archive's writer is a quarter of a second behind what is shown live.
        await trio.sleep(0.5)
        work = partial(self._site.history.tail, name)
        data = await self._read(Page.SCREEN, work)
        return Response(data, media_type="application/octet-stream")

    async def boots(self, request: Request) -> Response:
        _, name = console_in(request)
        found = await self._read(Page.BOOTS, partial(self._rows_of_boots, name))
        return await self._site.page(request, "boots.html", name=name, boots=found)

    def _rows_of_boots(self, name: str) -> list[dict[str, Any]]:
        """Return the boots of a console, each with its bars; in a thread."""
        history = self._site.history
        boots = history.boots(name)
        oldest = min((boot["boot"] for boot in boots), default=0)
        stages: dict[int, list[Any]] = {}
        with history.index() as index:
            for event in index.events([name], kinds=["stage"]):
                if event["boot"] is not None and event["boot"] >= oldest:
                    stages.setdefault(event["boot"], []).append(event)
        spans = {n: stage_spans(events) for n, events in stages.items()}
        lengths = [boot_page.length_of(b, spans.get(b["boot"], [])) for b in boots]
        scale = _common_scale(lengths)
        return [
            {
                **boot,
                "length": length,
                # Made by us of stages and numbers, and escaped there.
                "bars": Markup(  # noqa: S704
                    "".join(boot_page.bars(boot, spans.get(boot["boot"], []), scale))
                ),
            }
            for boot, length in zip(boots, lengths, strict=True)
        ]

    async def boot(self, request: Request) -> Response:
        _, name = console_in(request)
        word, first = request.path_params["boot"], _number(request, "from")
        work = partial(self._site.history.boot, name, word, first)
        found = await self._read(Page.BOOT, work)
        at = list(found.numbers).index(found.boot["boot"])
        return await self._site.page(
            request,
            "boot.html",
            name=name,
            boot=found.boot,
            content=_Deferred(found),
            earlier=found.numbers[at - 1] if at else None,
            later=found.numbers[at + 1] if at + 1 < len(found.numbers) else None,
            first=first,
            step=LINES_SHOWN,
            has_more=found.has_more,
            faults=found.faults,
        )

    async def diff(self, request: Request) -> Response:
        _, name = console_in(request)
        chosen = request.query_params.getlist("boot")
        words = sorted(chosen, key=_as_number)[:2]
        work = partial(self._site.history.diff, name, words)
        head, *changes = await self._read(Page.DIFF, work)
        parts: dict[str, list[Any]] = {}
        for change in changes:
            parts.setdefault(change["change"], []).append(change)
        first, second = head["boots"]
        return await self._site.page(
            request,
            "diff.html",
            name=name,
            first=first,
            second=second,
            parts=parts,
            stages=[stage.value for stage in BOOT_STAGES],
        )

    async def _read(self, page: Page, work: Callable[[], Any]) -> Any:
        try:
            return await self._site.history.read(page, work)
        except HistoryError as error:
            raise as_refusal(error) from None


class _Deferred:
    """The part of a boot's page that is long; made where the template wants it."""

    def __init__(self, found: BootPage) -> None:
        self._found = found

    def __html__(self) -> str:
        found = self._found
        pieces = boot_page.body(found.boot, found.events, found.spans, found.lines)
        return "".join(pieces)


def _number(request: Request, key: str) -> int:
    text = request.query_params.get(key, "0")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _as_number(word: str) -> int:
    return int(word) if word.lstrip("-").isdecimal() else 0


def _common_scale(lengths: list[float]) -> float:
    """Return what all bars are drawn to: one boot that ran for days dwarfs no other."""
    usual = sorted(lengths)[: max(1, len(lengths) * 9 // 10)]
    return max(usual, default=1.0)
