"""Whether the recorder itself is what holds the machines' output up.

Everything of one process runs in one loop, so it can do no more once that loop never
waits. Then sessions stay up and logins go first (`sources.ipmi.link.backlog`), and the
machines are held up by the flow control of what is between us and them; they are slower
for it, which their owners want to know.

How busy the loop is: the share of the time that it did not spend waiting for sockets
and timers. A host that gives the process no processor makes it as busy.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
import trio

from solrecd.events.event import Event, Kind, Severity

WINDOW = 5.0
"""Seconds over which the share is taken: shorter bursts are no trouble."""

SATURATED = 0.95
"""Share of the loop's time from which on it is saturated."""

RELIEVED = 0.8
"""Below this it is over; the distance keeps it from being told every few seconds."""

log = structlog.get_logger()


def is_saturated(was_saturated: bool, share: float) -> bool:  # noqa: FBT001
    """Return whether the loop is saturated after a window, with hysteresis.

    Args:
        was_saturated: after the window before.
        share: of the window that the loop was busy, 0-1.
    """
    return share >= (RELIEVED if was_saturated else SATURATED)


class LoopLoad(trio.abc.Instrument):
    """Adds up how long the loop waits.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waits_since: float | None = None
        self._waited = 0.0
        self._begun = clock()

    def before_io_wait(self, timeout: float) -> None:
        """The loop has nothing to do for so long, or (0) looks for news only."""
        if timeout > 0:
            self._waits_since = self._clock()

    def after_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - Instrument's
        """There is something to do."""
        if self._waits_since is not None:
            self._waited += self._clock() - self._waits_since
            self._waits_since = None

    def share(self) -> float:
        """Return the share of the time since the last call that it was busy, 0-1."""
        now = self._clock()
        elapsed, waited = now - self._begun, self._waited
        self._begun, self._waited = now, 0.0
        return 1 - waited / elapsed if elapsed > 0 else 0.0


class Saturation:
    """Tells when the loop is saturated, and when that is over.

    Args:
        show: takes whether it is, for the metrics.
        tell: takes the events, which belong to no console.
        wall_clock: stamps.
    """

    def __init__(
        self,
        show: Callable[[bool], None],
        tell: Callable[[tuple[Event, ...]], object],
        wall_clock: Callable[[], int],
    ) -> None:
        self._show = show
        self._tell = tell
        self._wall_clock = wall_clock
        self._is_saturated = False

    async def run(self) -> None:
        """Watch the loop that runs this, until cancelled."""
        load = LoopLoad(trio.current_time)
        trio.lowlevel.add_instrument(load)
        try:
            while True:
                await trio.sleep(WINDOW)
                self.look(load.share())
        finally:
            trio.lowlevel.remove_instrument(load)

    def look(self, share: float) -> None:
        """Compare a window with the one before, and tell what changed."""
        before, self._is_saturated = (
            self._is_saturated,
            is_saturated(self._is_saturated, share),
        )
        if self._is_saturated == before:
            return
        self._show(self._is_saturated)
        if self._is_saturated:
            name, severity = "saturated", Severity.ERROR
            title = "the recorder is the bottleneck: machines wait for it to print"
        else:
            name, severity = "relieved", Severity.INFO
            title = "the recorder keeps up with its machines again"
        log.info("recorder.load", name=name, busy=round(share, 2))
        event = Event(
            time=self._wall_clock(),
            console="",
            kind=Kind.FAILURE,
            name=name,
            severity=severity,
            title=title,
        )
        self._tell((event,))
