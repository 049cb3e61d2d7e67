"""The numbers of one console, for the event loop to add to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from solrecd.events import (
    Boot,
    Event,
    GapReason,
    Kind,
    LostReason,
    Outcome,
    Reading,
    Stage,
)
from solrecd.metrics.histogram import Histogram

ENDED_OUTCOMES = tuple(one for one in Outcome if one is not Outcome.RUNNING)

TIMED_STAGES = tuple(
    one for one in Stage if one not in (Stage.UNKNOWN, Stage.OFF, Stage.LOGIN)
)
"""Stages whose length says something about the boot; a login lasts for months."""


class ConsoleMetrics:
    """What is known of one console; counters only grow.

    Plain attributes, because the hot path adds to them for each packet.
    """

    __slots__ = (
        "_durations",
        "_last_ended",
        "bmc_reachable",
        "boots",
        "failures",
        "gaps",
        "last_output",
        "left_logged_in",
        "lost",
        "lost_bytes",
        "power_on",
        "received_bytes",
        "session_up",
        "stage",
        "stage_since",
        "stolen",
        "stuck",
    )

    def __init__(
        self, failure_names: Iterable[str], durations: Mapping[str, Histogram]
    ) -> None:
        self.received_bytes = 0
        self.last_output = 0
        """Stamp of the newest byte; 0 before the first."""
        self.session_up = 0
        self.bmc_reachable = 0
        self.power_on: bool | None = None
        """None while nobody can tell."""
        self.stolen = 0
        self.lost = dict.fromkeys(LostReason, 0)
        self.gaps = dict.fromkeys(GapReason, 0)
        self.lost_bytes = dict.fromkeys(GapReason, 0)
        self.boots = dict.fromkeys(ENDED_OUTCOMES, 0)
        self.failures = dict.fromkeys(failure_names, 0)
        self.stage = Stage.UNKNOWN
        self.stage_since = 0
        """Stamp; 0 while no stage is known."""
        self.stuck = 0
        self.left_logged_in = False
        """A shell was left open on the console."""
        self._durations = durations
        self._last_ended = 0

    def session_lost(self, reason: LostReason) -> None:
        """Count the end of a session that was up."""
        self.lost[reason] += 1
        if reason is LostReason.STOLEN:
            self.stolen += 1

    def gap(self, reason: GapReason, lost_bytes: int = 0) -> None:
        """Count a gap, and the bytes lost in it where their number is known."""
        self.gaps[reason] += 1
        self.lost_bytes[reason] += lost_bytes

    def read(self, reading: Reading) -> None:
        """Take what the interpreter understood."""
        for event in reading.events:
            self.saw(event)
        for boot in reading.boots:
            self.stuck = int(boot.outcome is Outcome.STUCK and boot.ended is None)
            if boot.ended is not None:
                self.boot_ended(boot)

    def saw(self, event: Event) -> None:
        """Take one event.

        Gaps and sessions are not counted here: whoever raises those events calls
        `gap` and `session_lost`, and each is counted once.
        """
        if event.kind is Kind.FAILURE and event.name in self.failures:
            self.failures[event.name] += 1
        elif event.kind is Kind.STAGE:
            self.enter(Stage(event.name), event.time)
        elif event.kind is Kind.STUCK:
            self.stuck = 1

    def enter(self, stage: Stage, at: int) -> None:
        """Note the stage that the console is in now, and since when."""
        self.stage, self.stage_since = stage, at
        self.stuck = 0

    def boot_ended(self, boot: Boot) -> None:
        """Count a boot; a later snapshot of the same boot changes nothing."""
        if boot.boot <= self._last_ended:
            return
        self._last_ended = boot.boot
        if boot.outcome in self.boots:
            self.boots[boot.outcome] += 1
        for (stage, entered), (_, left) in pairwise(boot.stages.items()):
            if stage in self._durations:
                self._durations[stage].observe(left - entered)
