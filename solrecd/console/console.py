"""The bytes of one console: recorded, interpreted, and their losses marked.

`Console.record` is the hot path and the promise: what it returns True for is in the
journal, and only then is the packet acknowledged. Everything else happens in batches a
fifth of a second later, in `interpret`: one call of the interpreter, then each sink
gets the result, the archive first. Notes (gaps, losses) force an interpretation first,
so that they stand in the log exactly between the bytes they lie between.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from solrecd.analysis.boot.pace import Pace
from solrecd.analysis.interpreter import Interpreter
from solrecd.config import ConsoleConfig
from solrecd.console.attachments import Attachments
from solrecd.console.event_fanout import SECOND, EventFanout, Sinks, seconds
from solrecd.console.losses import Losses
from solrecd.console.power_tracker import PowerTracker
from solrecd.console.session_tracker import SessionTracker
from solrecd.console.silence import SilenceWatch, Situation
from solrecd.counts import WireCounts
from solrecd.events import (
    Boot,
    Chunk,
    EventDraft,
    Gap,
    GapReason,
    Kind,
    Lost,
    OperatorAct,
    Reading,
    SessionState,
    Severity,
    Stage,
)
from solrecd.metrics import ConsoleMetrics
from solrecd.process.stamps import format_stamp
from solrecd.sources.guard import Guard, Part
from solrecd.storage.archive.sink import OpenedConsole

QUIET = SECOND // 4
"""Silence after which an unfinished line counts: a prompt never ends with a newline."""

LEFT_AFTER = 15 * 60 * SECOND
"""A shell prompt left unanswered for so long was left behind. Typing moves the
unfinished line, so a user at work is never meant."""

NOTE_SIZE = 1000
"""Characters of a note that a user writes into the log."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

BMC_BUFFERS = 3 * SECOND
"""How long a BMC surely keeps output for a reader that is away. What it sends meanwhile
waits in our socket; what queues up behind that it throws away when it gives up, and no
number is missing then. Boards are set to 7 retries each 480 ms, or more;
ipmi_sim threw 2.8 KB away in each of three pauses of 6 to 7 s, in no shorter one."""

log = structlog.get_logger()


class InterpreterFactory(Protocol):
    """Makes the interpreter of a console."""

    def __call__(
        self, console: str, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        """Return one for a boot that goes on, or that begins with the next byte.

        Args:
            console: its name.
            boot: the boot that goes on; None: the next byte begins one.
            first_boot: that one's number.
            offset: stream offset of the next byte.
        """


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """What all consoles of a daemon share."""

    sinks: Sinks
    interpreter: InterpreterFactory
    limits: Callable[[], Mapping[Stage, float]]
    """Seconds in a stage before a boot counts as stuck, as configured now."""
    wall_clock: Callable[[], int]
    """Stamps."""
    wake: Callable[[Console], None]
    """Called when bytes of a console wait for `Console.interpret`."""


@dataclass(frozen=True, slots=True)
class ConsoleHistory:
    """What is known of a console before this daemon."""

    boot: Boot | None
    """The boot that goes on; None: the next byte begins one."""
    pace: Pace
    """How long its stages take normally."""
    newest: Sequence[Boot]
    """Its last boots, oldest first: do they go round in circles?"""
    told: int
    """Stamp of the newest event that was read in its output."""


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
        self._pace = history.pace
        self._interpreter = self._new_interpreter(
            history.boot, first_boot=opened.boot + 1, offset=opened.offset
        )
        self.attachments = Attachments(config.name, self.note_act)
        self._attached = self.attachments.present
        self._attended = 0
        """Stamp of the last look that found a user attached."""
        self._unread: list[Chunk] = []
        self._unarchived: list[Chunk] = []
        """What the archive should have been given when a bug was met."""
        self._missed_output = False
        """The interpreter has not read what came last, because of a bug."""
        self._refused_since: int | None = None
        self._unsettled = False
        self._silence = SilenceWatch()
        self._losses = Losses(self._fanout, metrics, self._end_line)
        self._seen = 0
        """Stamp of the last sign, apart from output, that the line was ours."""
        self._power = PowerTracker(self._fanout, self._switch)
        self._session = SessionTracker(
            self._fanout,
            metrics,
            self._losses.mark,
            now=self._wall_clock(),
            resumed=opened.last_output,
        )
        self._resume(opened, history)

    def _resume(self, opened: OpenedConsole, history: ConsoleHistory) -> None:
        """Read the boot's archived end again, then what was journalled only."""
        self._understand((), lambda: self._read_again(opened, history))
        boot = history.boot
        if boot is not None and (at := boot.ended) is not None:
            # It ended with the power, of which its bytes say nothing.
            self.guard.call(
                Part.ANALYSIS, lambda: self._interpreter.power(on=False, at=at), None
            )
        self._read_pending(opened)
        self._metrics.last_output = opened.last_output or 0
        self._metrics.enter(self._interpreter.stage, self._interpreter.stage_since or 0)

    def _read_again(self, opened: OpenedConsole, history: ConsoleHistory) -> Reading:
        self._interpreter.remember(history.newest)
        reading = self._interpreter.feed(opened.restored)
        boot = history.boot
        if boot is not None:
            self._interpreter.recall(boot, opened.boot_offset)
            reading.boots = [self._interpreter.boot or boot]
        reading.events += self._interpreter.idle(self._wall_clock()).events
        reading.events = [each for each in reading.events if each.time > history.told]
        return reading

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
            self.interpret()
            self._fanout.note(at, f"{text}the other end had to wait")
            return
        text += "the BMC may have dropped output"
        self._losses.mark(Gap(GapReason.JOURNAL_FULL, text, since, at), at)

    # Understanding, in batches.

    def interpret(self) -> None:
        """Give what arrived since the last call to the interpreter and the sinks."""
        if not self._unread:
            if self._unarchived:
                self._tell((), Reading())
            return
        chunks, self._unread = self._unread, []
        self._unsettled = True
        self._understand(chunks, lambda: self._interpreter.feed(chunks))

    def settle(self, at: int) -> bool:
        """After `QUIET`, let the unfinished line count; return whether it has."""
        if self._unsettled and at - self._metrics.last_output < QUIET:
            return False
        if self._unsettled:
            self._unsettled = False
            self._understand((), lambda: self._interpreter.idle(at))
        return True

    def check(self, at: int) -> None:
        """Look at the clock: does a stage last too long, was a shell left open?"""
        self._check_shell(at)
        self._losses.check(at)
        deadline = self._interpreter.deadline
        if deadline is not None and deadline <= at:
            self._understand((), lambda: self._interpreter.idle(at))

    def end_silence(self, at: int, revive: Callable[[str], bool]) -> None:
        """Have SoL activated again where a machine that should print does not.

        Args:
            at: stamp.
            revive: does it, told why in words; returns whether it may now.
        """
        now = self._situation()
        if not self._silence.is_suspicious(now, at):
            return
        stage = self._interpreter.stage
        silent = f"no output for {seconds(at - now.since)} s in stage {stage}"
        if revive(f"{silent} of a machine that is on"):
            self._silence.tried(now, at)

    def _situation(self) -> Situation:
        session, interpreter = self._session, self._interpreter
        since = interpreter.stage_since or 0
        return Situation(
            is_up=session.state is SessionState.UP,
            is_on=self._metrics.power_on,
            is_booting=interpreter.is_on_its_way,
            since=max(self._metrics.last_output, session.since, since),
            boot=self._boot_number(),
            offset=self._stream.offset,
        )

    def _check_shell(self, at: int) -> None:
        """Tell once of an unused shell: a door left open."""
        if self._attached:
            self._attended = at
        shell = self._interpreter.shell
        left_at = None if shell is None else max(shell.at, self._attended) + LEFT_AFTER
        is_left = left_at is not None and left_at <= at
        if is_left == self._metrics.left_logged_in:
            return
        self._metrics.left_logged_in = is_left
        if shell is not None and left_at is not None and is_left:
            # Not the time of this look: the same event after a restart.
            self._fanout.report(
                left_at,
                EventDraft(
                    Kind.OPERATOR,
                    "console_left_logged_in",
                    Severity.WARNING,
                    f"Left logged in: {shell.text[:80]}",
                ),
            )

    def _understand(
        self, chunks: Sequence[Chunk], interpret: Callable[[], Reading]
    ) -> None:
        """Interpret, then tell the sinks; a bug costs the meaning, never the bytes."""
        reading = self.guard.call(
            Part.ANALYSIS, lambda: self._read(chunks, interpret), None
        )
        if reading is None:
            self._missed_output = True
            reading = Reading()
        self._tell(chunks, reading)

    def _read(
        self, chunks: Sequence[Chunk], interpret: Callable[[], Reading]
    ) -> Reading:
        if self._missed_output:
            boot = self._interpreter.boot
            self._interpreter = self._new_interpreter(
                boot,
                first_boot=1 if boot is None else boot.boot,
                offset=self._stream.offset - sum([len(each.data) for each in chunks]),
            )
            self._missed_output = False
        return interpret()

    def _new_interpreter(
        self, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        interpreter = self._context.interpreter(
            self.name, boot, first_boot=first_boot, offset=offset
        )
        interpreter.limit(self._pace.limits(self._context.limits()))
        return interpreter

    def limit_stages(self) -> None:
        """Take the configured limits of stages again, and what this machine needs."""
        self._interpreter.limit(self._pace.limits(self._context.limits()))

    def _tell(self, chunks: Sequence[Chunk], reading: Reading) -> None:
        """Give it to the archive, or keep it for the next call; then to the others."""
        if self._unarchived:
            chunks = [*self._unarchived, *chunks]
        self._unarchived = list(chunks)
        self._fanout.record(chunks, reading)
        self._unarchived = []
        self.guard.call(Part.EVENTS, lambda: self._fanout.tell(chunks, reading), None)
        if any(boot.ended is not None for boot in reading.boots):
            self.guard.call(
                Part.ANALYSIS, lambda: self._learn_pace(reading.boots), None
            )

    def _learn_pace(self, boots: Sequence[Boot]) -> None:
        for boot in boots:
            if boot.ended is not None:
                self._pace.add(boot)
        self.limit_stages()

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
        now = self._wall_clock()
        self._session.went_on()
        pause = "" if since is None else f"{seconds(now - since)} s, "
        text = f"restart: {pause}session kept"
        log.info("session.resumed", console=self.name)
        if since is not None and output_waited and now - since > BMC_BUFFERS:
            pause = seconds(now - since)
            lost = f"{pause} s without a reader; the BMC may have dropped output"
            self._losses.mark(Gap(GapReason.SESSION, lost, since, now), now)
        self._seen = now
        self.interpret()
        self._fanout.note(now, text)
        draft = EventDraft(Kind.SESSION, "resumed", Severity.INFO, text)
        self._fanout.report(now, draft)

    def resumed(self) -> None:
        """Mark where a gap ends: bytes come again, or are about to."""
        now = self._wall_clock()
        self._session.resumed(now, self._last_sign)
        self._seen = now

    def mark_loss(self, gap: Gap) -> None:
        """Mark that output was lost just here."""
        self._losses.mark(gap, self._wall_clock())

    def line_seen(self, ago: float) -> None:
        """Learn how many seconds ago the line was certainly ours."""
        self._seen = max(self._seen, self._wall_clock() - round(ago * SECOND))

    @property
    def _last_sign(self) -> int:
        """Stamp of the last sign that the line was ours."""
        return max(self._seen, self._metrics.last_output)

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Learn what the keeper says of the session; only news become events."""
        now = self._wall_clock()
        self._session.changed(state, lost, retry_in, now, self._last_sign)
        if state is SessionState.UP:
            self._seen = now
        self._fanout.changed()

    def _end_line(self) -> None:
        """Have everything interpreted: what follows is not the rest of a line."""
        self.interpret()
        self._understand((), lambda: self._interpreter.gap())  # noqa: PLW0108

    def finish(self) -> None:
        """Tell what was held back so far; nothing more will come."""
        self._losses.check(self._wall_clock())

    def power_seen(self, *, on: bool | None) -> None:
        """Learn from the keeper whether the machine is on; None: it is unknown."""
        if on is not self._metrics.power_on:
            self._metrics.power_on = on
            self._fanout.changed()
        self._power.seen(on, self._interpreter.stage, self._wall_clock())

    def expect(self, ending: str | None, beginning: str | None = None) -> None:
        """Learn what a user asked of the machine's power.

        Args:
            ending: ``reset`` or ``off``; None: no boot ends, or the BMC did not do it.
            beginning: cause of the boot that follows; None: none does.
        """
        self.interpret()
        self._interpreter.expect(ending, self._wall_clock(), beginning)

    def _switch(self, on: bool, at: int) -> None:  # noqa: FBT001 - a callback
        """Let the boot end or begin with the power."""
        self.interpret()
        self._understand((), lambda: self._interpreter.power(on=on, at=at))

    # What people do, and ask.

    def note_act(self, act: OperatorAct, text: str, user: str) -> None:
        """Keep what a user did: a note in the log, an event, a line in our own log.

        Args:
            act: what it was.
            text: one line; control characters are taken out.
            user: who did it.
        """
        now = self._wall_clock()
        text = _CONTROL.sub(" ", text)[:NOTE_SIZE]
        log.info("console.operator", console=self.name, act=act, user=user)
        self.interpret()
        self._fanout.note(now, text)
        draft = EventDraft(
            Kind.OPERATOR, act.value, Severity.INFO, text, {"user": user}
        )
        self._fanout.report(now, draft)

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
        return self._interpreter.boot

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

    @property
    def session(self) -> SessionTracker:
        """Whether the session is up, since when, and why not."""
        return self._session

    def summary(self) -> dict[str, Any]:
        """Return the contract's ``ls`` object."""
        session, boot = self._session, self._interpreter.boot
        return {
            "console": self.name,
            "kind": self.config.kind,
            "session": session.state.value,
            "since": format_stamp(session.since),
            "power": str(self._power),
            "boot": None if boot is None else boot.boot,
            "stage": self._interpreter.stage.value,
            "stage_since": _stamp_or_none(self._interpreter.stage_since),
            "outcome": None if boot is None else boot.outcome.value,
            "title": None if boot is None else boot.title,
            "acknowledged": self._fanout.acknowledgement.as_dict(),
            "viewers": self._fanout.viewers + len(self._attached),
            "last_output": _stamp_or_none(self.last_output),
            "error": session.error or self.guard.error,
            "next_try": _stamp_or_none(session.next_try),
            "labels": dict(self.config.labels),
        }

    def details(self) -> dict[str, Any]:
        """Return the ``status`` object: the summary and everything else known."""
        boot = self._interpreter.boot
        return self.summary() | {
            "received_bytes": self._metrics.received_bytes,
            "gaps": sum(self._metrics.gaps.values()),
            "lost_bytes": sum(self._metrics.lost_bytes.values()),
            "network": self.counts.as_dict(),
            "left_logged_in": self._metrics.left_logged_in,
            "journal_refusing": self._refused_since is not None,
            "current": None if boot is None else boot.as_dict(),
        }


def _stamp_or_none(stamp: int | None) -> str | None:
    return None if stamp is None else format_stamp(stamp)
