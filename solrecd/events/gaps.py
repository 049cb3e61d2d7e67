"""Gaps: places where console output is, or may be, missing."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class GapReason(enum.StrEnum):
    """Why console output is, or may be, missing; a metric label."""

    SESSION = "session"
    """Nothing listened: no session for a while."""
    OVERRUN = "overrun"
    """The BMC said that its own transmit buffer overran."""
    SKIPPED = "skipped"
    """A SoL sequence number was skipped: the BMC dropped its backlog."""
    JOURNAL_FULL = "journal_full"
    """Our own buffers were full for so long that the BMC had to drop."""
    CRASH = "crash"
    """Recovery after a crash found bytes missing or damaged."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where console output is, or may be, missing."""

    reason: GapReason
    text: str
    """One line for people, without the word "gap"."""
    since: int | None = None
    """Stamp of the last sign that the line was recorded; None: of the byte before."""
    until: int | None = None
    """Stamp of the first sign after it; None: of the byte behind."""
    bytes: int | None = None
    """How many are missing, where that is known exactly."""
    packets: int | None = None
    """How many units of the source's own are missing, where it counts any."""
    offset: int | None = None
    """Stream offset at which it lies; None: behind all that was recorded so far."""
    is_noted: bool = False
    """The log has its note, written with the bytes around it."""
