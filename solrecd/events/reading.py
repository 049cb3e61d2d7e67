"""What the interpreter understood of a batch of bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from solrecd.events.boots import Boot
from solrecd.events.event import Event
from solrecd.events.lines import Line, Lines


class Cut(NamedTuple):
    """Here a new boot begins: the recorder opens a new segment."""

    at: int
    """Stamp that names the new segment."""
    offset: int
    """Bytes of this console's stream before the cut."""
    line: int
    """How many of the same `Reading`'s lines belong to the old segment."""
    boot: int
    """Number of the boot that begins."""


@dataclass(slots=True)
class Reading:
    """What the interpreter understood of a batch of bytes, in stream order."""

    lines: Lines = field(default_factory=Lines)
    cuts: list[Cut] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    boots: list[Boot] = field(default_factory=list)
    """Snapshots of every boot that changed; a later one replaces an earlier one."""
    tail: Line | None = None
    """The unfinished line after this batch as far as it is known, if there is one."""
    is_broken_off: bool = False
    """The last line ended without a byte that says so: a replay of the bytes, which
    does not know why, makes one line of it and the next."""
