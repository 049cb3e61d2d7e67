"""Boots: how far they came, how they ended."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from solrecd.events.stages import Stage
from solrecd.process.stamps import format_stamp


class Outcome(enum.StrEnum):
    """How a boot ended, or that it has not."""

    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    STUCK = "stuck"
    SHUTDOWN = "shutdown"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Boot:
    """A boot as far as it is known: one immutable snapshot.

    The last snapshot of a boot is its record; earlier ones have ``ended`` None.
    """

    console: str
    boot: int
    started: int
    """Stamp of the first byte (or of the power-on that began it)."""
    ended: int | None = None
    cause: str = "unknown"
    """``power``, ``firmware``, ``loader``, ``kernel``, ``kexec``, ``kdump``, ``reset``
    or ``attach``."""
    outcome: Outcome = Outcome.RUNNING
    last_stage: Stage = Stage.UNKNOWN
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds from ``started`` to the first entry into each stage, in that order."""
    kernel: str | None = None
    cmdline: str | None = None
    title: str | None = None
    """Headline of the worst failure."""
    failures: int = 0
    gaps: int = 0
    bytes: int = 0
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else was read: ``hardware``, ``bios``, ``entry``, ``host``, ``os``,
    ``failed_units`` (names between commas), ``helped``, ``dump`` (what became of the
    memory image: ``started``, ``saving``, ``saved``, ``failed``) ..."""

    def as_dict(self) -> dict[str, object]:
        """Return the contract's JSON object."""
        return {
            "console": self.console,
            "boot": self.boot,
            "started": format_stamp(self.started),
            "ended": None if self.ended is None else format_stamp(self.ended),
            "cause": self.cause,
            "outcome": self.outcome.value,
            "last_stage": self.last_stage.value,
            "stages": dict(self.stages),
            "kernel": self.kernel,
            "cmdline": self.cmdline,
            "title": self.title,
            "failures": self.failures,
            "gaps": self.gaps,
            "bytes": self.bytes,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the newest boots say of how a console is set."""

    boots: tuple[Boot, ...] = ()
    """Oldest first."""
    noise: int | None = None
    """Stamp of the last unreadable output in them."""
