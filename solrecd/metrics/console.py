"""The numbers of one console, for the event loop to add to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind
from solrecd.events.gaps import GapReason
from solrecd.events.reading import Reading
from solrecd.events.sessions import LostReason, SessionState
from solrecd.events.stages import BOOT_STAGES, Stage
from solrecd.metrics.family import part
from solrecd.metrics.histogram import Exemplar, Histogram
from solrecd.metrics.series import (
    counter,
    counters,
    gauge,
    info,
    known_gauge,
    known_share,
    stamp,
    stamp_with,
    truth,
)
from solrecd.metrics.wire import WireMetrics

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


@dataclass(slots=True, eq=False)
class ConsoleMetrics:
    """What is known of one console; counters only grow.

    A field is a metric: its declaration is all that a new one needs, beside the code
    that adds to it. Plain attributes, because the hot path adds to them for each
    packet. Counters by reason have only what happened: hardly any of it ever does.
    """

    _shared: Shared
    """With the other consoles."""
    _last_ended: int = 0
    labels: Mapping[str, str] = info(
        "solrecd_console_info",
        "The console's kind, its machine where it has one, and its labels from the"
        " configuration; always 1.",
    )
    session_up: int = gauge(
        "solrecd_sol_session_up",
        "1 while the console's SoL payload is ours and its output is recorded.",
    )
    bmc_reachable: int = gauge(
        "solrecd_bmc_reachable",
        "1 when the BMC answered the last time it was asked anything.",
    )
    power_on: bool | None = known_gauge(
        "solrecd_power_on",
        "1 when the machine is on, as its BMC reports; absent while the BMC does not"
        " report it.",
    )
    lost: dict[str, int] = counters(
        "solrecd_sol_session_lost_total",
        "Sessions that were up and ended, by reason.",
        reason=LostReason,
    )
    session_state: SessionState = SessionState.CONNECTING
    session_reason: str = ""
    """Why it is not up, a `LostReason`; empty while nothing is wrong."""
    session_since: int = stamp_with(
        "solrecd_sol_session_state_entered_timestamp_seconds",
        "When the session entered the state it is in now; only that state has a"
        " series.",
        ("session_state", "session_reason"),
        state=SessionState,
        reason=LostReason,
    )
    """Stamp of entering the state; 0 before the first one is known."""
    stolen: int = counter(
        "solrecd_sol_session_stolen_total",
        "Times another client took the SoL payload.",
    )
    received_bytes: int = counter(
        "solrecd_console_received_bytes_total", "Bytes of console output recorded."
    )
    lost_bytes: dict[str, int] = counters(
        "solrecd_console_lost_bytes_total",
        "Bytes of console output known to be lost, where their number is known.",
        reason=GapReason,
    )
    gaps: dict[str, int] = counters(
        "solrecd_console_gaps_total",
        "Places where console output is, or may be, missing.",
        reason=GapReason,
    )
    last_output: int = stamp(
        "solrecd_console_last_output_timestamp_seconds",
        "When the console printed something last; absent before the first byte.",
    )
    boots: dict[str, int] = counters(
        "solrecd_boots_total", "Boots that ended, by outcome.", outcome=ENDED_OUTCOMES
    )
    stage: Stage = Stage.UNKNOWN
    stage_since: int = stamp_with(
        "solrecd_boot_stage_entered_timestamp_seconds",
        "When the boot entered the stage it is in now; only that stage has a series.",
        ("stage",),
        stage=Stage,
    )
    """Stamp; 0 while no stage is known."""
    stuck: int = gauge(
        "solrecd_boot_stuck",
        "1 while the boot has been in its stage for longer than the stage's timeout.",
    )
    failed: int = gauge(
        "solrecd_boot_failed",
        "1 while the newest boot has failed.",
    )
    left_logged_in: bool = truth(
        "solrecd_console_left_logged_in",
        "1 while a shell prompt has been waiting on the console for 15 minutes.",
    )
    input_stuck: bool = gauge(
        "solrecd_console_input_stuck",
        "1 while the other end has accepted no input for 3 seconds.",
    )
    oldest: int = stamp(
        "solrecd_console_oldest_timestamp_seconds",
        "When the oldest byte came that is still kept; absent while there is none.",
    )
    recorded_ratio: float | None = known_share(
        "solrecd_console_recorded_ratio",
        "Share of the last 30 days, or of the time since it was recorded first, in"
        " which the console was recorded; renewed every 5 minutes.",
    )
    crashes: int = counter(
        "solrecd_console_crashes_total",
        "Bugs of solrecd's in a console's path; recording continues, and the log has"
        " a traceback.",
    )
    wire: WireMetrics = part(WireMetrics)
    failures: dict[str, int] = counters(
        "solrecd_failures_total",
        "Failures found in the console output, by name.",
        name=(),
    )

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

        Gaps and sessions are not counted here: the code that raises those events calls
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
