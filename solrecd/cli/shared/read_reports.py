"""What long or damaged reading tells the person, on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from solrecd.cli.program import Exit
from solrecd.cli.shared.output import warn

if TYPE_CHECKING:
    from pathlib import Path

    from solrecd.storage.history.files import Fault
    from solrecd.storage.history.segments import Segment

PROGRESS_AFTER = 1.0
"""Seconds of silence before a person is told what takes so long."""


class Faults:
    """Tells the person about damage, each once, and remembers that there was some."""

    def __init__(self) -> None:
        self._found: dict[str, Fault] = {}

    def __call__(self, fault: Fault) -> None:
        """Report one fault on standard error."""
        text = str(fault)
        if text not in self._found:
            self._found[text] = fault
            warn(text)

    @property
    def count(self) -> int:
        """How many faults there are."""
        return len(self._found)

    @property
    def status(self) -> Exit:
        """The exit status of a command that otherwise did its work."""
        return Exit.NO if self.count else Exit.DONE

    def status_of(self, segments: Iterable[Segment]) -> Exit:
        """Return the exit status of a command that shows only these segments.

        Without an index more than they had to be read; what is damaged elsewhere is
        told, but takes nothing from what is shown.
        """
        shown = {_plain(path) for each in segments for path in each.files.paths}
        damaged = {_plain(fault.path) for fault in self._found.values()}
        return Exit.DONE if shown.isdisjoint(damaged) else Exit.NO


def _plain(path: Path) -> str:
    """Return a file's path as it was before the recorder closed it, as it may now."""
    return str(path).removesuffix(".zst")


class Progress:
    """One line on a terminal, rewritten, from the moment that something takes long."""

    def __init__(self, what: str, total: int) -> None:
        """Show nothing yet."""
        self._what = what
        self._total = total
        self._done = 0
        self._since = time.monotonic()
        self._shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
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


def watch(what: str, consoles: Collection[str]) -> Iterator[str]:
    """Yield consoles, and show how far that is."""
    progress = Progress(what, len(consoles))
    try:
        for console in consoles:
            progress.step(console)
            yield console
    finally:
        progress.clear()
