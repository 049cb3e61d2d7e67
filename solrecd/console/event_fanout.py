"""To whom the story of a console is told, and in which order: the archive first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from solrecd.alerts.senders import AlertSink
from solrecd.console.acknowledgement import Acknowledgement
from solrecd.console.viewers import Viewers
from solrecd.events.boots import Boot
from solrecd.events.event import Event, EventDraft, Kind, Severity
from solrecd.events.lines import Chunk, Line
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.reading import Reading
from solrecd.metrics import ConsoleMetrics
from solrecd.process.log.entries import EVENT, LEVELS
from solrecd.sources.guard import Guard, Part
from solrecd.storage.archive.sink import ArchiveSink
from solrecd.storage.index.sink import IndexSink

SECOND = 1_000_000
"""Microseconds in a second; stamps are counted in these."""

NOTE_SIZE = 1000
"""Characters of a note that a user writes into the log."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

log = structlog.get_logger()


def seconds(microseconds: int) -> str:
    """Return a duration as people read it in notes."""
    return f"{microseconds / SECOND:.1f}"


def at_most(microseconds: int) -> str:
    """Return a duration that is an upper bound: rounded up, never "0.0"."""
    tenths = max(1, -(-microseconds * 10 // SECOND))
    return f"up to {tenths / 10:.1f}"


def one_line(text: str) -> str:
    """Return what a user wrote as a note: without control characters, and cut."""
    return _CONTROL.sub(" ", text)[:NOTE_SIZE]


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where the story of a console goes, in the order in which it is told."""

    archive: ArchiveSink
    index: IndexSink
    viewers: Viewers
    alerts: AlertSink


class EventFanout:
    """Tells what happens on one console; a bug in one sink costs that sink alone.

    Args:
        console: its name.
        sinks: to whom.
        metrics: its numbers.
        boot: returns the number of the boot that goes on.
        guard: contains the console's bugs.
    """

    __slots__ = (
        "_boot",
        "_guard",
        "_metrics",
        "_sinks",
        "acknowledgement",
        "console",
    )

    def __init__(
        self,
        console: str,
        sinks: Sinks,
        metrics: ConsoleMetrics,
        boot: Callable[[], int | None],
        guard: Guard,
    ) -> None:
        self._guard = guard
        self.console = console
        self.acknowledgement = Acknowledgement()
        """Of people, as what happened here has them give or keep it."""
        self._sinks = sinks
        self._metrics = metrics
        self._boot = boot

    def record(self, chunks: Sequence[Chunk], reading: Reading) -> None:
        """Give the archive what the console printed: the one sink that must have it."""
        self._sinks.archive.offer(self.console, chunks, reading)

    def tell(self, chunks: Sequence[Chunk], reading: Reading) -> None:
        """Tell the others what it means, after `record`."""
        # Nothing came: the console is quiet, and people may see its prompt.
        quiet = None if chunks else reading.tail
        self._give(reading.events, reading.boots, reading.lines, quiet)
        self._guard.call(Part.METRICS, lambda: self._metrics.read(reading), None)
        for event in reading.events:
            self.acknowledgement.saw(event)
            _log(event)

    def _give(
        self,
        events: Sequence[Event],
        boots: Sequence[Boot] = (),
        lines: Sequence[Line] = (),
        quiet: Line | None = None,
    ) -> None:
        call, sinks = self._guard.call, self._sinks
        if events or boots:
            call(Part.INDEX, lambda: sinks.index.offer(events, boots), None)
            call(Part.ALERTS, lambda: sinks.alerts.offer(events, boots), None)
        call(
            Part.VIEWERS,
            lambda: sinks.viewers.offer(self.console, lines, events, quiet),
            None,
        )

    def note(self, at: int, text: str, offset: int | None = None) -> None:
        """Write a note of ours between the console's lines.

        Args:
            at: stamp.
            text: one line.
            offset: stream offset at which it stands; None: behind all that came.
        """
        self._sinks.archive.note(self.console, at, text, offset)

    def report(self, at: int, draft: EventDraft) -> Event:
        """Tell an event that did not come out of the console, and return it."""
        event = self._event(at, draft)
        self.acknowledgement.saw(event)
        self._give((event,))
        self._guard.call(Part.METRICS, lambda: self._metrics.saw(event), None)
        _log(event)
        return event

    def acted(self, at: int, act: OperatorAct, text: str, user: str) -> None:
        """Keep what a user did: a note in the log, an event, a line in our own log.

        Args:
            at: stamp.
            act: what it was.
            text: one line; control characters are taken out.
            user: who did it.
        """
        text = one_line(text)
        log.info("console.operator", console=self.console, act=act, user=user)
        self.note(at, text)
        draft = EventDraft(
            Kind.OPERATOR, act.value, Severity.INFO, text, {"user": user}
        )
        self.report(at, draft)

    def amend(self, event: Event) -> None:
        """Tell more of an event that was reported, with its stamp, kind and name.

        The index has one row for both. No alert is raised a second time.
        """
        self._guard.call(
            Part.INDEX, lambda: self._sinks.index.offer((event,), ()), None
        )
        _log(event)

    def _event(self, at: int, draft: EventDraft) -> Event:
        return Event(
            time=at,
            console=self.console,
            boot=self._boot() if draft.is_of_boot else None,
            kind=draft.kind,
            name=draft.name,
            severity=draft.severity,
            title=draft.title,
            fields=draft.fields,
        )

    def changed(self) -> None:
        """Tell those who watch the fleet of what is not an event."""
        self._sinks.viewers.notifier.mark(self.console)

    @property
    def viewers(self) -> int:
        """How many people watch."""
        return self._sinks.viewers.count(self.console)


def _log(event: Event) -> None:
    """Give the daemon's own log an event; what it shows of it is the log's affair."""
    log.log(LEVELS[event.severity], EVENT, occurrence=event)
