"""Whether the other end takes what people type, and who is told when it does not."""

from __future__ import annotations

from collections.abc import Callable

from solrecd.console.event_fanout import EventFanout
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.metrics import ConsoleMetrics


class InputWatch:
    """Tells who is attached, the event log and the metrics.

    Args:
        fanout: takes the events.
        metrics: the console's numbers.
        say: tells all who are attached.
    """

    __slots__ = ("_fanout", "_metrics", "_say", "error")

    def __init__(
        self, fanout: EventFanout, metrics: ConsoleMetrics, say: Callable[[str], None]
    ) -> None:
        self._fanout = fanout
        self._metrics = metrics
        self._say = say
        self.error: str | None = None
        """What is wrong with input, in one line."""

    def changed(self, unsent: int, at: int, *, is_stuck: bool) -> None:
        """Learn that input is stuck, or no longer is.

        Args:
            unsent: bytes that wait.
            at: stamp.
            is_stuck: they wait for too long.
        """
        self._metrics.input_stuck = is_stuck
        if is_stuck:
            text = (
                f"what is typed is not taken by the machine's end: {_waiting(unsent)}"
            )
            self.error = f"input_stuck: {text}"
            draft = EventDraft(Kind.SESSION, "input_stuck", Severity.WARNING, text)
        else:
            text, self.error = "what is typed is taken again", None
            draft = EventDraft(Kind.SESSION, "input_taken", Severity.INFO, text)
        self._fanout.report(at, draft)
        self._fanout.changed()
        self._say(text)

    def dropped(self) -> None:
        """What waited is gone: the way to the console is not open any more."""
        if self.error is not None:
            self._metrics.input_stuck = False
            self.error = None
            self._say("what was typed and not taken is dropped with the session")


def _waiting(unsent: int) -> str:
    """Return what waits, in words; a break has no bytes."""
    if not unsent:
        return "a break waits"
    return "1 byte waits" if unsent == 1 else f"{unsent} bytes wait"
