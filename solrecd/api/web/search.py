"""``/search``: lines of all consoles that match, shown as they are found.

The page is sent piece by piece, so it needs no JavaScript, and leaving it (or the
browser's stop) ends the search. It reads for a quarter of a second at a time and goes
to the end of the line, so that everyone's search goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import trio
from markupsafe import Markup
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from solrecd.analysis.text.visible import visible
from solrecd.api.gate import view_in
from solrecd.api.rows import Filter
from solrecd.api.send_timeout import until_left
from solrecd.api.web.reader import LINES_SHOWN, History, HistoryError, Page
from solrecd.api.web.site import Site, common
from solrecd.process.access import Role
from solrecd.storage.formats.lines import NOTE_MARK, line_mark
from solrecd.storage.history.choose import OUTCOMES
from solrecd.storage.history.pattern import TEXT_POSITION, Pattern, PatternError
from solrecd.storage.history.search import Search, search_segments

HITS_MAX: Final = 1000
"""Lines that a page shows; more are no answer."""

TURN: Final = 0.25
"""Seconds that a search reads before others have their turn."""

_SHOWN: Final = 400
"""Characters of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that matches."""

    console: str
    boot: int
    number: int
    """Of the line in its boot; a note has that of the line before."""
    time: str
    text: str
    is_note: bool


class Hunt:
    """One search; `more` is asked again and again, in threads, one at a time.

    Args:
        history: what is searched.
        names: the consoles.
        pattern: what is looked for.
        failed: only in boots that failed or got stuck.
    """

    def __init__(
        self, history: History, names: Sequence[str], pattern: Pattern, *, failed: bool
    ) -> None:
        self._history = history
        self._failed = failed
        self._search = Search(pattern, numbered=True)
        self._hits = self._look(names)
        self.console = ""
        """Where it is."""
        self.is_over = False

    def more(self) -> list[Hit]:
        """Return what was found within `TURN`; blocks."""
        end = time.monotonic() + TURN
        found: list[Hit] = []
        for hit in self._hits:
            if hit is not None:
                found.append(hit)
            if time.monotonic() >= end:
                return found
        self.is_over = True
        return found

    def _look(self, names: Sequence[str]) -> Iterator[Hit | None]:
        boots = self._failed_boots(names) if self._failed else None
        for name in names:
            self.console = name
            yield None
            segments = self._history.archive.segments(name)
            chosen = [
                each
                for each in segments
                if boots is None or (name, each.name.boot) in boots
            ]
            found = search_segments(segments, chosen, self._search, lambda _: None)
            for segment, lines in found:
                for line in lines:
                    yield _hit(name, segment.name.boot, line.number, line.line)
                yield None

    def _failed_boots(self, names: Sequence[str]) -> set[tuple[str, int]]:
        with self._history.index() as index:
            rows = index.boots(names, outcomes=OUTCOMES["last-failed"])
            return {(row["console"], row["boot"]) for row in rows}


def _hit(console: str, boot: int, number: int, line: bytes) -> Hit:
    text = line.decode("utf-8", "replace")
    shown = visible(text[TEXT_POSITION:][:_SHOWN])
    is_note = line_mark(line) == NOTE_MARK
    return Hit(console, boot, number, text[:19].replace("T", " "), shown, is_note)


class SearchPage:
    """A response that is sent piece by piece.

    Args:
        site: makes pages.
        request: what is looked for: ``q`` the pattern, ``in`` the consoles, ``i``
            without regard to case, ``failed`` only boots that failed.
    """

    def __init__(self, site: Site, request: Request) -> None:
        self._site = site
        query = request.query_params
        self._values: dict[str, Any] = {
            **common(request),
            "words": query.get("q", ""),
            "consoles": query.get("in", ""),
            "ignore_case": bool(query.get("i")),
            "failed": bool(query.get("failed")),
            "problem": "",
            "lines_shown": LINES_SHOWN,
        }
        view = view_in(request.scope)
        admits = Filter(self._values["consoles"]).admits
        self._names = [
            name
            for name in view.names()
            if (entry := site.live.entry(name)) and admits(entry.row)
        ]
        self._may = view.may

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Search, until the browser leaves."""
        await until_left(scope, receive, lambda done: self._send(send, done))

    async def _send(self, send: Send, done: trio.CancelScope) -> None:
        hunt = self._hunt()
        head, _, foot = self._render("search.html", {}).partition("<!--results-->")
        content_type = (b"content-type", b"text/html; charset=utf-8")
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [content_type]})
        await send(_piece(head))
        outcome = "" if hunt is None else await self._show_all(hunt, send)
        await send(_piece(f"{outcome}{foot}"))
        await send({"type": "http.response.body", "body": b""})
        done.cancel()

    def _hunt(self) -> Hunt | None:
        words = self._values["words"]
        if not words:
            return None
        try:
            pattern = Pattern(
                words, fixed=False, ignore_case=self._values["ignore_case"]
            )
        except PatternError as error:
            self._values["problem"] = error.reason
            return None
        history, failed = self._site.history, self._values["failed"]
        return Hunt(history, self._names, pattern, failed=failed)

    async def _show_all(self, hunt: Hunt, send: Send) -> str:
        """Send hits; return what is said below them."""
        count = 0
        try:
            while not hunt.is_over and count < HITS_MAX:
                hits = await self._site.history.read(Page.SEARCH, hunt.more)
                seen = [hit for hit in hits if self._may(hit.console, Role.VIEW)]
                count += len(seen)
                if seen:
                    await send(_piece(self._render("hits.html", {"hits": seen})))
        except HistoryError as error:
            return self._render("found.html", {"text": str(error)})
        more = "" if hunt.is_over else f"; the first {count}, stopped at {hunt.console}"
        text = f"{count} lines in {len(self._names)} consoles{more}"
        return self._render("found.html", {"text": text})

    def _render(self, name: str, values: dict[str, Any]) -> Markup:
        text = self._site.templates.render(name, {**self._values, **values})
        return Markup(text)  # noqa: S704 - made by a template that escapes


def _piece(body: str) -> dict[str, Any]:
    return {
        "type": "http.response.body",
        "body": body.encode("utf-8", "replace"),
        "more_body": True,
    }
