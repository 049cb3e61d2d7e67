"""What an examination of a console says, whatever its kind. Pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Verdict(enum.StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARN = "warn"
    """It works, or it cannot be known; worth knowing."""
    BAD = "bad"
    """It keeps the console from being recorded, or from being of use."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an examination."""

    check: str
    """What was looked at: stable, for scripts."""
    verdict: Verdict
    text: str
    """What was found; one line. May quote the other end."""
    cure: str = ""
    """What to do about it; one line."""
    details: Sequence[str] = ()
    """More lines."""

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object, without the console's name."""
        return {
            "check": self.check,
            "verdict": self.verdict.value,
            "text": self.text,
            "cure": self.cure,
            "details": list(self.details),
        }


def ok(check: str, text: str, details: Sequence[str] = ()) -> Finding:
    """Return a finding that needs no cure."""
    return Finding(check, Verdict.OK, text, "", details)


def warn(check: str, text: str, cure: str, details: Sequence[str] = ()) -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(check, Verdict.WARN, text, cure, details)


def bad(check: str, text: str, cure: str) -> Finding:
    """Return a finding that has to be cured."""
    return Finding(check, Verdict.BAD, text, cure)
