"""What pages want of the archive and its index: read in threads, with few places.

Each kind of page has places of its own, so that slow searches, which read whole
archives, do not keep people from the boots of their machine. What is waited for can be
left: a browser that goes away frees its wait at once, and its place when the disk has
answered.
"""

from __future__ import annotations

import enum
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeVar

import trio

from solrecd.process.threads import Job, in_thread
from solrecd.storage.history import choose
from solrecd.storage.history.files import Fault
from solrecd.storage.history.groups import group
from solrecd.storage.history.segments import (
    Archive,
    NoArchiveError,
    Segment,
    boot_numbers,
)
from solrecd.storage.history.stages import Span, stage_spans
from solrecd.storage.history.terminal import TAIL, Shown, read_tail, show
from solrecd.storage.history.text import TextLine, read_lines
from solrecd.storage.history.two_boots import ComparedConsole, compared
from solrecd.storage.index import Index, IndexFileError

BOOTS_SHOWN: Final = 200
"""Boots of a console on one page."""

LINES_SHOWN: Final = 20_000
"""Lines of a boot on one page: three megabytes."""

CRASHES_WITHIN: Final = 30 * 86400 * 1_000_000
"""Microseconds that groups of crashes look back."""

T = TypeVar("T")

_JOB: Final = Job("what pages show of the archive", "who asked has to ask again")


class Page(enum.Enum):
    """Kinds of pages, with how many of each are read at the same time."""

    BOOTS = 4
    BOOT = 3
    SCREEN = 5
    DIFF = 2
    CRASHES = 1
    SEARCH = 6
    """Each is searched in short turns, so that these share two processors."""


class HistoryError(Exception):
    """It cannot be shown; the message is a line for who asked."""


@dataclass(frozen=True, slots=True)
class BootPage:
    """One boot, as its page needs it."""

    boot: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    spans: Sequence[Span]
    lines: Sequence[TextLine]
    first: int
    """Lines before those shown."""
    has_more: bool
    numbers: Sequence[int]
    """Of all boots of the console that are in the archive."""
    faults: Sequence[str]


class History:
    """An archive and its index.

    Args:
        folder: the archive's.
        index_path: the index's.
    """

    def __init__(self, folder: Path, index_path: Path) -> None:
        self.archive = Archive(folder)
        self._index_path = index_path
        self._places = {page: trio.CapacityLimiter(page.value) for page in Page}

    async def read(self, page: Page, work: Callable[[], T]) -> T:
        """Do some reading for a kind of page.

        Raises:
            HistoryError: it is not there, or cannot be read now.
        """
        return await in_thread(_JOB, _told, work, limiter=self._places[page])

    @contextmanager
    def index(self) -> Iterator[Index]:
        """Open the index; in a thread."""
        with closing(Index.read(self._index_path)) as index:
            yield index

    # What follows blocks: it is work for `read`.

    def boots(self, name: str) -> list[dict[str, Any]]:
        """Return the newest boots of a console, newest first."""
        with self.index() as index:
            found = index.boots([name], newest=BOOTS_SHOWN)
            return sorted(found, key=itemgetter("boot"), reverse=True)

    def boot(self, name: str, word: str, first: int) -> BootPage:
        """Return what the page of a boot shows, from a line on.

        Args:
            name: the console.
            word: which boot, see `history.choose`.
            first: lines that are left out before it.
        """
        segments = self.archive.segments(name)
        numbers = boot_numbers(segments)
        faults: list[Fault] = []
        with self.index() as index:
            number = ComparedConsole(name, index, segments).choose(word)
            row = next(index.boots([name], boot=number), None)
            events = list(index.events([name], boot=number))
        if row is None:
            raise HistoryError(f"boot {number} is not in the index yet")
        its = [each for each in segments if each.name.boot == number]
        lines, has_more = _part(its, first, faults)
        told = [str(fault) for fault in faults]
        return BootPage(
            row, events, stage_spans(events), lines, first, has_more, numbers, told
        )

    def diff(self, name: str, words: Sequence[str]) -> list[dict[str, Any]]:
        """Return the differences of two boots as `two_boots.compared` has them."""
        segments = self.archive.segments(name)
        faults: list[Fault] = []
        with self.index() as index:
            console = ComparedConsole(name, index, segments)
            sides = console.sides(words)
        return compared(*sides, faults.append, lambda _: None)

    def crashes(self, names: Collection[str]) -> list[dict[str, Any]]:
        """Return failures by their signature, those on most machines first."""
        since = time.time_ns() // 1000 - CRASHES_WITHIN
        with self.index() as index:
            events = index.events(names, kinds=["failure", "stuck"], since=since)
            return group(events)

    def tail(self, name: str) -> bytes:
        """Return the last bytes that a console printed, from the start of a line."""
        data = read_tail(self.archive.segments(name), TAIL, lambda _: None)
        # Not from the middle of a sequence or a character.
        return data if len(data) < TAIL else data[data.find(b"\n") + 1 :]

    def screen(self, name: str, columns: int = 80, rows: int = 24) -> Shown:
        """Return what a terminal would show of a console now."""
        return show(self.tail(name), columns=columns, rows=rows)


def _part(
    segments: Sequence[Segment], first: int, faults: list[Fault]
) -> tuple[list[TextLine], bool]:
    found: list[TextLine] = []
    for line in read_lines(segments, faults.append):
        if line.number <= first:
            continue
        if len(found) == LINES_SHOWN:
            return found, True
        found.append(line)
    return found, False


def _told(work: Callable[[], T]) -> T:
    """Work; what the disk says against it becomes a line."""
    try:
        return work()
    except (IndexFileError, NoArchiveError, choose.NoSuchBootError) as error:
        raise HistoryError(str(error)) from None
    except (sqlite3.Error, OSError) as error:
        raise HistoryError(f"the archive cannot be read now: {error}") from None
