"""Reads the event logs of all BMCs, now and then, and has what is new recorded.

A machine that dies often tells its BMC why, and the console nothing. So a log is read
soon after a boot has ended, failed or got stuck, and rarely otherwise. Logs are long
and BMCs slow: one BMC at a time is asked, first for the log's state, and only if that
has changed for its newest entries, over the session that records.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import structlog
import trio

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.sources.guard import Guard, Part
from solrecd.sources.ipmi.doctor import questions
from solrecd.sources.ipmi.doctor.answers import LogInfo
from solrecd.sources.ipmi.doctor.questions import Refusal
from solrecd.sources.ipmi.examination.access import Ask, converse, inside
from solrecd.sources.ipmi.management import ManagementError
from solrecd.sources.ipmi.system_event_log import LogEntry

LOOK_EVERY: Final = 5.0
"""Seconds between two looks at whose log is to be read."""

READ_EVERY: Final = 1800.0
"""Seconds between two readings of a log where nothing happens."""

SETTLE: Final = 15.0
"""Seconds after a boot came to its end until its log is read: BMCs write late."""

RARELY: Final = 6 * 3600.0
"""Seconds until a BMC that shows no log is asked again."""

NEWEST: Final = 32
"""Entries of one reading: as many questions, of a few milliseconds each. A machine
that writes more while it dies has said enough."""

RECENT: Final = 86400 * 1_000_000
"""Microseconds: older entries of a log that is read for the first time are history."""

TITLE: Final = 200
"""Characters of an entry: sensors have short names."""

_ENDS: Final = frozenset(set(Outcome) - {Outcome.RUNNING, Outcome.OK})
"""Outcomes after which the log is worth a look, also of a boot that goes on."""

_SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {
        "warning": Severity.WARNING,
        "critical": Severity.ERROR,
        "failed": Severity.CRITICAL,
    }
)
"""pyghmi's words in ours; the others are info."""

log = structlog.get_logger()


class Recorder(Protocol):
    """The console of a BMC; see `solrecd.sources.base.Recorder`."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def guard(self) -> Guard:
        """Contains its bugs."""

    @property
    def boot(self) -> Boot | None:
        """The boot that goes on, or has ended last."""

    def report(self, at: int, draft: EventDraft) -> None:
        """Tell an event."""


@dataclass(slots=True)
class _Log:
    """What is known of one BMC's log."""

    console: Recorder
    ask: Ask
    due: float
    """Monotonic; when it is to be read."""
    seen: tuple[int, bool] | None = None
    """Boot, and whether it had come to an end, at the last look."""
    info: LogInfo | None = None
    """As of the last reading."""
    last: int | None = None
    """Number of the newest entry that is recorded."""


class EventLogs:
    """The logs of a set of consoles.

    Args:
        newest: reads so many of the newest entries of a log, over a session.
        recall: returns the number of the newest entry that the index has of a console.
        wall_clock: stamps.
        rng: spreads a fleet's readings over the interval.
    """

    def __init__(
        self,
        newest: Callable[[Ask, int], Awaitable[Sequence[LogEntry]]],
        recall: Callable[[str], Awaitable[int | None]],
        wall_clock: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self._recall = recall
        self._newest = newest
        self._wall_clock = wall_clock
        self._rng = rng
        self._logs: dict[Recorder, _Log] = {}

    def join(self, console: Recorder, ask: Ask) -> None:
        """Read a console's log from now on."""
        due = trio.current_time() + self._rng.uniform(SETTLE, READ_EVERY)
        self._logs[console] = _Log(console, ask, due)

    def leave(self, console: Recorder) -> None:
        """Read it no more; harmless where it never was."""
        self._logs.pop(console, None)

    async def run(self) -> None:
        """Read logs, one after the other, until cancelled."""
        while True:
            await trio.sleep(LOOK_EVERY)
            for each in self._due():
                if each.console in self._logs:
                    await self._visit(each)

    def _due(self) -> Sequence[_Log]:
        now = trio.current_time()
        # A copy: what is told of a bug may have a console leave.
        due = [each for each in tuple(self._logs.values()) if _is_due(each, now)]
        return sorted(due, key=lambda each: each.due)

    async def _visit(self, each: _Log) -> None:
        each.due = math.inf
        after = READ_EVERY
        with each.console.guard.containing(Part.EVENT_LOG):
            after = await self._try_to_read(each)
        due = trio.current_time() + after * self._rng.uniform(0.75, 1.25)
        each.due = min(each.due, due)

    async def _try_to_read(self, each: _Log) -> float:
        try:
            return await self._read(each)
        except ManagementError as error:
            log.debug("sel.not_read", console=each.console.name, reason=str(error))
            return READ_EVERY

    async def _read(self, each: _Log) -> float:
        """Read what is new; return in how many seconds to come again."""
        info = await converse(questions.log_info(), inside(each.ask))
        if isinstance(info, Refusal):
            return READ_EVERY if info.code is None else RARELY
        if info == each.info:
            return READ_EVERY
        entries = await self._newest(each.ask, NEWEST) if info.entries else ()
        if each.info is None:
            each.last = await self._recall(each.console.name)
        for entry in new_entries(entries, each.last, self._wall_clock()):
            self._tell(each.console, entry)
        each.info = info
        each.last = entries[-1].number if entries else 0
        return READ_EVERY

    def _tell(self, console: Recorder, entry: LogEntry) -> None:
        at, boot = entry.at, console.boot
        fields: dict[str, str | int] = {
            "entry": entry.number,
            "sensor": entry.component,
        }
        if at is None:
            at = self._wall_clock()
            fields["clock"] = "unknown"
        severity = _SEVERITIES.get(entry.severity, Severity.INFO)
        draft = EventDraft(
            Kind.SEL,
            "asserted" if entry.asserted else "over",
            severity if entry.asserted else Severity.INFO,
            _title(entry),
            fields,
            is_of_boot=boot is not None and at >= boot.started,
        )
        console.report(at, draft)


def _title(entry: LogEntry) -> str:
    """Return one line; what a dying kernel wrote into the log may be anything."""
    text = f"{entry.component}: {entry.text}" if entry.component else entry.text
    return "".join(c if c.isprintable() else " " for c in text[:TITLE])


def _is_due(each: _Log, now: float) -> bool:
    """Whether a log is to be read now; not after a bug in looking at it."""

    def look() -> bool:
        _notice(each, now)
        return each.due <= now

    return each.console.guard.call(Part.EVENT_LOG, look, otherwise=False)


def _notice(each: _Log, now: float) -> None:
    """Have a log read soon whose machine has come to the end of a boot."""
    boot = each.console.boot
    if boot is None:
        return
    seen = boot.boot, boot.ended is not None or boot.outcome in _ENDS
    if each.seen is not None and seen != each.seen:
        each.due = min(each.due, now + SETTLE)
    each.seen = seen


def new_entries(
    entries: Sequence[LogEntry], last: int | None, now: int
) -> Iterable[LogEntry]:
    """Return those that are not recorded yet.

    Args:
        entries: the newest of a log, oldest first.
        last: number of the newest that is recorded; None: none was ever.
        now: stamp.
    """
    if last is None:
        # Unknown times may be years ago.
        return [e for e in entries if e.at is not None and now - e.at < RECENT]
    numbers = [entry.number for entry in entries]
    if last in numbers:
        return entries[numbers.index(last) + 1 :]
    if numbers and numbers[-1] < last:
        # It was cleared, and counts from 1 again.
        return entries
    return [entry for entry in entries if entry.number > last]
