"""A console as its source sees it: a bug in what the source tells harms no source."""

from __future__ import annotations

from solrecd.config import ConsoleConfig
from solrecd.console.console import Console
from solrecd.events.boots import Boot
from solrecd.events.event import EventDraft
from solrecd.events.gaps import Gap
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.sessions import Lost, SessionState
from solrecd.events.wire_counts import WireCounts
from solrecd.sources.guard import Guard, Part


class GuardedRecorder:
    """Stands between a source and its console; fits `solrecd.sources.base.Recorder`.

    Bugs in what the source tells of are contained here: the session goes on, and so do
    the bytes. A bug in `record` itself is the source's to raise: what was not recorded
    must not be acknowledged.

    Args:
        console: is told.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._call = console.guard.call
        self.record = console.record
        """Bound once: the path of every byte has no detour."""

    @property
    def config(self) -> ConsoleConfig:
        """See `Recorder`, here and below."""
        return self._console.config

    @property
    def name(self) -> str:
        """Of the console."""
        return self._console.name

    @property
    def guard(self) -> Guard:
        """Contains its bugs."""
        return self._console.guard

    @property
    def offset(self) -> int:
        """Bytes of this console ever recorded."""
        return self._console.offset

    @property
    def counts(self) -> WireCounts:
        """What was counted on the wire of this console."""
        return self._console.counts

    @property
    def last_output(self) -> int | None:
        """Stamp of the newest byte."""
        return self._console.last_output

    @property
    def boot(self) -> Boot | None:
        """The boot that goes on, or has ended last."""
        return self._console.boot

    @property
    def session_state(self) -> SessionState:
        """As of the last `session_changed`."""
        return self._console.session_state

    @property
    def session_since(self) -> int:
        """Stamp of that."""
        return self._console.session_since

    @property
    def session_lost(self) -> Lost | None:
        """Why the session is not up."""
        return self._console.session_lost

    def resumed(self) -> None:
        """See `Recorder`."""
        self._call(Part.EVENTS, self._console.resumed, None)

    def line_seen(self, ago: float) -> None:
        """See `Recorder`."""
        self._call(Part.EVENTS, lambda: self._console.line_seen(ago), None)

    def mark_loss(self, gap: Gap) -> None:
        """See `Recorder`."""
        self._call(Part.EVENTS, lambda: self._console.mark_loss(gap), None)

    def mark_restart(self, since: int | None, *, output_waited: bool) -> None:
        """See `Recorder`."""
        self._call(
            Part.EVENTS,
            lambda: self._console.mark_restart(since, output_waited=output_waited),
            None,
        )

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """See `Recorder`."""
        self._call(
            Part.EVENTS,
            lambda: self._console.session_changed(state, lost, retry_in),
            None,
        )

    def power_seen(self, *, on: bool | None) -> None:
        """See `Recorder`."""
        self._call(Part.POWER, lambda: self._console.power_seen(on=on), None)

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        """See `Recorder`."""
        self._call(
            Part.EVENTS,
            lambda: self._console.input_stuck(unsent, is_stuck=is_stuck),
            None,
        )

    def note_act(self, act: OperatorAct, text: str, user: str) -> None:
        """See `Recorder`."""
        self._call(Part.EVENTS, lambda: self._console.note_act(act, text, user), None)

    def report(self, at: int, draft: EventDraft) -> None:
        """See `Recorder`."""
        self._call(Part.EVENTS, lambda: self._console.report(at, draft), None)
