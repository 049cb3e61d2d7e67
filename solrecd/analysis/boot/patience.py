"""How long a boot may be where it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from solrecd.analysis.boot.progress import Progress
from solrecd.events.boots import Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import WAITING

PUZZLED_AFTER: Final = 60 * 1_000_000
"""Microseconds after which a boot that got stuck, and did not go on, is unexplained."""

ENDLESS: Final = frozenset({"memtest"})
"""Details of stages that last until a person ends them."""


def deadline(now: Progress, timeouts: Mapping[str, float]) -> int | None:
    """Return the stamp at which a boot counts as stuck, or its being so as unexplained.

    Args:
        now: the boot.
        timeouts: seconds that a boot may stay in a stage, by stage name, or may wait
            for a person (`WAITING`).
    """
    if now.ended is not None:
        return None
    if now.puzzle is not None:
        return now.puzzle.time + PUZZLED_AFTER
    stage, since = now.stage, now.since
    if now.awaited is not None:
        # It should be there by now.
        stage, since = now.awaited, now.announced_at
    elif now.outcome is not Outcome.RUNNING or now.announced:
        return None
    timeout = timeouts.get(stage.value)
    if now.asked is not None and now.awaited is None:
        timeout, since = timeouts.get(WAITING), now.asked[0]
    if timeout is None or now.detail in ENDLESS:
        return None
    return since + round(timeout * 1e6)


def stick(now: Progress, console: str, at: int) -> Event:
    """Have a boot stuck, and return the event."""
    stage, since = now.stage, now.since
    where = f"Stuck in stage {stage}"
    if now.awaited is not None:
        stage, since = now.awaited, now.announced_at
        where = f"Stuck in a restart: nothing came from the {stage}"
        now.outcome_before = now.outcome
    elif now.asked is not None:
        since = now.asked[0]
        where = f"Stuck in stage {stage}, waiting for input ({now.asked[1]}),"
    seconds = (at - since) / 1e6
    now.outcome = Outcome.STUCK
    event = Event(
        at, console, Kind.STUCK, stage.value, Severity.ERROR,
        f"{where} for {seconds:.0f} s", now.number, fields={"seconds": seconds},
    )  # fmt: skip
    now.puzzle = None if now.failures else event
    return event


def puzzle(now: Progress, at: int) -> Event | None:
    """Return, once, that a boot got stuck and still nothing has said why."""
    stuck = now.puzzle
    if stuck is None or at < stuck.time + PUZZLED_AFTER:
        return None
    now.puzzle = None
    return None if now.failures else stuck
