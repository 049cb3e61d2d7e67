"""One console's story: bytes from the link, understood, handed to the sinks.

`Console.record` is the hot path and the promise: what it returns True for is in the
journal, and only then is the packet acknowledged. Everything else happens in batches
up to 100 ms later, in `interpret`: one call of the interpreter, then each sink gets
the result, the archive first. Notes (gaps, losses) force an interpretation first, so
that they stand in the log exactly between the bytes they lie between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import structlog

from solrecd.boot.pace import Pace
from solrecd.config import ConsoleConfig
from solrecd.events import (
    Boot,
    Chunk,
    Event,
    GapReason,
    Kind,
    Lost,
    LostReason,
    Reading,
    SessionState,
    Severity,
    Stage,
    format_stamp,
)
from solrecd.interpreter import Interpreter
from solrecd.ipmi.events import SolLoss
from solrecd.metrics import ConsoleMetrics
from solrecd.sinks.archive import ArchiveSink, OpenedConsole
from solrecd.sinks.index import IndexSink
from solrecd.sinks.viewers import Viewers

SECOND = 1_000_000
"""Microseconds in a second; stamps are counted in these."""

QUIET = SECOND // 4
"""Silence after which an unfinished line counts: a prompt never ends with a newline."""

LEFT_AFTER = 15 * 60 * SECOND
"""A shell prompt that nobody answered for so long was left behind. Whoever types moves
the unfinished line, so somebody at work is never meant."""

_LOGGED = frozenset({Kind.FAILURE, Kind.STUCK})
"""What a boot does that the daemon's own log tells as well."""

log = structlog.get_logger()

_UNREACHABLE = frozenset(
    {LostReason.NAME_UNRESOLVED, LostReason.UNREACHABLE, LostReason.BMC_TIMEOUT}
)
"""Losses that mean that the BMC itself does not answer."""

_BELIEVED_FROM_STAGE: Mapping[Stage, bool | None] = MappingProxyType(
    {Stage.UNKNOWN: None, Stage.OFF: False}
)
"""What is believed of the power before the BMC told; in any other stage it is on."""

_POWER_WORDS: Mapping[bool | None, str] = MappingProxyType(
    {True: "on", False: "off", None: "unknown"}
)

_SEVERITY = {
    SessionState.UP: Severity.INFO,
    SessionState.CONNECTING: Severity.INFO,
    SessionState.YIELDED: Severity.WARNING,
    SessionState.FOREIGN: Severity.WARNING,
    SessionState.DOWN: Severity.ERROR,
}


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where the story of a console goes, in the order in which it is told."""

    archive: ArchiveSink
    index: IndexSink
    viewers: Viewers


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
class Surroundings:
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
class Past:
    """What is known of a console before this daemon."""

    boot: Boot | None
    """The boot that goes on; None: the next byte begins one."""
    pace: Pace
    """How long its stages take normally."""
    told: int
    """Stamp of the newest event that was read in its output."""


@dataclass(slots=True)
class _Session:
    """What is known of the session; `since` and `down_since` are stamps."""

    state: SessionState
    since: int
    lost: Lost | None = None
    next_try: int | None = None
    down_since: int | None = None
    """When recording stopped; None while it runs and before it first ran."""
    cause: LostReason = LostReason.STOPPED
    """What stopped it."""


@dataclass(slots=True)
class _Power:
    """Whether the machine is on."""

    now: bool | None = None
    """As the BMC says; None while nobody can tell."""
    believed: bool | None = None
    """As it said last, also when the session is gone; None before it said anything."""


class Console:
    """One console between its link and the sinks; belongs to the event loop.

    Args:
        config: may be replaced while the console lives, by `Supervisor.reload`.
        opened: where its archive goes on.
        past: what is known of it.
        metrics: its numbers.
        around: what it shares with its neighbours.
    """

    def __init__(
        self,
        config: ConsoleConfig,
        opened: OpenedConsole,
        past: Past,
        metrics: ConsoleMetrics,
        around: Surroundings,
    ) -> None:
        self.config = config
        self.name = config.name
        self._around = around
        self._sinks = around.sinks
        self._wall_clock = around.wall_clock
        self._metrics = metrics
        self._stream = opened.stream
        self._append = opened.stream.append
        self._pace = past.pace
        self._interpreter = self._new_interpreter(
            past.boot, first_boot=opened.boot + 1, offset=opened.offset
        )
        self._unread: list[Chunk] = []
        self._refused_since: int | None = None
        self._unsettled = False
        self._power = _Power()
        self._session = _Session(
            SessionState.CONNECTING,
            since=self._wall_clock(),
            down_since=opened.last_output,
        )
        self._resume(opened, past)

    def _resume(self, opened: OpenedConsole, past: Past) -> None:
        """Read the boot's archived end again, then what was journalled only."""
        reading = self._interpreter.feed(opened.restored)
        boot = past.boot
        if boot is not None:
            self._interpreter.recall(boot, opened.boot_offset)
            reading.boots = [self._interpreter.boot or boot]
        reading.events += self._interpreter.idle(self._wall_clock()).events
        reading.events = [each for each in reading.events if each.time > past.told]
        self._tell((), reading)
        if boot is not None and boot.ended is not None:
            # It ended with the power, of which its bytes say nothing.
            self._interpreter.power(on=False, at=boot.ended)
        if opened.pending:
            self._understand(
                opened.pending, lambda: self._interpreter.feed(opened.pending)
            )
        self._metrics.last_output = opened.last_output or 0
        self._metrics.enter(self._interpreter.stage, self._interpreter.stage_since or 0)

    # The hot path.

    def record(self, data: bytes) -> bool:
        """Put console output into the journal; False when that is full."""
        at = self._wall_clock()
        if not self._append(at, data):
            return self._refuse(at)
        if self._refused_since is not None:
            self._accept_again(at)
        if not self._unread:
            self._around.wake(self)
        self._unread.append(Chunk(at, data))
        metrics = self._metrics
        metrics.last_output = at
        metrics.received_bytes += len(data)
        return True

    def _refuse(self, at: int) -> bool:
        if self._refused_since is None:
            self._refused_since = at
        return False

    def _accept_again(self, at: int) -> None:
        """Mark what the BMC may have dropped while we acknowledged nothing."""
        since = self._refused_since or at
        self._refused_since = None
        self._note_gap(
            GapReason.JOURNAL_FULL,
            f"{_seconds(at - since)} s without room in the journal; "
            "the BMC may have dropped output",
            at,
        )

    # Understanding, in batches.

    def interpret(self) -> None:
        """Give what arrived since the last call to the interpreter and the sinks."""
        if not self._unread:
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
        deadline = self._interpreter.deadline
        if deadline is not None and deadline <= at:
            self._understand((), lambda: self._interpreter.idle(at))

    def _check_shell(self, at: int) -> None:
        """Tell once of a shell that nobody uses: a door left open."""
        shell = self._interpreter.shell
        left = shell is not None and at - shell.at >= LEFT_AFTER
        if left == self._metrics.left_logged_in:
            return
        self._metrics.left_logged_in = left
        if shell is not None and left:
            self._raise_event(
                Event(
                    # Not the time of this look: the same event after a restart.
                    time=shell.at + LEFT_AFTER,
                    console=self.name,
                    boot=self._boot_number,
                    kind=Kind.OPERATOR,
                    name="console_left_logged_in",
                    severity=Severity.WARNING,
                    title=f"Left logged in: {shell.text[:80]}",
                )
            )

    def _understand(
        self, chunks: Sequence[Chunk], interpret: Callable[[], Reading]
    ) -> None:
        """Interpret, then tell the sinks; a bug costs the meaning, never the bytes."""
        try:
            reading = interpret()
        except Exception:
            log.exception("interpreter.crashed", console=self.name)
            reading = Reading()
            boot = self._interpreter.boot
            self._interpreter = self._new_interpreter(
                boot,
                first_boot=1 if boot is None else boot.boot,
                offset=self._stream.offset,
            )
        self._tell(chunks, reading)

    def _new_interpreter(
        self, boot: Boot | None, *, first_boot: int, offset: int
    ) -> Interpreter:
        interpreter = self._around.interpreter(
            self.name, boot, first_boot=first_boot, offset=offset
        )
        interpreter.limit(self._pace.limits(self._around.limits()))
        return interpreter

    def limit_stages(self) -> None:
        """Take the configured limits of stages anew, and what this machine needs."""
        self._interpreter.limit(self._pace.limits(self._around.limits()))

    def _tell(self, chunks: Sequence[Chunk], reading: Reading) -> None:
        self._sinks.archive.offer(self.name, chunks, reading)
        if reading.events or reading.boots:
            self._sinks.index.offer(reading.events, reading.boots)
        self._sinks.viewers.offer(self.name, reading.lines, reading.events)
        self._metrics.read(reading)
        for boot in reading.boots:
            if boot.ended is not None:
                self._pace.add(boot)
                self.limit_stages()
        for event in reading.events:
            if event.kind in _LOGGED:
                log.warning(
                    "console.event",
                    console=self.name,
                    kind=event.kind,
                    boot=event.boot,
                    name=event.name,
                    title=event.title,
                )

    # Losses and the session.

    @property
    def offset(self) -> int:
        """Bytes of this console ever recorded."""
        return self._stream.offset

    def mark_restart(self, since: int) -> None:
        """Mark that an earlier daemon's session goes on here: no gap, but a pause."""
        now = self._wall_clock()
        self._session.down_since = None
        text = f"restart: {_seconds(now - since)} s, session kept"
        log.info("session.resumed", console=self.name)
        self.interpret()
        self._sinks.archive.note(self.name, now, text)
        self._raise_event(
            Event(
                time=now,
                console=self.name,
                boot=self._boot_number,
                kind=Kind.SESSION,
                name="resumed",
                severity=Severity.INFO,
                title=text,
            )
        )

    def mark_loss(self, loss: SolLoss) -> None:
        """Mark that the BMC lost output just here."""
        lost = "an unknown number of" if loss.count is None else str(loss.count)
        text = f"{lost} bytes lost ({loss.reason})"
        if loss.packets is not None:
            text += f"; the BMC left out {loss.packets} packet numbers"
        self._note_gap(loss.reason, text, self._wall_clock(), loss)

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Learn what the keeper says of the session; only news become events."""
        now = self._wall_clock()
        session = self._session
        news = (state, lost) != (session.state, session.lost)
        session.next_try = None if retry_in is None else now + int(retry_in * SECOND)
        if not news:
            return
        self._account(state, lost, now)
        if lost is not None:
            self._metrics.bmc_reachable = int(lost.reason not in _UNREACHABLE)
        if state is SessionState.CONNECTING and session.lost is not None:
            # One more try after a failure is no news; its result will be.
            session.state = state
            return
        session.state, session.since, session.lost = state, now, lost
        self._announce(state, lost, now)

    def _account(self, state: SessionState, lost: Lost | None, now: int) -> None:
        """Note the gap when recording goes on, and when it stopped."""
        session = self._session
        if state is SessionState.UP:
            if session.down_since is not None:
                length = now - session.down_since
                text = f"{_seconds(length)} s without a session ({session.cause})"
                self._note_gap(GapReason.SESSION, text, now)
            session.down_since = None
            self._metrics.session_up = self._metrics.bmc_reachable = 1
        elif session.state is SessionState.UP and lost is not None:
            session.down_since, session.cause = now, lost.reason
            self._metrics.session_lost(lost.reason)
        if state is not SessionState.UP:
            self._metrics.session_up = 0

    def _announce(self, state: SessionState, lost: Lost | None, now: int) -> None:
        title = f"session {state}"
        if lost is None:
            log.info("session.changed", console=self.name, state=state)
        else:
            title += f": {lost.detail or lost.reason}"
            log.warning(
                "session.changed",
                console=self.name,
                state=state,
                reason=lost.reason,
                detail=lost.detail,
                retry_in=self._retry_in(now),
            )
        self._raise_event(
            Event(
                time=now,
                console=self.name,
                boot=self._boot_number,
                kind=Kind.SESSION,
                name=state.value,
                severity=_SEVERITY[state],
                title=title,
                fields={} if lost is None else {"reason": lost.reason.value},
            )
        )

    def _retry_in(self, now: int) -> float | None:
        next_try = self._session.next_try
        return None if next_try is None else round((next_try - now) / SECOND, 1)

    def _note_gap(
        self,
        reason: GapReason,
        text: str,
        at: int,
        loss: SolLoss | None = None,
    ) -> None:
        loss = loss or SolLoss(reason)
        known = {"bytes": loss.count, "packets": loss.packets}
        self.interpret()
        self._understand((), self._interpreter.gap)
        self._metrics.gap(reason, loss.count or 0)
        self._sinks.archive.note(self.name, at, f"gap: {text}")
        self._raise_event(
            Event(
                time=at,
                console=self.name,
                boot=self._boot_number,
                kind=Kind.GAP,
                name=reason.value,
                severity=Severity.WARNING,
                title=text,
                fields={key: n for key, n in known.items() if n is not None},
            )
        )

    # The power.

    def power_seen(self, *, on: bool | None) -> None:
        """Learn from the keeper whether the machine is on; None: nobody can tell."""
        power, before = self._power, self._power.believed
        self._metrics.power_on = power.now = on
        if on is None or on == before:
            return
        power.believed = on
        if before is None:
            before = _BELIEVED_FROM_STAGE.get(self._interpreter.stage, True)
        if on != before:
            self._power_changed(on=on, announced=before is not None)

    def _power_changed(self, *, on: bool, announced: bool) -> None:
        """Let the boot end or begin, and tell it where it is news."""
        now = self._wall_clock()
        if on and not announced:
            # Met in mid-stream: it has been on for longer than we know.
            return
        self.interpret()
        self._understand((), lambda: self._interpreter.power(on=on, at=now))
        if announced:
            self._tell_power(on=on, at=now)

    def _tell_power(self, *, on: bool, at: int) -> None:
        name = "on" if on else "off"
        log.info("console.power", console=self.name, power=name)
        self._sinks.archive.note(self.name, at, f"power: {name}")
        self._raise_event(
            Event(
                time=at,
                console=self.name,
                boot=self._boot_number,
                kind=Kind.POWER,
                name=name,
                severity=Severity.INFO,
                title=f"power {name}",
            )
        )

    def _raise_event(self, event: Event) -> None:
        self._sinks.index.offer((event,), ())
        self._sinks.viewers.offer(self.name, (), (event,))
        self._metrics.saw(event)

    # What people ask.

    @property
    def _boot_number(self) -> int | None:
        boot = self._interpreter.boot
        return None if boot is None else boot.boot

    @property
    def session_state(self) -> SessionState:
        """Whether the session is up, and why not."""
        return self._session.state

    def summary(self) -> dict[str, Any]:
        """Return the contract's ``ls`` object."""
        session, boot = self._session, self._interpreter.boot
        return {
            "console": self.name,
            "session": session.state.value,
            "since": format_stamp(session.since),
            "power": _POWER_WORDS[self._power.now],
            "boot": None if boot is None else boot.boot,
            "stage": self._interpreter.stage.value,
            "stage_since": _stamp_or_none(self._interpreter.stage_since),
            "outcome": None if boot is None else boot.outcome.value,
            "viewers": self._sinks.viewers.count(self.name),
            "last_output": _stamp_or_none(self._metrics.last_output or None),
            "error": None if session.lost is None else _explain(session.lost),
            "next_try": _stamp_or_none(session.next_try),
            "labels": dict(self.config.labels),
        }

    def details(self) -> dict[str, Any]:
        """Return the ``status`` object: the summary and everything else known."""
        boot = self._interpreter.boot
        config = self.config
        return self.summary() | {
            "bmc": config.host
            if config.port == 623
            else f"{config.host}:{config.port}",
            "username": config.username.decode(errors="replace"),
            "received_bytes": self._metrics.received_bytes,
            "gaps": sum(self._metrics.gaps.values()),
            "left_logged_in": self._metrics.left_logged_in,
            "journal_refusing": self._refused_since is not None,
            "current": None if boot is None else boot.as_dict(),
        }


def _seconds(microseconds: int) -> str:
    return f"{microseconds / SECOND:.1f}"


def _stamp_or_none(stamp: int | None) -> str | None:
    return None if stamp is None else format_stamp(stamp)


def _explain(lost: Lost) -> str:
    return f"{lost.reason}: {lost.detail}" if lost.detail else lost.reason.value
