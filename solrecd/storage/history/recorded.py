"""What an index or an archive tells of how consoles were recorded.

An index knows when sessions began and ended, and the length of each gap. An archive
without one has the same in its notes (``# gap: 11.8 s without a session``), but does
not tell whether a console that prints nothing is still recorded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from solrecd.process.stamps import SECOND, parse_stamp
from solrecd.storage.formats.coverage import Missing, Recorded
from solrecd.storage.history.files import Report, read_blocks
from solrecd.storage.history.segments import Archive, Segment
from solrecd.storage.history.text import MAX_LINE
from solrecd.storage.index import Index

UP: Final = frozenset({"up", "resumed"})
"""Names of session events after which a console is recorded."""

_DOWN: Final = frozenset({"down", "yielded", "foreign"})
"""The same after which it is not."""

_GAP_NOTE: Final = re.compile(
    rb"^(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) # gap: "
    rb"(?:(?:up to )?(?P<seconds>\d+(?:\.\d+)?) s "
    rb"|(?P<count>\d{1,9}) times more before)?",
    re.MULTILINE,
)


def from_index(
    index: Index, consoles: Collection[str], since: int
) -> dict[str, Recorded]:
    """Return what an index tells of consoles, by name.

    Args:
        index: open.
        consoles: their names.
        since: stamp from which on gaps are wanted.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    found = {name: _Signs() for name in consoles}
    for row in index.segments(consoles):
        found[row.console].segment(row.started)
    for event in index.events(consoles, since=since, kinds=("session", "gap")):
        found[event["console"]].event(event)
    for name, signs in found.items():
        if signs.first is None or not signs.told:
            # Silent for all that time: the newest words of its session are older.
            for event in index.events([name], kinds=("session",), newest=1):
                signs.event(event)
    return {name: signs.recorded() for name, signs in found.items()}


class _Signs:
    """What is known of one console, event by event."""

    __slots__ = ("_down", "_missing", "_oldest", "first", "told")

    def __init__(self) -> None:
        self.first: int | None = None
        self.told = False
        """Whether a session event was seen."""
        self._oldest: int | None = None
        self._missing: list[Missing] = []
        self._down: int | None = None

    def segment(self, started: int) -> None:
        self._oldest = started if self._oldest is None else min(self._oldest, started)
        self._sign(started)

    def _sign(self, at: int) -> None:
        self.first = at if self.first is None else min(self.first, at)

    def event(self, event: Mapping[str, Any]) -> None:
        at, name = parse_stamp(event["time"]), event["name"]
        if event["kind"] == "gap":
            missing = missing_of(event)
            self._missing.append(missing)
            self._sign(missing.at - missing.length)
            return
        self.told = True
        if name in UP:
            self._down = None
            self._sign(at)
        elif name in _DOWN and self._down is None:
            self._down = at

    def recorded(self) -> Recorded:
        never = self.first is None
        down = None if never else self._down
        return Recorded(self._oldest, self.first, tuple(self._missing), down)


def missing_of(event: Mapping[str, Any]) -> Missing:
    """Return what a gap's event object tells."""
    fields = event["fields"]
    length = round(float(fields.get("seconds", 0)) * SECOND)
    return Missing(parse_stamp(event["time"]), length, int(fields.get("count", 1)))


def from_archive(
    archive: Archive, consoles: Iterable[str], since: int, report: Report
) -> dict[str, Recorded]:
    """Return what the names and notes of an archive tell of consoles, by name.

    Args:
        archive: where.
        consoles: their names.
        since: stamp from which on gaps are wanted.
        report: told what is damaged.

    Raises:
        NoArchiveError: a folder cannot be read.
    """
    found = {}
    for console in consoles:
        segments = archive.segments(console)
        oldest = segments[0].name.started if segments else None
        missing = tuple(_noted(segments, since, report))
        found[console] = Recorded(oldest, oldest, missing)
    return found


def _noted(
    segments: Sequence[Segment], since: int, report: Report
) -> Iterator[Missing]:
    ends = [segment.name.started for segment in segments[1:]]
    for segment, end in zip(segments, [*ends, None], strict=True):
        if "log" in segment.files and (end is None or end >= since):
            yield from _gaps_in(read_blocks(segment.files["log"], report))


def _gaps_in(blocks: Iterable[bytes]) -> Iterator[Missing]:
    rest = b""
    for block in blocks:
        text = rest + block
        end = text.rfind(b"\n") + 1
        rest = text[end:][-MAX_LINE:]
        yield from filter(None, map(_missing, _GAP_NOTE.finditer(text, 0, end)))


def _missing(found: re.Match[bytes]) -> Missing | None:
    """Return what a note tells; None for words that only look like one."""
    try:
        at = parse_stamp(found["at"].decode())
    except ValueError:
        return None
    length = round(float(found["seconds"] or 0) * SECOND)
    return Missing(at, length, int(found["count"] or 1))


def last_sign(archive: Archive, consoles: Iterable[str]) -> int:
    """Return the stamp until which an archive tells of anything; 0: it is empty.

    Raises:
        NoArchiveError: a folder cannot be read.
    """
    newest = 0
    for console in consoles:
        for segment in archive.segments(console)[-1:]:
            newest = max(newest, segment.name.started, *map(_changed, _files(segment)))
    return newest


def _files(segment: Segment) -> Iterator[Any]:
    return segment.files.paths


def _changed(path: Any) -> int:
    try:
        return int(path.stat().st_mtime_ns // 1000)
    except OSError:
        return 0
