"""A shell that was left logged in on the console: an open door, told of once."""

from __future__ import annotations

from solrecd.console.event_fanout import SECOND, EventFanout
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.events.lines import Line
from solrecd.metrics import ConsoleMetrics

LEFT_AFTER = 15 * 60 * SECOND
"""A shell prompt left unanswered for so long was left behind. Typing moves the
unfinished line, so a user at work is never meant."""


class LeftShell:
    """Whether a shell was left behind on one console.

    Args:
        fanout: is told of it.
        metrics: the console's numbers.
    """

    __slots__ = ("_attended", "_fanout", "_metrics")

    def __init__(self, fanout: EventFanout, metrics: ConsoleMetrics) -> None:
        self._fanout = fanout
        self._metrics = metrics
        self._attended = 0
        """Stamp of the last look that found a user attached."""

    def check(self, shell: Line | None, at: int, *, is_attended: bool) -> None:
        """Look at the clock.

        Args:
            shell: the prompt that waits for input; None: there is none.
            at: stamp.
            is_attended: a user is attached.
        """
        if is_attended:
            self._attended = at
        left_at = None if shell is None else max(shell.at, self._attended) + LEFT_AFTER
        is_left = left_at is not None and left_at <= at
        if is_left == self._metrics.left_logged_in:
            return
        self._metrics.left_logged_in = is_left
        if shell is not None and left_at is not None and is_left:
            # Not the time of this look: the same event after a restart.
            self._fanout.report(
                left_at,
                EventDraft(
                    Kind.OPERATOR,
                    "console_left_logged_in",
                    Severity.WARNING,
                    f"Left logged in: {shell.text[:80]}",
                ),
            )
