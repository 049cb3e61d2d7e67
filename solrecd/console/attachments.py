"""The people at one console: who may type, who watches, and what each is shown.

Raw bytes go to every attached client in the call that records them. Each has a buffer
of its own; one that does not read loses its own view only, and is told how much of it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import trio

from solrecd.events.operator_acts import OperatorAct

VIEW: Final = 256 * 1024
"""Bytes that may wait for one person: more than twenty seconds at line rate."""

_NOTICE: Final = 256
"""Bytes that a notice counts as."""


class Mode(enum.StrEnum):
    """What an attached client may do; as the contract's ``who`` has it."""

    WRITE = "rw"
    READ = "ro"


class WriteClaim(enum.StrEnum):
    """What happens when another user writes already."""

    ASK = "ask"
    """We are refused, and told who it is."""
    FORCE = "force"
    """Who writes becomes a viewer."""
    JOIN = "join"
    """Both write."""


class Notice(NamedTuple):
    """Something to tell a person between the bytes; goes out as JSON."""

    what: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Missed:
    """So many bytes were dropped here because the person's terminal took none."""

    count: int


Shown = bytes | Notice | Missed


class ConsoleTakenError(Exception):
    """Another user writes; the message names who, since when, and the remedy."""


@dataclass(eq=False, slots=True)
class Attachment:
    """One attached client.

    Attributes:
        user: whom the socket's credentials name.
        mode: may be changed by who comes later.
        since: stamp.
    """

    user: str
    mode: Mode
    since: int
    _items: list[Shown]
    _size: int = 0
    _missed: int = 0
    _news: trio.Event | None = None

    def show(self, item: bytes | Notice) -> None:
        """Queue something; never waits, never raises."""
        size = len(item) if type(item) is bytes else _NOTICE
        if self._size + size > VIEW:
            self._missed += size
            return
        if self._missed:
            self._items.append(Missed(self._missed))
            self._missed = 0
        self._items.append(item)
        self._size += size
        if self._news is not None:
            self._news.set()

    async def next(self) -> Sequence[Shown]:
        """Wait until there is something to see, and return all there is."""
        if not self._items:
            self._news = trio.Event()
            await self._news.wait()
            self._news = None
        else:
            await trio.lowlevel.checkpoint()
        items, self._items, self._size = self._items, [], 0
        if self._missed:
            items.append(Missed(self._missed))
            self._missed = 0
        return items


_VERBS: Final[Mapping[Mode, str]] = MappingProxyType(
    {Mode.WRITE: "writes", Mode.READ: "watches"}
)


class Attachments:
    """All users attached to one console.

    Args:
        console: its name.
        tell: takes each act, one line about it, and who did it.
    """

    def __init__(
        self, console: str, tell: Callable[[OperatorAct, str, str], None]
    ) -> None:
        self.console = console
        self.present: list[Attachment] = []
        """In the order of coming; always the same list object, for who shows much."""
        self._tell = tell

    @property
    def writers(self) -> Sequence[Attachment]:
        """Who may type."""
        return [
            attachment for attachment in self.present if attachment.mode is Mode.WRITE
        ]

    def attach(self, user: str, mode: Mode, claim: WriteClaim, at: int) -> Attachment:
        """Let a user join.

        Raises:
            ConsoleTakenError: they want to write, and so does another.
        """
        if mode is Mode.WRITE:
            self._settle(user, claim)
        attachment = Attachment(user, mode, at, [])
        self.present.append(attachment)
        self._tell(OperatorAct.ATTACHED, f"{user} attached ({_VERBS[mode]})", user)
        self._announce(f"{user} attached ({_VERBS[mode]})", besides=attachment)
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """Let a user go."""
        self.present.remove(attachment)
        self._tell(OperatorAct.DETACHED, f"{attachment.user} detached", attachment.user)
        self._announce(f"{attachment.user} detached")

    def change(self, attachment: Attachment, mode: Mode, claim: WriteClaim) -> None:
        """Let an attached user write, or only watch.

        Raises:
            ConsoleTakenError: as `attach`.
        """
        if mode is attachment.mode:
            return
        if mode is Mode.WRITE:
            self._settle(attachment.user, claim)
        attachment.mode = mode
        text = f"{attachment.user} is now {_VERBS[mode]}"
        self._tell(OperatorAct.MODE_CHANGED, text, attachment.user)
        self._announce(text)

    def say(self, text: str) -> None:
        """Tell all attached users something, between the console's bytes."""
        self._announce(text)

    def _settle(self, user: str, claim: WriteClaim) -> None:
        """Make room for one more who writes."""
        writers = self.writers
        if not writers or claim is WriteClaim.JOIN:
            return
        if claim is WriteClaim.ASK:
            holder = ", ".join(attachment.user for attachment in writers)
            raise ConsoleTakenError(
                f"{self.console} is written to by {holder}:"
                " -f takes it, -j joins, -m only watches"
            )
        for attachment in writers:
            attachment.mode = Mode.READ
            text = f"{user} took the console from {attachment.user}"
            self._tell(OperatorAct.FORCED, text, user)
            self._announce(text)

    def _announce(self, text: str, besides: Attachment | None = None) -> None:
        for attachment in self.present:
            if attachment is not besides:
                attachment.show(
                    Notice("said", {"text": text, "mode": attachment.mode.value})
                )
