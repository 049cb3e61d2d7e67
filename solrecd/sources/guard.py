"""What a bug may cost: the parts of a console, and what contains their bugs."""

from __future__ import annotations

import enum
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Part(enum.StrEnum):
    """What of a console may meet a bug by itself; as people are told of it."""

    SESSION = "the session"
    """The source's task, and what a shared loop does for it."""
    RECORDING = "the recording"
    """Opening, giving bytes to the archive, closing."""
    ANALYSIS = "analysis"
    """What the bytes mean: lines, stages, failures, boots."""
    EVENTS = "events"
    """What the source and people tell the console, and what is told of that."""
    INDEX = "the index"
    ALERTS = "alerts"
    VIEWERS = "viewers"
    ATTACHED = "the view of attached clients"
    METRICS = "metrics"
    POWER = "power questions"
    """Those asked now and then, not at a user's request."""
    EVENT_LOG = "the event log"
    KEEPALIVE = "the serial keepalive"
    STATUS = "its status"
    OPERATION = "what a person asked for"


class Guard(Protocol):
    """Contains the bugs of one console; see `solrecd.console.guard`.

    A source needs it where a bug should cost less than the session: what leaves
    `Source.run` is contained, too.
    """

    def rests(self, part: Part) -> bool:
        """Whether a part is left out now, because of its bugs."""

    def call(self, part: Part, act: Callable[[], T], otherwise: T) -> T:
        """Return what a call returns; ``otherwise`` where it meets a bug, or rests."""

    def containing(self, part: Part) -> AbstractContextManager[None]:
        """End the block at a bug, and go on behind it; the part may rest."""

    def renew(self) -> None:
        """Try everything again: people have asked for it."""

    @property
    def error(self) -> str | None:
        """What went wrong lately, in one line."""
