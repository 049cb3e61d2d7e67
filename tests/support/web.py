"""The pages over a fleet that is made up, asked as a browser asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import trio

from solrecd.api.app import api_app
from solrecd.api.gate import CALLER, PEER
from solrecd.api.web.entrance import Entrance
from solrecd.api.web.reader import History
from solrecd.config import DaemonConfig
from solrecd.process.access import Caller, LocalCaller, Policy, RemoteCaller
from tests.support.fleet import FakeFleet, open_gate

HOST = "127.0.0.1:9624"
ORIGIN = f"http://{HOST}"


@dataclass
class Answer:
    """What a browser got."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The page."""
        return self.body.decode()

    def header(self, name: str) -> str:
        """Return a header; empty where it is not there."""
        return dict(self.headers).get(name, "")


class PageFleet(FakeFleet):
    """Tells of a console what a recorder tells."""

    def __init__(self, names: Sequence[str] = ("a", "b")) -> None:
        super().__init__(names)
        self._rows = {row["console"]: row for row in self._made(names)}

    def _made(self, names: Sequence[str]) -> list[dict[str, Any]]:
        # One of each rack, told for as many as there are.
        first, second = FakeFleet().list()
        return [
            {**(second if at % 2 else first), "console": name}
            for at, name in enumerate(names)
        ]

    def labels(self, name: str) -> Mapping[str, str]:
        """Return a console's labels."""
        found: Mapping[str, str] = self._rows[name]["labels"]
        return found

    def list(self) -> list[dict[str, Any]]:
        """Return ``ls`` objects."""
        return [self._rows[name] for name in self.known]

    def overview(self, name: str) -> dict[str, Any] | None:
        """Return a console and its last line."""
        row = self._rows.get(name)
        return None if row is None else {**row, "line": self.viewers.last_line(name)}

    def status(self, name: str) -> dict[str, Any]:
        """Return the ``ls`` object."""
        return self._rows[name]


@dataclass
class WebSite:
    """The pages of a daemon, and the listeners that have them."""

    folder: Path
    fleet: FakeFleet = field(default_factory=PageFleet)
    policy: Policy = field(default_factory=Policy)
    groups: dict[str, LocalCaller] = field(default_factory=dict)
    """What the directory service says of users; others are in no group."""

    def __post_init__(self) -> None:
        self.gate = open_gate(self.policy)
        history = History(self.folder / "log", self.folder / "index.sqlite")
        settings = DaemonConfig(
            state_dir=str(self.folder), control=str(self.folder / "control.sock")
        )
        self.entrance = Entrance(self.fleet, self.gate, history, settings)
        self.entrance.callers.look_up = lambda name: self.groups.get(
            name, LocalCaller(name)
        )
        self.app = api_app(self.fleet, "1", self.gate, self.entrance.pages)
        self.web = self.entrance.door(self.app, hosts=frozenset({"pages.example.net"}))
        self.tls = self.entrance.door(self.app, hosts=None)

    async def link(self, caller: Caller) -> str:
        """Return the secret of a link that a caller asked for on the socket."""
        answer = await Browser(self.app, caller).get("/v1/web")
        key: str = json.loads(answer.body)["key"]
        return key

    async def logged_in(self, caller: Caller) -> Browser:
        """Return a browser that opened such a link."""
        browser = Browser(self.web)
        answer = await browser.get(f"/login?key={await self.link(caller)}")
        assert answer.status == 303, answer.text
        return browser


class Browser:
    """Asks, and keeps its cookies.

    Args:
        app: what it asks.
        caller: what its connection proves.
    """

    def __init__(
        self, app: Any, caller: Caller | None = None, scheme: str = "http"
    ) -> None:
        self.app = app
        self.caller: Caller = RemoteCaller() if caller is None else caller
        self.scheme = scheme
        self.cookie = ""

    async def get(self, target: str, **headers: str) -> Answer:
        """Open a page."""
        return await self.ask("GET", target, headers)

    async def post(
        self, target: str, form: Mapping[str, str], **headers: str
    ) -> Answer:
        """Send a form, by default as one of our own pages does."""
        return await self.ask(
            "POST",
            target,
            {"origin": ORIGIN, **headers},
            urlencode(form).encode(),
        )

    async def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        kind: str = "http",
    ) -> Answer:
        """Ask, and return the whole answer."""
        path, _, query = target.partition("?")
        given = {"host": HOST, **({"cookie": self.cookie} if self.cookie else {})}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope: dict[str, Any] = {
            "type": kind,
            "scheme": {"websocket": "ws"}.get(kind, self.scheme),
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
            "state": {PEER: "test", CALLER: self.caller},
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        if kind == "http":
            scope["method"] = method
        sent: list[Any] = []
        asked = False

        async def receive() -> Any:
            nonlocal asked
            await trio.lowlevel.checkpoint()
            if asked:
                await trio.sleep_forever()
            asked = True
            if kind == "websocket":
                return {"type": "websocket.connect"}
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            await trio.lowlevel.checkpoint()
            sent.append(message)
            if message["type"] == "websocket.accept":
                raise _AcceptedError

        try:
            await self.app(scope, receive, send)
        except* _AcceptedError:
            sent = [{"status": 101}]
        return self._answer(sent)

    def _answer(self, sent: list[Any]) -> Answer:
        head = sent[0]
        headers = [(k.decode(), v.decode()) for k, v in head.get("headers", ())]
        for name, value in headers:
            if name == "set-cookie":
                self.cookie = value.partition(";")[0]
        body = b"".join(message.get("body", b"") for message in sent)
        return Answer(head["status"], headers, body)


class _AcceptedError(Exception):
    """A WebSocket was opened: that is all a test wants to know."""
