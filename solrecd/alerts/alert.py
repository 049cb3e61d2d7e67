"""An alert, and a notice that it fires or is over."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from solrecd.events import Event
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
    """Somebody tries whether a receiver works."""


class Moment(NamedTuple):
    """Now, on both clocks."""

    now: float
    """Seconds, monotonic: how long something lasts."""
    at: int
    """Stamp: what people are told."""


class Context(NamedTuple):
    """What is known around an event."""

    labels: Mapping[str, str] = {}
    """Of the console, from the configuration."""
    kernel: str = ""
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should know of."""

    event: Event
    """The newest of those that are this alert."""
    since: int
    """Stamp of the first."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the console, from the configuration."""
    kernel: str = ""
    excerpt: str = ""
    count: int = 1
    """How many events this alert has had since it fires."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert to tell."""

    phase: Phase
    alert: Alert
    at: int
    """Stamp of the decision to tell it."""
    held_back: int = 0
    """Events of the same kind that were not told before this one."""

    @property
    def id(self) -> str:
        """The same for the same notice, however often and by whomever it is sent."""
        event = self.alert.event
        words = (*key_of(event), format_stamp(event.time), self.phase.value)
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]
