"""The numbers of one console, for the event loop to add to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

from solrecd.events import (
    Boot,
    Event,
    GapReason,
    Kind,
    LostReason,
    Outcome,
    Reading,
    SessionState,
    Stage,
)
from solrecd.metrics.histogram import Exemplar, Histogram
from solrecd.stages import BOOT_STAGES

ENDED_OUTCOMES = tuple(one for one in Outcome if one is not Outcome.RUNNING)

TIMED_STAGES = tuple(stage for stage in BOOT_STAGES if stage is not Stage.LOGIN)
"""Stages whose length says something about the boot; a login lasts for months."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the consoles of a daemon add to together."""

    failure_names: Collection[str]
    """Failures that are counted; others have no series."""
    durations: Mapping[str, Histogram]
    """Of stages, by stage."""
    failed: Callable[[Event], None]
    """Told each failure."""


class ConsoleMetrics:
    """What is known of one console; counters only grow.

    Plain attributes, because the hot path adds to them for each packet. Counters by
    reason have only what happened: hardly any of it ever does.

    Args:
        shared: with the other consoles.
    """

    __slots__ = (
        "_last_ended",
        "_shared",
        "bmc_reachable",
        "boots",
        "crashes",
        "failed",
        "failures",
        "gaps",
        "last_output",
        "left_logged_in",
        "lost",
        "lost_bytes",
        "power_on",
        "received_bytes",
        "session_reason",
        "session_since",
        "session_state",
        "session_up",
        "stage",
        "stage_since",
        "stolen",
        "stuck",
    )

    def __init__(self, shared: Shared) -> None:
        self.received_bytes = 0
        self.last_output = 0
        """Stamp of the newest byte; 0 before the first."""
        self.session_up = 0
        self.bmc_reachable = 0
        self.power_on: bool | None = None
        """None while nobody can tell."""
        self.session_state = SessionState.CONNECTING
        self.session_since = 0
        """Stamp of entering that state; 0 before the first one is known."""
        self.session_reason = ""
        """Why it is not up, a `LostReason`; empty while nothing is wrong."""
        self.stolen = 0
        self.crashes = 0
        """Bugs of ours that this console met."""
        self.lost: dict[str, int] = {}
        self.gaps: dict[str, int] = {}
        self.lost_bytes: dict[str, int] = {}
        self.boots: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.stage = Stage.UNKNOWN
        self.stage_since = 0
        """Stamp; 0 while no stage is known."""
        self.stuck = 0
        self.failed = 0
        self.left_logged_in = False
        """A shell was left open on the console."""
        self._shared = shared
        self._last_ended = 0

    def session_entered(
        self, state: SessionState, at: int, reason: LostReason | None
    ) -> None:
        """Note the state of the session, since when, and why it is not up."""
        self.session_state, self.session_since = state, at
        self.session_reason = "" if reason is None else reason.value

    def session_lost(self, reason: LostReason) -> None:
        """Count the end of a session that was up."""
        _add(self.lost, reason)
        if reason is LostReason.STOLEN:
            self.stolen += 1

    def gap(self, reason: GapReason, lost_bytes: int = 0) -> None:
        """Count a gap, and the bytes lost in it where their number is known."""
        _add(self.gaps, reason)
        _add(self.lost_bytes, reason, lost_bytes)

    def read(self, reading: Reading) -> None:
        """Take what the interpreter understood."""
        for event in reading.events:
            self.saw(event)
        for boot in reading.boots:
            self.stuck = int(boot.outcome is Outcome.STUCK and boot.ended is None)
            self.failed = int(boot.outcome is Outcome.FAILED and boot.ended is None)
            if boot.ended is not None:
                self.boot_ended(boot)

    def saw(self, event: Event) -> None:
        """Take one event.

        Gaps and sessions are not counted here: whoever raises those events calls
        `gap` and `session_lost`, and each is counted once.
        """
        if event.kind is Kind.FAILURE and event.name in self._shared.failure_names:
            _add(self.failures, event.name)
            self._shared.failed(event)
        elif event.kind is Kind.STAGE:
            self.enter(Stage(event.name), event.time)
        elif event.kind is Kind.POWER and event.name == Stage.OFF:
            self.enter(Stage.OFF, event.time)

    def enter(self, stage: Stage, at: int) -> None:
        """Note the stage that the console is in now, and since when."""
        self.stage, self.stage_since = stage, at

    def boot_ended(self, boot: Boot) -> None:
        """Count a boot; a later snapshot of the same boot changes nothing."""
        if boot.boot <= self._last_ended:
            return
        self._last_ended = boot.boot
        if boot.outcome in ENDED_OUTCOMES:
            _add(self.boots, boot.outcome)
        labels = ("console", boot.console), ("boot", str(boot.boot))
        for (stage, entered), (_, left) in pairwise(boot.stages.items()):
            if stage in self._shared.durations:
                at = boot.started + round(left * 1_000_000)
                exemplar = Exemplar(labels, left - entered, at)
                self._shared.durations[stage].observe_one(exemplar)


def _add(counts: dict[str, int], key: str, count: int = 1) -> None:
    counts[key] = counts.get(key, 0) + count
