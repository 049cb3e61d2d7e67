"""A console that is configured and not recorded: its archive cannot be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from solrecd.config import ConsoleConfig
from solrecd.events.sessions import SessionState
from solrecd.events.stages import Stage
from solrecd.events.wire_counts import WireCounts
from solrecd.process.stamps import format_stamp


@dataclass(frozen=True, slots=True)
class Unopened:
    """Why a console is not recorded, in the place of what it would say itself."""

    config: ConsoleConfig
    since: int
    """Stamp."""
    error: str = "its archive is being opened"
    """One line for people."""
    next_try: int | None = None
    """Stamp."""

    def summary(self) -> dict[str, Any]:
        """Return the contract's ``ls`` object."""
        next_try = self.next_try
        return {
            "console": self.config.name,
            "kind": self.config.kind,
            "machine": self.config.machine or None,
            "session": SessionState.DOWN.value,
            "since": format_stamp(self.since),
            "power": "unknown",
            "boot": None,
            "stage": Stage.UNKNOWN.value,
            "stage_since": None,
            "outcome": None,
            "title": None,
            "acknowledged": None,
            "viewers": 0,
            "last_output": None,
            "error": self.error,
            "next_try": None if next_try is None else format_stamp(next_try),
            "labels": dict(self.config.labels),
        }

    def details(self) -> dict[str, Any]:
        """Return the ``status`` object: nothing more is known."""
        return self.summary() | {
            "received_bytes": 0,
            "gaps": 0,
            "lost_bytes": 0,
            "network": WireCounts().as_dict(),
            "left_logged_in": False,
            "input_stuck": False,
            "journal_refusing": False,
            "current": None,
        }
