"""Text that a person looks at on the console: ``dmesg``, ``cat``, ``journalctl``. Pure.

What is read in it has happened before, elsewhere, or never. Whether it was only shown
is certain when the same prompt follows and no reset lies between: a machine that died
prints no prompt. Until then it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from solrecd.analysis.boot.detector import Marker
from solrecd.analysis.boot.reports import REPORT_LINES
from solrecd.analysis.boot.rules import Role
from solrecd.analysis.interpreter.held import HeldMarker
from solrecd.events.stages import Stage

VIEWER: Final = "viewer"
"""The note of a command that shows text."""

KEPT: Final = 128
"""Failures, and pieces of text after them, that are kept."""

_SHOWS_BOOTS: Final = re.compile(r"dmesg|journalctl|z?cat|less|more|head")


class Shown:
    """What came after a command that shows text, until the prompt comes again."""

    __slots__ = ("_bare", "_command", "_kept", "_prompt", "_room")

    def __init__(self) -> None:
        self._prompt = self._bare = ""
        self._command = ""
        # Failures, and lines after each, in order.
        self._kept: list[HeldMarker | Sequence[str]] = []
        # How many more lines are of interest.
        self._room = 0

    @property
    def is_on(self) -> bool:
        """Whether the command may still be showing."""
        return bool(self._prompt)

    def begin(self, marker: Marker) -> None:
        """Take the line in which the command was typed."""
        self._prompt = marker.groups.get("prompt", "")
        self._bare = self._prompt.rstrip()
        self._command = marker.groups.get("command", "")

    def end(self) -> list[HeldMarker | Sequence[str]]:
        """Go on with what happens, and return what was kept."""
        kept, self._kept = self._kept, []
        self._prompt = self._bare = ""
        self._room = 0
        return kept

    def keep(self, failure: HeldMarker) -> None:
        """Keep a failure; the first few of a long text are enough."""
        if len(self._kept) < KEPT:
            self._kept.append(failure)
            self._room = REPORT_LINES

    def follow(self, texts: Sequence[str]) -> bool:
        """Take lines without a marker; return whether they belong to what is kept."""
        if not self._kept:
            return False
        if self._room:
            self._kept.append(texts[: self._room])
            self._room = max(self._room - len(texts), 0)
        return True

    def is_prompt(self, text: str) -> bool:
        """Whether a line begins with the prompt."""
        return (
            self.is_on
            and text.startswith(self._bare)
            and f"{text} ".startswith(self._prompt)
        )

    def prompts(self, texts: Sequence[str]) -> bool:
        """Whether one of some lines begins with the prompt."""
        bare = self._bare
        likely = [text for text in texts if text.startswith(bare)] if bare else ()
        return any(map(self.is_prompt, likely))

    def has(self, marker: Marker) -> bool:
        """Whether a marker that is neither a failure nor a reset is only shown."""
        if marker.rule.role is Role.ENDING:
            return True
        stage = Stage(marker.rule.name)
        in_kernel = Stage.KERNEL.rank <= stage.rank < Stage.LOGIN.rank
        return in_kernel and _SHOWS_BOOTS.match(self._command) is not None
