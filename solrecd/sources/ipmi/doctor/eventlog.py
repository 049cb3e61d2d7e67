"""Judges the BMC's system event log and its clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from solrecd.sources.findings import Finding, ok, warn
from solrecd.sources.ipmi.doctor.answers import EARLIEST_CLOCK
from solrecd.sources.ipmi.doctor.findings import Readings, Subject, said, why_not

FULL: Final = 512
"""Free bytes below which a log is as good as full: 32 entries."""

WRONG: Final = 300
"""Seconds that a clock may be wrong."""

SHOWN: Final = 10
"""Entries that an examination shows."""

_QUARTER: Final = 900
_LARGEST_ZONE: Final = 14 * 3600


def clock(subject: Subject, readings: Readings) -> Iterator[Finding]:
    """Does the BMC know what time it is? (IPMI 2.0 §31.10)."""
    found = said(readings.log_time)
    if found is None:
        return
    channel = "ipmitool sel time set now"
    off = found - subject.now // 1_000_000
    if found < EARLIEST_CLOCK:
        yield warn("clock", "the BMC has no time since its start", channel)
    elif abs(off) <= WRONG:
        yield ok("clock", f"{_apart(off)}")
    elif _is_local_time(off):
        yield ok("clock", f"{_apart(off)}: it keeps local time")
    else:
        yield warn("clock", f"{_apart(off)}; entries below are corrected", channel)


def _apart(seconds: int) -> str:
    if not seconds:
        return "right"
    return f"{abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}"


def _is_local_time(seconds: int) -> bool:
    """Whether a clock is wrong by a time zone."""
    rest = (seconds + _QUARTER // 2) % _QUARTER - _QUARTER // 2
    return abs(seconds) <= _LARGEST_ZONE + WRONG and abs(rest) <= WRONG // 5


def log(readings: Readings, lines: Sequence[str]) -> Iterator[Finding]:
    """Judge how full the log is, and show its end.

    Args:
        readings: with `Readings.log`.
        lines: the last entries, oldest first, as people read them.
    """
    found = said(readings.log)
    if found is None:
        yield ok("event log", f"not reported: {why_not(readings.log)}")
        return
    text = f"{found.entries} entries" if found.entries else "empty"
    if found.overflowed or (found.entries and found.free < FULL):
        text += ", full" if not found.overflowed else ", and some were dropped"
        yield warn(
            "event log", text, "ipmitool sel save FILE, ipmitool sel clear", lines
        )
    else:
        shown = f", the last {len(lines)}" if lines else ""
        yield ok("event log", text + shown, lines)
