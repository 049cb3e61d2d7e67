"""What the commands about the past share: the index, whatever state it is in."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from solrecd.cli.output import warn
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.source import Source, marker_rules, reading_archive
from solrecd.index import Index, IndexFileError

if TYPE_CHECKING:
    from solrecd.history.files import Fault

PROGRESS_AFTER = 1.0
"""Seconds of silence before a person is told what takes so long."""


@contextmanager
def indexed(
    source: Source,
    consoles: Callable[[Collection[str]], Collection[str]],
    faults: Faults | None = None,
) -> Iterator[tuple[Index, Collection[str]]]:
    """Yield an index and the consoles chosen from those it knows.

    Without an index that can be used the archive of the chosen consoles is replayed
    into one in memory.

    Args:
        source: where.
        consoles: chooses among all names.
        faults: told what is damaged of an archive that has to be replayed.

    Raises:
        CommandError: there is no index and no archive either, or the index cannot be
            read just now.
    """
    try:
        index = Index.read(source.index_path)
    except IndexFileError as error:
        with _replayed(source, consoles, error, faults or Faults()) as found:
            yield found
        return
    with closing(index):
        _warn_if_stale(index)
        try:
            yield index, consoles(index.consoles())
        except sqlite3.Error as error:
            raise CommandError(
                f"{source.index_path}: {error} (solrecctl reindex repairs it)"
            ) from None


def _warn_if_stale(index: Index) -> None:
    if index.stale_since is not None:
        warn("the index is not complete: solrecctl reindex heals it")


@contextmanager
def _replayed(
    source: Source,
    consoles: Callable[[Collection[str]], Collection[str]],
    reason: IndexFileError,
    faults: Faults,
) -> Iterator[tuple[Index, Collection[str]]]:
    if not source.is_folder:
        warn(f"{reason}; reading the archive instead")
    with reading_archive():
        chosen = consoles(source.archive.consoles())
    from solrecd.cli.reindex import replay_into  # noqa: PLC0415

    with closing(Index.in_memory()) as index:
        rules = marker_rules(source.markers_dir)
        replay_into(index, source.archive, chosen, rules, faults)
        yield index, chosen


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
