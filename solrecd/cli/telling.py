"""What long or damaged reading tells the person, on standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from solrecd.cli.output import warn
from solrecd.cli.program import Exit

if TYPE_CHECKING:
    from solrecd.history.files import Fault

PROGRESS_AFTER = 1.0
"""Seconds of silence before a person is told what takes so long."""


class Faults:
    """Tells the person about damage, each once, and remembers that there was some."""

    def __init__(self) -> None:
        self.count = 0
        self._told: set[str] = set()

    def __call__(self, fault: Fault) -> None:
        """Report one fault on standard error."""
        text = str(fault)
        if text not in self._told:
            self._told.add(text)
            self.count += 1
            warn(text)

    @property
    def status(self) -> Exit:
        """The exit status of a command that otherwise did its work."""
        return Exit.NO if self.count else Exit.DONE


class Progress:
    """One line on a terminal, rewritten, from the moment that something takes long."""

    def __init__(self, what: str, total: int) -> None:
        """Show nothing yet."""
        self._what = what
        self._total = total
        self._done = 0
        self._since = time.monotonic()
        self._shown = sys.stderr.isatty()
        self._written = False

    def step(self, name: str) -> None:
        """Say what is being done now."""
        self._done += 1
        if self._shown and time.monotonic() - self._since >= PROGRESS_AFTER:
            self._written = True
            line = f"{self._what} {self._done}/{self._total}: {name}"
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._written:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
