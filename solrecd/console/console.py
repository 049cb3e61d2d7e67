"""The bytes of one console: recorded, and their losses marked.

`Console.record` is the hot path and the promise: what it returns True for is in the
journal, and only then is the packet acknowledged. Everything else happens in batches a
fifth of a second later, in `interpret`: what the bytes mean is the business of
`solrecd.console.understanding`. Notes (gaps, losses) force an interpretation first, so
that they stand in the log exactly between the bytes they lie between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from solrecd.config import ConsoleConfig
from solrecd.console.attachments import Attachments
from solrecd.console.event_fanout import SECOND, EventFanout, Sinks, seconds
from solrecd.console.input_watch import InputWatch
from solrecd.console.left_shell import LeftShell
from solrecd.console.losses import Losses
from solrecd.console.power_tracker import PowerTracker
from solrecd.console.session_tracker import SessionTracker
from solrecd.console.silence import SilenceWatch, Situation
from solrecd.console.status import ConsoleStatus
from solrecd.console.turns import split
from solrecd.console.understanding import (
    ConsoleHistory,
    Interpretation,
    Understanding,
)
from solrecd.events.boots import Boot
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.events.gaps import Gap, GapReason
from solrecd.events.lines import Chunk
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.sessions import Lost, SessionState
from solrecd.events.wire_counts import WireCounts
from solrecd.metrics import ConsoleMetrics
from solrecd.sources.guard import Guard, Part
from solrecd.storage.archive.sink import OpenedConsole

QUIET = SECOND // 4
"""Silence after which an unfinished line counts: a prompt never ends with a newline."""


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """What all consoles of a daemon share."""

    sinks: Sinks
    interpretation: Interpretation
    wall_clock: Callable[[], int]
    """Stamps."""
    wake: Callable[[Console], None]
    """Called when bytes of a console wait for `Console.interpret`."""


class Console:
    """One console between its link and the sinks; belongs to the event loop.

    Args:
        config: may be replaced while the console lives, by `Supervisor.reload`.
        opened: where its archive goes on.
        history: what is known of it.
        metrics: its numbers.
        context: what it shares with its neighbours.
        guard: contains its bugs.
    """

    def __init__(
        self,
        config: ConsoleConfig,
        opened: OpenedConsole,
        history: ConsoleHistory,
        metrics: ConsoleMetrics,
        context: ConsoleContext,
        guard: Guard,
    ) -> None:
        self.guard = guard
        self.config = config
        self.name = config.name
        self._context = context
        self._wall_clock = context.wall_clock
        self._metrics = metrics
        self._fanout = EventFanout(
            config.name, context.sinks, metrics, self._boot_number, guard
        )
        self._stream = opened.stream
        self._append = opened.stream.append
        self._understanding = Understanding(
            context.interpretation, opened, history, self._fanout, guard
        )
        self.attachments = Attachments(config.name, self.note_act)
        self._attached = self.attachments.present
        self._left_shell = LeftShell(self._fanout, metrics)
        self._input = InputWatch(self._fanout, metrics, self.attachments.say)
        self._unread: list[Chunk] = []
        self._refused_since: int | None = None
        self._unsettled = False
        self._silence = SilenceWatch()
        self._losses = Losses(self._fanout, metrics, self._end_line)
        self._power = PowerTracker(self._fanout, self._switch)
        self._session = SessionTracker(
            self._fanout,
            metrics,
            self._losses.mark,
            self._note,
            now=self._wall_clock(),
            resumed=opened.last_output,
        )
        self._status = ConsoleStatus(
            self._session,
            self._power,
            self._understanding,
            self._fanout,
            self._input,
            self._attached,
            metrics,
            guard,
        )
        self._resume(opened, history)

    def _resume(self, opened: OpenedConsole, history: ConsoleHistory) -> None:
        """Read the boot's archived end again, then what was journalled only."""
        now, understanding = self._wall_clock(), self._understanding
        understanding.restore(opened, history, now)
        self._read_pending(opened)
        self._metrics.last_output = opened.last_output or 0
        self._metrics.enter(understanding.stage, understanding.stage_since or 0)

    def _read_pending(self, opened: OpenedConsole) -> None:
        """Read what was journalled only, and mark what is missing where it is."""
        losses = deque(opened.losses)
        offset = self._stream.offset - sum([len(c.data) for c in opened.pending])
        for chunk in opened.pending:
            while losses and (losses[0].offset or 0) <= offset:
                self._mark_found(losses.popleft())
            self._unread.append(chunk)
            offset += len(chunk.data)
        self.interpret()
        for gap in losses:
            self._mark_found(gap)

    def _mark_found(self, gap: Gap) -> None:
        self._losses.mark(gap, gap.since or self._wall_clock())

    # The hot path.

    def record(self, data: bytes) -> bool:
        """Put console output into the journal; False when that is full."""
        at = self._wall_clock()
        if not self._append(at, data):
            return self._refuse(at)
        if self._refused_since is not None:
            self.guard.call(Part.EVENTS, lambda: self._accept_again(at), None)
        if not self._unread:
            self._context.wake(self)
        self._unread.append(Chunk(at, data))
        if self._attached:
            self.guard.call(Part.ATTACHED, lambda: self._show(data), None)
        metrics = self._metrics
        metrics.last_output = at
        metrics.received_bytes += len(data)
        return True

    def _show(self, data: bytes) -> None:
        for attachment in self._attached:
            attachment.show(data)

    def _refuse(self, at: int) -> bool:
        if self._refused_since is None:
            self._refused_since = at
        return False

    def _accept_again(self, at: int) -> None:
        """Mark what the other end may have dropped while we took nothing."""
        since = self._refused_since or at
        self._refused_since = None
        text = f"{seconds(at - since)} s without room in the journal; "
        if self.config.options.keeps_output:
            self._note(at, f"{text}the other end had to wait")
            return
        text += "the BMC may have dropped output"
        self._losses.mark(Gap(GapReason.JOURNAL_FULL, text, since, at), at)

    # Understanding, in batches.

    def interpret(self, most: int | None = None) -> bool:
        """Give what arrived since the last call to the interpreter and the sinks.

        Returns whether something is left: after ``most`` bytes it is enough for now.
        """
        if not self._unread:
            self._understanding.retry()
            return False
        chunks, self._unread = split(self._unread, most)
        self._unsettled = True
        self._understanding.feed(chunks)
        return bool(self._unread)

    def settle(self, at: int) -> bool:
        """After `QUIET`, let the unfinished line count; return whether it has."""
        if self._unsettled and at - self._metrics.last_output < QUIET:
            return False
        if self._unsettled:
            self._unsettled = False
            self._understanding.idle(at)
        return True

    def waits_for_time(self) -> bool:
        """Whether time alone may change something: then `check` is to be called.

        True also where that cannot be told quickly.
        """
        understanding, metrics = self._understanding, self._metrics
        return (
            understanding.waits_for_time
            or metrics.left_logged_in
            or self._losses.waits_for_time
        )

    def check(self, at: int) -> None:
        """Look at the clock: does a stage last too long, was a shell left open?"""
        shell = self._understanding.shell
        self._left_shell.check(shell, at, is_attended=bool(self._attached))
        self._losses.check(at)
        self._understanding.check(at)

    def end_silence(self, at: int, revive: Callable[[str], bool]) -> None:
        """Have SoL activated again where a machine that should print does not.

        Args:
            at: stamp.
            revive: does it, told why in words; returns whether it may now.
        """
        now = self._situation()
        if not self._silence.is_suspicious(now, at):
            return
        where = f"in stage {self._understanding.stage}"
        silent = f"no output for {seconds(at - now.since)} s {where}"
        if revive(f"{silent} of a machine that is on"):
            self._silence.tried(now, at)

    def _situation(self) -> Situation:
        session, understanding = self._session, self._understanding
        since = understanding.stage_since or 0
        return Situation(
            is_up=session.state is SessionState.UP,
            is_on=self._metrics.power_on,
            is_booting=understanding.is_on_its_way,
            since=max(self._metrics.last_output, session.since, since),
            boot=self._boot_number(),
            offset=self._stream.offset,
        )

    def limit_stages(self) -> None:
        """Take the configured limits of stages again, and what this machine needs."""
        self._understanding.limit_stages()

    # Losses and the session.

    @property
    def counts(self) -> WireCounts:
        """What was counted on the wire of this console."""
        return self._metrics.wire

    @property
    def offset(self) -> int:
        """Bytes of this console ever recorded."""
        return self._stream.offset

    def mark_restart(self, since: int | None, *, output_waited: bool) -> None:
        """Mark that an earlier daemon's session goes on here: no gap, but a pause.

        Args:
            since: stamp at which that daemon was last known to work; None: unknown.
            output_waited: the machine printed meanwhile: only then may something
                have been thrown away.
        """
        self._session.went_on(self._wall_clock(), since, output_waited=output_waited)

    def resumed(self) -> None:
        """Mark where a gap ends: bytes come again, or are about to."""
        self._session.resumed(self._wall_clock())

    def mark_loss(self, gap: Gap) -> None:
        """Mark that output was lost just here."""
        self._losses.mark(gap, self._wall_clock())

    def line_seen(self, ago: float) -> None:
        """Learn how many seconds ago the line was certainly ours."""
        self._session.line_seen(self._wall_clock() - round(ago * SECOND))

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Learn what the keeper says of the session; only news become events."""
        self._session.changed(state, lost, retry_in, self._wall_clock())
        if state is not SessionState.UP:
            self._input.dropped()
        self._fanout.changed()

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        """Learn that the other end does not take what is typed, or does again."""
        self._input.changed(unsent, self._wall_clock(), is_stuck=is_stuck)

    def _end_line(self) -> None:
        """Have everything interpreted: what follows is not the rest of a line."""
        self.interpret()
        self._understanding.gap()

    def finish(self) -> None:
        """Tell what was held back so far; nothing more will come."""
        self._losses.check(self._wall_clock())

    def power_seen(self, *, on: bool | None) -> None:
        """Learn from the keeper whether the machine is on; None: it is unknown."""
        if on is not self._metrics.power_on:
            self._metrics.power_on = on
            self._fanout.changed()
        self._power.seen(on, self._understanding.stage, self._wall_clock())

    def expect(self, ending: str | None, beginning: str | None = None) -> None:
        """Learn what a user asked of the machine's power.

        Args:
            ending: ``reset`` or ``off``; None: no boot ends, or the BMC did not do it.
            beginning: cause of the boot that follows; None: none does.
        """
        self.interpret()
        self._understanding.expect(ending, self._wall_clock(), beginning)

    def _switch(self, on: bool, at: int) -> None:  # noqa: FBT001 - a callback
        """Let the boot end or begin with the power."""
        self.interpret()
        self._understanding.power(on=on, at=at)

    # What people do, and ask.

    def _note(self, at: int, text: str) -> None:
        """Write a note behind everything that came so far."""
        self.interpret()
        self._fanout.note(at, text)

    def note_act(self, act: OperatorAct, text: str, user: str) -> None:
        """Keep what a user did, behind what came so far; see `EventFanout.acted`."""
        self.interpret()
        self._fanout.acted(self._wall_clock(), act, text, user)

    def report(self, at: int, draft: EventDraft) -> None:
        """Tell an event that was noticed elsewhere."""
        self._fanout.report(at, draft)

    def degraded(self, text: str) -> None:
        """Tell that bugs have us record this console without a part of what we do."""
        now = self._wall_clock()
        self._fanout.note(now, f"degraded: {text}")
        draft = EventDraft(Kind.SESSION, "degraded", Severity.ERROR, text)
        self._fanout.report(now, draft)

    def _boot_number(self) -> int | None:
        return None if self.boot is None else self.boot.boot

    @property
    def boot(self) -> Boot | None:
        """The boot that goes on, or has ended last."""
        return self._understanding.boot

    @property
    def last_output(self) -> int | None:
        """Stamp of the newest byte; None: there never was one."""
        return self._metrics.last_output or None

    @property
    def session_state(self) -> SessionState:
        """Whether the way to the console is open."""
        return self._session.state

    @property
    def session_since(self) -> int:
        """Stamp of that."""
        return self._session.since

    @property
    def session_lost(self) -> Lost | None:
        """Why it is not open."""
        return self._session.lost

    def summary(self) -> dict[str, Any]:
        """Return the contract's ``ls`` object."""
        return self._status.summary(self.config)

    def details(self) -> dict[str, Any]:
        """Return the ``status`` object: the summary and everything else known."""
        return self._status.details(
            self.config, is_journal_full=self._refused_since is not None
        )
