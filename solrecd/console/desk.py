"""The people at one console: who may type, who watches, and what each is shown.

Raw bytes go to everybody at the desk in the call that records them. Each has a buffer
of its own; whoever does not read loses their own view only, and is told how much of it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import trio

from solrecd.events import OperatorAct

VIEW: Final = 256 * 1024
"""Bytes that may wait for one person: more than twenty seconds at line rate."""

_NOTICE: Final = 256
"""Bytes that a notice counts as."""


class Mode(enum.StrEnum):
    """What somebody may do at the desk; as the contract's ``who`` has it."""

    WRITE = "rw"
    READ = "ro"


class Claim(enum.StrEnum):
    """What happens when somebody writes already."""

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


class DeskTakenError(Exception):
    """Somebody writes already; the message names who, since when, and the remedy."""


@dataclass(eq=False, slots=True)
class Seat:
    """One person at the desk.

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


_IN_WORDS: Final[Mapping[Mode, str]] = MappingProxyType(
    {Mode.WRITE: "writes", Mode.READ: "watches"}
)


class Desk:
    """Everybody at one console.

    Args:
        console: its name.
        tell: takes each act, one line about it, and who did it.
    """

    def __init__(
        self, console: str, tell: Callable[[OperatorAct, str, str], None]
    ) -> None:
        self.console = console
        self.seats: list[Seat] = []
        """In the order of coming; the same list for ever, for who shows much."""
        self._tell = tell

    @property
    def writers(self) -> Sequence[Seat]:
        """Who may type."""
        return [seat for seat in self.seats if seat.mode is Mode.WRITE]

    def sit(self, user: str, mode: Mode, claim: Claim, at: int) -> Seat:
        """Let somebody join.

        Raises:
            DeskTakenError: they want to write, and so does another.
        """
        if mode is Mode.WRITE:
            self._settle(user, claim)
        seat = Seat(user, mode, at, [])
        self.seats.append(seat)
        self._tell(OperatorAct.ATTACHED, f"{user} attached ({_IN_WORDS[mode]})", user)
        self._announce(f"{user} attached ({_IN_WORDS[mode]})", besides=seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Let somebody go."""
        self.seats.remove(seat)
        self._tell(OperatorAct.DETACHED, f"{seat.user} detached", seat.user)
        self._announce(f"{seat.user} detached")

    def change(self, seat: Seat, mode: Mode, claim: Claim) -> None:
        """Let somebody who is here write, or only watch.

        Raises:
            DeskTakenError: as `sit`.
        """
        if mode is seat.mode:
            return
        if mode is Mode.WRITE:
            self._settle(seat.user, claim)
        seat.mode = mode
        text = f"{seat.user} is now {_IN_WORDS[mode]}"
        self._tell(OperatorAct.MODE_CHANGED, text, seat.user)
        self._announce(text)

    def say(self, text: str) -> None:
        """Tell everybody something, between the console's bytes."""
        self._announce(text)

    def _settle(self, user: str, claim: Claim) -> None:
        """Make room for one more who writes."""
        writers = self.writers
        if not writers or claim is Claim.JOIN:
            return
        if claim is Claim.ASK:
            holder = ", ".join(seat.user for seat in writers)
            raise DeskTakenError(
                f"{self.console} is written to by {holder}:"
                " -f takes it, -j joins, -m only watches"
            )
        for seat in writers:
            seat.mode = Mode.READ
            text = f"{user} took the console from {seat.user}"
            self._tell(OperatorAct.FORCED, text, user)
            self._announce(text)

    def _announce(self, text: str, besides: Seat | None = None) -> None:
        for seat in self.seats:
            if seat is not besides:
                seat.show(Notice("said", {"text": text, "mode": seat.mode.value}))
