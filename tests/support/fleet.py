"""A fleet for the API: two consoles whose viewers are real."""

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, cast

import trio

from solrecd.api.denials import Denials
from solrecd.api.fleet import FleetError, Rows
from solrecd.api.gate import Gate
from solrecd.console.attachments import Attachment, Attachments, Mode, WriteClaim
from solrecd.console.changes import Changes
from solrecd.console.operation import Operation
from solrecd.console.viewers import TailItem, Viewers
from solrecd.process.access import Policy
from solrecd.sources.base import PowerAction, Tell
from solrecd.sources.findings import ok


class FakeOperation:
    """Fits `Operation`; notes each act and who did it."""

    def __init__(self, name: str) -> None:
        self.done: list[tuple[str, ...]] = []
        self.bmc_answers = trio.Event()
        """Whatever wants an answer of the BMC waits for this."""
        self.bmc_answers.set()
        self.attachments = Attachments(name, lambda *_: None)

    @contextmanager
    def attached(
        self, user: str, mode: Mode, claim: WriteClaim
    ) -> Iterator[Attachment]:
        """Attach."""
        attachment = self.attachments.attach(user, mode, claim, 0)
        try:
            yield attachment
        finally:
            self.attachments.detach(attachment)

    def change(self, attachment: Attachment, mode: Mode, claim: WriteClaim) -> None:
        """Change what an attached client may do."""
        self.attachments.change(attachment, mode, claim)

    def who(self) -> list[dict[str, Any]]:
        """Return who is there."""
        return [
            {"user": attachment.user, "mode": attachment.mode}
            for attachment in self.attachments.present
        ]

    async def power(self) -> str:
        """It is always on."""
        await trio.lowlevel.checkpoint()
        return "on"

    async def set_power(self, user: str, fix: PowerAction) -> None:
        """Note it."""
        await self.bmc_answers.wait()
        self.done.append(("power", user, fix))

    async def type(self, user: str, data: bytes) -> None:
        """Note it."""
        await trio.lowlevel.checkpoint()
        self.done.append(("type", user, data.decode()))

    def message(self, user: str, text: str) -> int:
        """Note it."""
        self.done.append(("message", user, text))
        return len(self.attachments.present)

    async def examine(self, tell: Tell, *, may_log_in: bool) -> None:
        """Find one thing well."""
        self.done.append(("examine", f"may_log_in={may_log_in}", ""))
        await tell(ok("reachable", "answers"))

    async def proposals(self) -> list[Mapping[str, Any]]:
        """Nothing has to be set."""
        await trio.lowlevel.checkpoint()
        return []

    def require_examiner(self) -> None:
        """It can be examined."""

    def beside(self, _: Attachment) -> list[dict[str, object]]:
        """No other client is here."""
        return []

    def __getattr__(self, act: str) -> Callable[..., None]:
        """Note every other act."""

        def note(user: str, *what: object) -> None:
            self.done.append((act, user, *map(str, what)))

        return note


class FakeFleet:
    """Fits the `Fleet` protocol."""

    def __init__(self, names: Sequence[str] = ("a", "b")) -> None:
        self.known = list(names)
        """May change: a reload."""
        self.viewers = Viewers()
        self.operations: dict[str, FakeOperation] = {}
        self.reloads: list[bool] = []
        self.refusal: FleetError | None = None
        self.watched = trio.Event()
        self.left = trio.Event()

    def names(self) -> Sequence[str]:
        """Return the consoles."""
        return self.known

    def labels(self, name: str) -> Mapping[str, str]:
        """Return a console's labels; every second one is in another rack."""
        racks = {each: f"r{1 + at % 2}" for at, each in enumerate(self.known)}
        return {"rack": racks[name]}

    def list(self) -> list[dict[str, Any]]:
        """Return ``ls`` objects."""
        return [
            {
                "console": name,
                "session": "up",
                "since": "2026-11-22T12:00:00.000000Z",
                "power": "on",
                "boot": 3,
                "stage": "login",
                "stage_since": "2026-11-22T12:00:10.000000Z",
                "outcome": "ok",
                "viewers": 0,
                "last_output": None,
                "error": None,
                "next_try": None,
                "labels": self.labels(name),
            }
            for name in self.known
        ]

    def status(self, name: str) -> dict[str, Any]:
        """Return a ``status`` object."""
        return {"console": name, "session": "up", "cipher_suite": 17}

    def watch(
        self, names: Collection[str] | None = None
    ) -> AbstractContextManager[Changes]:
        """Learn what changes."""
        return self.viewers.notifier.watching(names)

    def overview(self, name: str) -> dict[str, Any] | None:
        """Return a console and its last line."""
        for row in self.list():
            if row["console"] == name:
                return {**row, "line": self.viewers.last_line(name)}
        return None

    async def coverage(self, names: Sequence[str], seconds: int) -> Rows:
        """Return that each was recorded for all of that time."""
        await trio.lowlevel.checkpoint()
        return [
            {
                "console": name,
                "oldest": "2026-11-22T12:00:00.000000Z",
                "coverage": 1.0,
                "gaps": 0,
                "lost_seconds": 0.0,
                "seconds": seconds,
            }
            for name in names
        ]

    def operation(self, name: str) -> Operation:
        """Return what notes what is done, with real attachments."""
        if name not in self.known:
            raise KeyError(name)
        if name not in self.operations:
            self.operations[name] = FakeOperation(name)
        return cast("Operation", self.operations[name])

    @asynccontextmanager
    async def tail(
        self, names: Collection[str]
    ) -> AsyncIterator[trio.MemoryReceiveChannel[TailItem]]:
        """Watch, and tell the test when a viewer comes and goes."""
        async with self.viewers.watch(names) as channel:
            self.watched.set()
            try:
                yield channel
            finally:
                self.left.set()

    async def reload(self, *, dry_run: bool) -> dict[str, Any]:
        """Note the reload, or refuse it."""
        if self.refusal is not None:
            raise self.refusal
        self.reloads.append(dry_run)
        return {"start": [], "stop": [], "restart": [], "keep": len(self.known)}


def open_gate(policy: Policy | None = None) -> Gate:
    """Return a gate; without grants every caller on the unix socket is let in."""
    return Gate(policy or Policy(), Denials(lambda: 0.0))
