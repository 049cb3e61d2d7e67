"""The numbers of one console, for the event loop to add to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

    Plain attributes, because the hot path adds to them for each packet. Counters by
    reason have only what happened: hardly any of it ever does.

    Args:
        failure_names: failures that are counted.
        durations: of stages, by stage; shared by all consoles.
    """

    __slots__ = (
        "_durations",
        "_failure_names",
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
        self, failure_names: Collection[str], durations: Mapping[str, Histogram]
    ) -> None:
        self.received_bytes = 0
        self.last_output = 0
        """Stamp of the newest byte; 0 before the first."""
        self.session_up = 0
        self.bmc_reachable = 0
        self.power_on: bool | None = None
        """None while nobody can tell."""
        self.stolen = 0
        self.lost: dict[str, int] = {}
        self.gaps: dict[str, int] = {}
        self.lost_bytes: dict[str, int] = {}
        self.boots: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.stage = Stage.UNKNOWN
        self.stage_since = 0
        """Stamp; 0 while no stage is known."""
        self.stuck = 0
        self.left_logged_in = False
        """A shell was left open on the console."""
        self._failure_names = failure_names
        self._durations = durations
        self._last_ended = 0

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
            if boot.ended is not None:
                self.boot_ended(boot)

    def saw(self, event: Event) -> None:
        """Take one event.

        Gaps and sessions are not counted here: whoever raises those events calls
        `gap` and `session_lost`, and each is counted once.
        """
        if event.kind is Kind.FAILURE and event.name in self._failure_names:
            _add(self.failures, event.name)
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
        if boot.outcome in ENDED_OUTCOMES:
            _add(self.boots, boot.outcome)
        for (stage, entered), (_, left) in pairwise(boot.stages.items()):
            if stage in self._durations:
                self._durations[stage].observe(left - entered)


def _add(counts: dict[str, int], key: str, count: int = 1) -> None:
    counts[key] = counts.get(key, 0) + count
