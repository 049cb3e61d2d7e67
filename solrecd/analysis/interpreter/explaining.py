"""Tells why markers are not events, for people who ask. Pure."""

from __future__ import annotations

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.ignored import TYPED, Ignored, Listener, Why
from solrecd.analysis.boot.prefix import Origin
from solrecd.analysis.interpreter.lines import LineCount
from solrecd.events.lines import Line
from solrecd.events.stages import Stage


class Explanations:
    """Says nothing unless asked to explain.

    Args:
        lines: numbers the lines.
    """

    __slots__ = ("_lines", "listener")

    def __init__(self, lines: LineCount) -> None:
        self._lines = lines
        self.listener: Listener | None = None

    def say(self, marker: Marker, line: Line, why: Why, explanation: str) -> None:
        """Tell why a marker is not an event."""
        if self.listener is not None:
            number = self._lines.number(marker.line, line)
            text = marker.message.text
            self.listener(Ignored(number, marker.rule.id, why, explanation, text))

    def stage(self, marker: Marker, line: Line, stage: Stage) -> None:
        """Explain a stage marker that moves nothing."""
        if marker.message.origin is not Origin.LIVE:
            self.origin(marker, line)
        else:
            self.say(marker, line, Why.KNOWN, f"the boot is at {stage} already")

    def origin(self, marker: Marker, line: Line) -> None:
        """Explain a message that is not the kernel's own, or not the first time."""
        if marker.message.origin is Origin.COPY:
            said = "syslog's copy of what was printed before"
            self.say(marker, line, Why.COPY, said)
        else:
            self.say(marker, line, Why.ECHO, TYPED)
