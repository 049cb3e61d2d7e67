"""What was refused, for log and metrics; a scanner fills neither disk nor memory.

Every denial is counted. How many of them become lines is limited twice: for each peer,
so that a scanner does not hide a colleague's mistake, and altogether.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from solrecd.process.access import Role

PERIOD: Final = 60.0
"""Seconds in which lines are counted."""
LINES_OF_A_PEER: Final = 5
"""Lines about one peer in a period: a person sees what he did wrong."""
LINES: Final = 60
"""Lines in a period: 200 bytes each, 17 MB a day at worst."""

log = structlog.get_logger()


class DenialReason(enum.StrEnum):
    """Why; the label ``reason`` of the metric."""

    UNKNOWN = "unknown"
    """The caller has no grant at all, or its token is wrong."""
    ROLE = "role"
    """The caller sees the console, and has too little a role for that."""
    CONSOLE = "console"
    """The console exists, and not for this caller."""
    HANDSHAKE = "handshake"
    """TLS failed: a strange certificate, no TLS at all, or nothing for too long."""
    CROWD = "crowd"
    """There were too many connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One refusal."""

    reason: DenialReason
    peer: str
    """Whose connection: an address, or ``unix``."""
    principal: str = ""
    route: str = ""
    console: str = ""
    needed: Role | None = None
    detail: str = ""


class Denials:
    """Counts all, writes some.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts = Counter[str](dict.fromkeys(DenialReason, 0))
        self._began = clock()
        self._lines = Counter[str]()
        self._left_out = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there were, by reason; all reasons are there."""
        return self._counts

    def add(self, denial: Denial) -> None:
        """Count a denial, and log it if there is room for a line."""
        self._counts[denial.reason] += 1
        self._begin_period()
        whose = f"{denial.peer} {denial.principal}"
        if self._lines.total() >= LINES or self._lines[whose] >= LINES_OF_A_PEER:
            self._left_out += 1
            return
        self._lines[whose] += 1
        left_out, self._left_out = self._left_out, 0
        log.warning("access.denied", **_told(denial, left_out))

    def _begin_period(self) -> None:
        now = self._clock()
        if now - self._began >= PERIOD:
            self._began = now
            self._lines.clear()


def _told(denial: Denial, left_out: int) -> dict[str, object]:
    told: dict[str, object] = {
        "reason": denial.reason,
        "peer": denial.peer,
        "principal": denial.principal,
        "route": denial.route,
        "console": denial.console,
        "needed": denial.needed,
        "detail": denial.detail,
        "left_out": left_out,
    }
    return {key: value for key, value in told.items() if value}
