"""An alert, and a notice that it fires or is over."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from solrecd.events.event import Event
from solrecd.process.stamps import format_stamp


class AlertKey(NamedTuple):
    """What makes two events the same alert of a receiver."""

    console: str
    kind: str
    name: str
    signature: str
    """Empty where an event has none."""


def key_of(event: Event) -> AlertKey:
    """Return what an event is an alert of."""
    return AlertKey(event.console, event.kind.value, event.name, event.signature or "")


class Phase(enum.StrEnum):
    """What a notice says of its alert."""

    FIRING = "firing"
    RESOLVED = "resolved"
    TEST = "test"
    """An administrator tries whether a receiver works."""


class Moment(NamedTuple):
    """Now, on both clocks."""

    now: float
    """Seconds, monotonic: how long something lasts."""
    at: int
    """Stamp: the time of day that is sent and shown."""


class Context(NamedTuple):
    """What is known around an event."""

    labels: Mapping[str, str] = {}
    """Of the console, from the configuration."""
    kernel: str = ""
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs attention."""

    event: Event
    """The newest of those that are this alert."""
    since: int
    """Stamp of the first."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the console, from the configuration."""
    kernel: str = ""
    excerpt: str = ""
    count: int = 1
    """How many events this alert has had since it began to fire."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert, as one message to a receiver."""

    phase: Phase
    alert: Alert
    at: int
    """Stamp of the decision to send it."""
    held_back: int = 0
    """Earlier events of the same alert that were not sent."""

    @property
    def id(self) -> str:
        """The same for the same notice, however often it is sent."""
        event = self.alert.event
        words = (*key_of(event), format_stamp(event.time), self.phase.value)
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]
