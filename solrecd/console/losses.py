"""The one home of losses: whatever is missing becomes note, event and counter here.

The note stands in the log at the place of each loss; where there are more than a serial
line can have (`NOTES_EACH_SECOND`), one note tells of several. Events of losses that
repeat (a BMC that sets its overrun bit in every packet) are one for each `TOGETHER`: it
has the time of the first loss, and the number of all and the time of the last as
fields. Losses of a session stay apart: each has its own length and its own cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from solrecd.console.event_fanout import SECOND, EventFanout
from solrecd.events.event import Event, EventDraft, Kind, Severity
from solrecd.events.gaps import Gap, GapReason
from solrecd.metrics import ConsoleMetrics
from solrecd.process.stamps import format_stamp

TOGETHER = 60 * SECOND
"""Losses of one reason that lie so close to the first of them are one event."""

NOTES_EACH_SECOND = 100
"""Losses that are noted each in its place. A BMC whose buffer is full sets its overrun
bit in each of the 90 packets that 115200 Bd make in a second; a note costs 400 µs."""

NOTES_AT_ONCE = 16
"""The same, of one batch of packets: all consoles wait for them."""

_FOR_A_NOTE = SECOND // NOTES_EACH_SECOND
"""Microseconds that pay for one."""

_APART = frozenset({GapReason.SESSION})
"""Reasons whose losses are never put together."""


@dataclass(slots=True)
class _Run:
    """Losses of one reason that are one event."""

    event: Event
    """As it was reported with the first one."""
    last: int
    """Stamp of the last one."""
    count: int = 0
    bytes: int = 0
    packets: int = 0
    microseconds: int = 0
    """Without a recording, where that is known."""
    told: int = 1
    """How many of them the index knows of by now."""

    def add(self, gap: Gap, at: int) -> None:
        """Count one more."""
        self.count += 1
        self.last = at
        self.bytes += gap.bytes or 0
        self.packets += gap.packets or 0
        self.microseconds += _length(gap) or 0

    def takes(self, at: int) -> bool:
        """Whether a loss at this stamp belongs to it."""
        return 0 <= at - self.event.time < TOGETHER

    def amended(self) -> Event:
        """Return the event that tells of all of them."""
        last = format_stamp(self.last)
        sums: dict[str, int | float] = {
            "bytes": self.bytes,
            "packets": self.packets,
            "seconds": round(self.microseconds / SECOND, 1),
        }
        return replace(
            self.event,
            title=f"{self.event.title}; {self.count - 1} times more until {last}",
            fields={
                **{key: n for key, n in sums.items() if n},
                "count": self.count,
                "last": last,
            },
        )


class Losses:
    """Marks what is missing of one console, in all three places.

    Args:
        fanout: takes notes and events.
        metrics: the console's numbers.
        settle: has everything interpreted that came before, and ends the line there.
    """

    __slots__ = (
        "_counted",
        "_credit",
        "_fanout",
        "_metrics",
        "_runs",
        "_settle",
        "_unnoted",
    )

    def __init__(
        self, fanout: EventFanout, metrics: ConsoleMetrics, settle: Callable[[], None]
    ) -> None:
        self._fanout = fanout
        self._metrics = metrics
        self._settle = settle
        self._runs: dict[GapReason, _Run] = {}
        # Time that pays for notes, and until when it was counted; losses without one.
        self._credit = NOTES_AT_ONCE * _FOR_A_NOTE
        self._counted = 0
        self._unnoted = Counter[GapReason]()

    def mark(self, gap: Gap, at: int) -> None:
        """Write the note at the loss's place, count it, and tell the event.

        Args:
            gap: what is missing.
            at: stamp of the note.
        """
        self._metrics.gap(gap.reason, gap.bytes or 0)
        if not gap.is_noted:
            self._note(gap, at)
        run = self._runs.get(gap.reason)
        if run is None or not run.takes(at):
            run = self._begin(gap, at)
        run.add(gap, at)

    def _note(self, gap: Gap, at: int) -> None:
        """Write a note at the loss's place, or count it for a later one."""
        rested = self._credit + max(0, at - self._counted)
        self._credit = min(rested, NOTES_AT_ONCE * _FOR_A_NOTE)
        self._counted = at
        if gap.reason not in _APART:
            if self._credit < _FOR_A_NOTE:
                self._unnoted[gap.reason] += 1
                return
            self._credit -= _FOR_A_NOTE
        self._settle()
        self._note_others(at)
        self._fanout.note(at, f"gap: {gap.text}", gap.offset)

    def _note_others(self, at: int) -> None:
        """Note how many losses have no note of their own."""
        unnoted, self._unnoted = self._unnoted, Counter()
        for reason, count in unnoted.items():
            text = f"gap: {count} times more before this line ({reason})"
            self._fanout.note(at, text)

    def _begin(self, gap: Gap, at: int) -> _Run:
        self._tell(gap.reason)
        reason, fields = gap.reason, _numbers(gap)
        draft = EventDraft(Kind.GAP, reason.value, Severity.WARNING, gap.text, fields)
        run = _Run(self._fanout.report(at, draft), at)
        if reason not in _APART:
            self._runs[reason] = run
        return run

    @property
    def waits_for_time(self) -> bool:
        """Whether `check` may have something to tell, or to forget."""
        return bool(self._runs)

    def check(self, at: int) -> None:
        """Tell of losses that came since the last call; forget what is over."""
        if self._unnoted:
            self._settle()
            self._note_others(at)
        for reason, run in tuple(self._runs.items()):
            self._tell(reason)
            if not run.takes(at):
                del self._runs[reason]

    def _tell(self, reason: GapReason) -> None:
        run = self._runs.get(reason)
        if run is not None and run.told < run.count:
            run.told = run.count
            self._fanout.amend(run.amended())


def _length(gap: Gap) -> int | None:
    """Return the microseconds of a loss, where both its ends are known."""
    if gap.since is None or gap.until is None:
        return None
    return gap.until - gap.since


def _numbers(gap: Gap) -> dict[str, int | float]:
    """Return what is known of a loss, as fields of its event."""
    known: dict[str, int | float | None] = {"bytes": gap.bytes, "packets": gap.packets}
    length = _length(gap)
    if length is not None:
        known["seconds"] = round(length / SECOND, 1)
    return {key: n for key, n in known.items() if n is not None}
