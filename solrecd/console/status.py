"""What people are told of a console that is recorded: ``ls`` and ``status`` objects.

Of one that is not recorded, `solrecd.console.unopened` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solrecd.config import ConsoleConfig
from solrecd.console.attachments import Attachment
from solrecd.console.event_fanout import EventFanout
from solrecd.console.input_watch import InputWatch
from solrecd.console.power_tracker import PowerTracker
from solrecd.console.session_tracker import SessionTracker
from solrecd.console.understanding import Understanding
from solrecd.metrics import ConsoleMetrics
from solrecd.process.stamps import format_stamp
from solrecd.sources.guard import Guard


@dataclass(frozen=True, slots=True)
class ConsoleStatus:
    """Reads what is known of one console from those who know it."""

    session: SessionTracker
    power: PowerTracker
    understanding: Understanding
    fanout: EventFanout
    input: InputWatch
    attached: Sequence[Attachment]
    metrics: ConsoleMetrics
    guard: Guard

    def summary(self, config: ConsoleConfig) -> dict[str, Any]:
        """Return the contract's ``ls`` object."""
        session, understanding = self.session, self.understanding
        boot = understanding.boot
        return {
            "console": config.name,
            "kind": config.kind,
            "machine": config.machine or None,
            "session": session.state.value,
            "since": format_stamp(session.since),
            "power": str(self.power),
            "boot": None if boot is None else boot.boot,
            "stage": understanding.stage.value,
            "stage_since": _stamp_or_none(understanding.stage_since),
            "outcome": None if boot is None else boot.outcome.value,
            "title": None if boot is None else boot.title,
            "acknowledged": self.fanout.acknowledgement.as_dict(),
            "viewers": self.fanout.viewers + len(self.attached),
            "last_output": _stamp_or_none(self.metrics.last_output or None),
            "error": session.error or self.guard.error or self.input.error,
            "next_try": _stamp_or_none(session.next_try),
            "labels": dict(config.labels),
        }

    def details(
        self, config: ConsoleConfig, *, is_journal_full: bool
    ) -> dict[str, Any]:
        """Return the ``status`` object: the summary and everything else known."""
        boot = self.understanding.boot
        return self.summary(config) | {
            "received_bytes": self.metrics.received_bytes,
            "gaps": sum(self.metrics.gaps.values()),
            "lost_bytes": sum(self.metrics.lost_bytes.values()),
            "network": self.metrics.wire.as_dict(),
            "left_logged_in": self.metrics.left_logged_in,
            "input_stuck": self.metrics.input_stuck,
            "journal_refusing": is_journal_full,
            "current": None if boot is None else boot.as_dict(),
        }


def _stamp_or_none(stamp: int | None) -> str | None:
    return None if stamp is None else format_stamp(stamp)
