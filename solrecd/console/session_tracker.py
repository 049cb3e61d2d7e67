"""The story of a console's session: only news are told, and every gap is marked.

Where a gap is, `solrecd.console.recording` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog

from solrecd.console.event_fanout import SECOND, EventFanout, at_most, seconds
from solrecd.console.recording import STEPS, Given, Recording
from solrecd.events.event import EventDraft, Kind, Severity
from solrecd.events.gaps import Gap, GapReason
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.metrics import ConsoleMetrics
from solrecd.process.transitions import look_up

log = structlog.get_logger()

_UNREACHABLE = frozenset(
    {LostReason.NAME_UNRESOLVED, LostReason.UNREACHABLE, LostReason.BMC_TIMEOUT}
)
"""Losses that mean that the BMC itself does not answer."""

_SEVERITY: Mapping[SessionState, Severity] = MappingProxyType(
    {
        SessionState.UP: Severity.INFO,
        SessionState.CONNECTING: Severity.INFO,
        SessionState.YIELDED: Severity.WARNING,
        SessionState.FOREIGN: Severity.WARNING,
        SessionState.DOWN: Severity.ERROR,
    }
)

_NOTABLE = frozenset({LostReason.STOLEN, LostReason.SILENT})
"""Losses that are worth a warning, although the session is back in a moment."""

BMC_BUFFERS = 3 * SECOND
"""How long a BMC surely keeps output for a reader that is away. What it sends meanwhile
waits in our socket; what queues up behind that it throws away when it gives up, and no
number is missing then. Boards are set to 7 retries each 480 ms, or more;
ipmi_sim threw 2.8 KB away in each of three pauses of 6 to 7 s, in no shorter one."""

MarkGap = Callable[[Gap, int], None]
"""Marks a gap at a stamp."""

Note = Callable[[int, str], None]
"""Writes a note at a stamp, behind everything that came so far."""


class SessionTracker:
    """What is known of a session, and what of it is news.

    Args:
        fanout: is told the news.
        metrics: the console's numbers.
        mark_gap: marks a gap in its place between the bytes.
        note: writes a note there.
        now: stamp.
        resumed: stamp of the last byte that an earlier daemon recorded; the time since
            then is a gap. None for a console never recorded before.
    """

    __slots__ = (
        "_cause",
        "_fanout",
        "_mark_gap",
        "_metrics",
        "_note",
        "_recording",
        "_seen",
        "_stopped_at",
        "lost",
        "next_try",
        "since",
        "state",
    )

    def __init__(
        self,
        fanout: EventFanout,
        metrics: ConsoleMetrics,
        mark_gap: MarkGap,
        note: Note,
        *,
        now: int,
        resumed: int | None,
    ) -> None:
        self.state = SessionState.CONNECTING
        self.since = now
        """Stamp."""
        self.lost: Lost | None = None
        """Why it is not up."""
        self.next_try: int | None = None
        """Stamp."""
        self._fanout = fanout
        self._metrics = metrics
        self._mark_gap = mark_gap
        self._note = note
        self._seen = 0
        """Stamp of the last sign, apart from output, that the line was ours."""
        self._recording = Recording.NONE if resumed is None else Recording.STOPPED
        self._stopped_at = now if resumed is None else resumed
        """Stamp: the last sign of the line before recording stopped."""
        self._cause = Lost(LostReason.STOPPED)
        """What stopped it."""
        metrics.session_entered(self.state, now, None)

    def resumed(self, now: int) -> None:
        """Bytes come again, or are about to: a gap ends here, before them.

        Args:
            now: stamp.
        """
        self._step(Given.BYTES, now, self._last_sign)
        self._seen = now

    def line_seen(self, at: int) -> None:
        """The line was certainly ours at this stamp."""
        self._seen = max(self._seen, at)

    @property
    def _last_sign(self) -> int:
        """Stamp of the last sign that the line was ours."""
        return max(self._seen, self._metrics.last_output)

    def went_on(self, now: int, since: int | None, *, output_waited: bool) -> None:
        """An earlier daemon's session is ours now: there is no gap, but a pause.

        Args:
            now: stamp.
            since: stamp at which that daemon was last known to work; None: unknown.
            output_waited: the machine printed meanwhile: only then may something
                have been thrown away.
        """
        self._step(Given.KEPT, self.since, self.since)
        self._seen = now
        log.info("session.resumed", console=self._fanout.console)
        paused = "" if since is None else f"{seconds(now - since)} s"
        if since is not None and output_waited and now - since > BMC_BUFFERS:
            lost = f"{paused} without a reader; the BMC may have dropped output"
            self._mark_gap(Gap(GapReason.SESSION, lost, since, now), now)
        text = f"restart: {paused}, session kept" if paused else "restart: session kept"
        self._note(now, text)
        draft = EventDraft(Kind.SESSION, "resumed", Severity.INFO, text)
        self._fanout.report(now, draft)

    def _step(
        self, given: Given, now: int, last_sign: int, lost: Lost | None = None
    ) -> None:
        before, step = self._recording, look_up(STEPS, self._recording, given)
        if step.ends_gap:
            stopped = before is Recording.STOPPED
            self._note_gap(self._stopped_at if stopped else last_sign, now)
        self._recording = step.to
        if step.to is Recording.STOPPED and before is not Recording.STOPPED:
            self._stopped_at, self._cause = last_sign, lost or self._cause

    def changed(
        self,
        state: SessionState,
        lost: Lost | None,
        retry_in: float | None,
        now: int,
    ) -> None:
        """Take what the source says; repeated tries are not reported, their result is.

        Args:
            state: of the session.
            lost: why it is not up.
            retry_in: seconds to the next try.
            now: stamp.
        """
        self._hear(state, lost, retry_in, now)
        if state is SessionState.UP:
            self._seen = now

    def _hear(
        self,
        state: SessionState,
        lost: Lost | None,
        retry_in: float | None,
        now: int,
    ) -> None:
        self.next_try = None if retry_in is None else now + int(retry_in * SECOND)
        if (state, lost) == (self.state, self.lost):
            return
        self._account(state, lost, now)
        if state is SessionState.CONNECTING and self.lost is not None:
            self.state = state
            return
        self.state, self.since, self.lost = state, now, lost
        reason = None if lost is None else lost.reason
        self._metrics.session_entered(state, now, reason)
        self._announce(now)

    def _account(self, state: SessionState, lost: Lost | None, now: int) -> None:
        """Count what was said, and note when recording goes on or stops."""
        metrics, last_sign = self._metrics, self._last_sign
        metrics.session_up = int(state is SessionState.UP)
        if state is SessionState.UP:
            metrics.bmc_reachable = 1
            self._step(Given.UP, now, last_sign)
        elif lost is None:
            self._step(Given.TRYING, now, last_sign)
        else:
            metrics.bmc_reachable = int(lost.reason not in _UNREACHABLE)
            if self.state is SessionState.UP:
                metrics.session_lost(lost.reason)
            self._step(Given.LOST, now, last_sign, lost)

    def _note_gap(self, since: int, now: int) -> None:
        cause = self._cause
        text = f"{at_most(now - since)} s without a session ({cause.reason})"
        if cause.reason is LostReason.SILENT:
            # Whatever the machine printed into the dead line is missing as well.
            text += f"; {cause.detail}"
        self._mark_gap(Gap(GapReason.SESSION, text, since, now), now)

    def _announce(self, now: int) -> None:
        lost = self.lost
        if lost is None:
            log.info("session.changed", console=self._fanout.console, state=self.state)
        else:
            log.warning(
                "session.changed",
                console=self._fanout.console,
                state=self.state,
                reason=lost.reason,
                detail=lost.detail,
                retry_in=self._retry_in(now),
            )
        because = "" if lost is None else f": {lost.detail or lost.reason}"
        self._fanout.report(
            now,
            EventDraft(
                Kind.SESSION,
                self.state.value,
                self._severity(),
                f"session {self.state}{because}",
                {} if lost is None else {"reason": lost.reason.value},
            ),
        )

    def _severity(self) -> Severity:
        severity = _SEVERITY[self.state]
        if self.lost is not None and self.lost.reason in _NOTABLE:
            return Severity.WARNING if severity is Severity.INFO else severity
        return severity

    def _retry_in(self, now: int) -> float | None:
        if self.next_try is None:
            return None
        return round((self.next_try - now) / SECOND, 1)

    @property
    def error(self) -> str | None:
        """Why it is not up, in one line."""
        lost = self.lost
        if lost is None:
            return None
        return f"{lost.reason}: {lost.detail}" if lost.detail else lost.reason.value
