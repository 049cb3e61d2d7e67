"""The unfinished line: a prompt never ends with a newline. Pure."""

from __future__ import annotations

from solrecd.analysis.boot.detector import Detector, Marker
from solrecd.analysis.boot.rules import Role
from solrecd.events.lines import Line
from solrecd.events.stages import Stage


class PromptWatch:
    """Looks at what a console has been quiet about."""

    __slots__ = ("_detector", "_is_shell", "_seen")

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        # Offset and text of the line that was looked at last.
        self._seen: tuple[int, str] | None = None
        self._is_shell = False

    def look(self, tail: Line | None, stage: Stage) -> Marker | None:
        """Return the marker in the unfinished line; each text is looked at once."""
        if tail is None or self._seen == (tail.offset, tail.text):
            return None
        self._seen = (tail.offset, tail.text)
        marker = self._detector.prompt(tail.text, stage)
        self._is_shell = marker is not None and _is_shell(marker, stage)
        return marker

    def shell(self, tail: Line | None) -> Line | None:
        """Return the unfinished line when it is a shell's prompt."""
        if not self._is_shell or tail is None:
            return None
        return tail if (tail.offset, tail.text) == self._seen else None


def _is_shell(marker: Marker, stage: Stage) -> bool:
    rule = marker.rule
    if rule.role is not Role.NOTE or rule.name != "shell":
        return False
    # Firmware and loaders have bare prompts as well.
    return rule.detail != "bare" or stage is Stage.LOGIN
