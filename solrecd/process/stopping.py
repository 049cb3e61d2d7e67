"""How long a stop may take, and who ends the process when it does not end by itself.

A stop is over in `LIMIT` seconds, whatever hangs. Its phases share that time: each may
use what those before it have left. What does not end in its phase is left behind:
tasks are cancelled, their threads abandoned (`process.threads`), and the next start
goes on from the journal, as it would after a kill -9. Every shield in this program has
a limit of its own, which fits into the phase in which it may be met.
"""

from __future__ import annotations

import enum
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType
from typing import Final

import structlog

from solrecd.process.threads import hanging

LIMIT: Final = 20.0
"""Seconds from the signal to the end of the process; TimeoutStopSec has room for it."""

EXIT_RESERVE: Final = 1.0
"""Seconds of it in which the process only has to go away."""

FORCED: Final = 1
"""Exit status of a stop that had to be cut short: its event loop was stuck."""

_STUCK = (
    b"solrecd: stop: the event loop did not end within 19 s; ended without it,"
    b" the next start goes on from the journal\n"
)

log = structlog.get_logger()


class Phase(enum.Enum):
    """What a stop does, in order; the value is the seconds after which it is over.

    Counted from the signal, so that a phase that is over early leaves its time to the
    next.
    """

    QUESTION = 5.0
    """The service manager is asked whether this is a restart."""
    GOODBYES = 8.0
    """Sessions are closed or handed over, what has come is interpreted."""
    WRITING = 15.0
    """Archive, index and alerts write what they have."""
    SERVICES = 18.0
    """API, metrics, shippers and programs end."""


class Stop:
    """The deadlines of one stop.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.last_resort: LastResort | None = None
        """Ends a stop whose event loop is stuck; None: nothing does."""
        self._clock = clock
        self._began: float | None = None

    def begin(self) -> None:
        """Note that the signal has come; the first call counts."""
        if self._began is None:
            self._began = self._clock()

    @property
    def lasts(self) -> float:
        """Seconds since it began; 0 before."""
        return 0.0 if self._began is None else self._clock() - self._began

    def deadline(self, phase: Phase) -> float:
        """Return when a phase is over, by the clock; of a stop that has begun."""
        began = self._clock() if self._began is None else self._began
        return began + phase.value

    def watched(self, *signals: signal.Signals) -> AbstractContextManager[None]:
        """Have the last resort armed by the first of these signals, if there is one."""
        if self.last_resort is None:
            return nullcontext()
        return self.last_resort.listening(*signals)

    def tell_what_hangs(self) -> None:
        """Log which threads are left behind, and what becomes of their work."""
        seconds = round(self.lasts, 1)
        for job in hanging():
            log.warning(
                "stop.gave_up", waiting_for=job.name, after=seconds, then=job.afterwards
            )


class LastResort:
    """Ends the process when a stop does not, because its event loop is stuck.

    Args:
        limit: seconds from the signal.
        end: called in a thread, and does not return.
    """

    def __init__(
        self,
        limit: float = LIMIT - EXIT_RESERVE,
        end: Callable[[], object] | None = None,
    ) -> None:
        self._limit = limit
        self._end = end or _end_process
        self._is_armed = False

    @contextmanager
    def listening(self, *signals: signal.Signals) -> Iterator[None]:
        """Be armed by the first of these signals, besides what they do already.

        For the main thread. Python runs handlers between two instructions, and in a
        system call that a signal interrupts: also where the loop waits for a log that
        is not read.
        """
        handlers = {number: signal.getsignal(number) for number in signals}
        for number, handler in handlers.items():
            signal.signal(number, self._followed_by(handler))
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _followed_by(self, handler: object) -> Callable[[int, FrameType | None], None]:
        def arm_and_handle(number: int, frame: FrameType | None) -> None:
            self.arm()
            if callable(handler):
                handler(number, frame)

        return arm_and_handle

    def arm(self) -> None:
        """Let the time run; the first call counts."""
        if not self._is_armed:
            self._is_armed = True
            threading.Thread(target=self._wait, name="last resort", daemon=True).start()

    def _wait(self) -> None:
        threading.Event().wait(self._limit)
        self._end()


def _end_process() -> None:
    """Say so where that does not wait, and end without any cleaning up."""
    _, writable, _ = select.select([], [2], [], 0)
    if writable:
        os.write(2, _STUCK)
    os._exit(FORCED)
