"""One thing that happened, as `--json`, the index and hooks show it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from solrecd.process.stamps import format_stamp


class Kind(enum.StrEnum):
    """What an event is about."""

    STAGE = "stage"
    FAILURE = "failure"
    SESSION = "session"
    GAP = "gap"
    POWER = "power"
    OPERATOR = "operator"
    STUCK = "stuck"
    SEL = "sel"
    """An entry of the BMC's system event log (IPMI 2.0 §31)."""


class Severity(enum.StrEnum):
    """How bad an event is; the first is the worst."""

    FATAL = "fatal"
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, as `--json`, the index and hooks show it."""

    time: int
    """Stamp."""
    console: str
    kind: Kind
    name: str
    """Stage name, failure name (MARKERS), session state, ...: stable, for scripts."""
    severity: Severity
    title: str
    """One line for people; for a failure the headline as the console printed it."""
    boot: int | None = None
    line: int | None = None
    """1-based number of the console line in the boot (in `scan`: in the file)."""
    signature: str | None = None
    """The same for the same crash on other machines; None where that has no meaning."""
    fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Return the contract's JSON object."""
        return {
            "time": format_stamp(self.time),
            "console": self.console,
            "boot": self.boot,
            "kind": self.kind.value,
            "name": self.name,
            "severity": self.severity.value,
            "title": self.title,
            "line": self.line,
            "signature": self.signature,
            "fields": dict(self.fields),
        }


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event that did not come out of the console, without its context."""

    kind: Kind
    name: str
    severity: Severity
    title: str
    fields: Mapping[str, str | int | float] = field(default_factory=dict)
    is_of_boot: bool = True
    """It belongs to the boot that goes on."""
