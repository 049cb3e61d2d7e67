"""The wall clock as the recorder uses it: what jumps for a moment is not believed.

Stamps name segments and order them, and their differences are how long a stage took or
a gap was. A clock that is a year ahead for one look would end every stage, begin new
parts, and let retention delete an archive. So time goes on as the monotonic clock says
until another time has been the system's for `HOLD`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

SECOND = 1_000_000_000
"""Nanoseconds."""

STEP = 1 * SECOND
"""Differences up to here are followed at once: a clock is slewed, not set."""

HOLD = 10 * SECOND
"""For so long another time has to be the system's before it is ours."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Clock:
    """A wall clock, and how far it can be trusted."""

    now: Callable[[], int] = lambda: time.time_ns() // 1000
    """Returns a stamp."""
    steady_for: Callable[[], float] = lambda: math.inf
    """Returns for how many seconds it has not jumped."""


def _boot_time() -> int:
    """Return the nanoseconds of a clock that is never set, and that runs in sleep."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class SteadyClock:
    """Returns stamps when called; for any thread.

    Args:
        wall: the system's clock, nanoseconds since 1970.
        monotonic: nanoseconds since anything.
        ahead: nanoseconds that the right time was ahead of that clock when it was known
            last; None: the system's time is believed.
    """

    __slots__ = (
        "_ahead",
        "_began",
        "_candidate",
        "_jumped",
        "_monotonic",
        "_since",
        "_wall",
    )

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = _boot_time,
        *,
        ahead: int | None = None,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._began = monotonic()
        self._ahead = wall() - self._began if ahead is None else ahead
        """Nanoseconds that our time is ahead of the monotonic clock."""
        self._candidate: int | None = None
        """The same of the system's, where that has jumped."""
        self._since = 0
        self._jumped: int | None = None

    def __call__(self) -> int:
        """Return the stamp of now."""
        now = self._monotonic()
        ahead = self._wall() - now
        if -STEP <= ahead - self._ahead <= STEP:
            self._ahead, self._candidate = ahead, None
        else:
            self._judge(ahead, now)
        return (now + self._ahead) // 1000

    @property
    def steady_for(self) -> float:
        """Seconds since the system's clock has jumped last, or since the start.

        What it was before that start, or for how long, is not known.
        """
        self()
        since = self._began if self._jumped is None else self._jumped
        return (self._monotonic() - since) / SECOND

    def ahead(self) -> int:
        """Return the nanoseconds that our time is ahead of the monotonic clock."""
        self()
        return self._ahead

    def _judge(self, ahead: int, now: int) -> None:
        """Take a time that is not ours for what it is: a moment's, or the right one."""
        candidate = self._candidate
        if candidate is None or abs(ahead - candidate) > STEP:
            self._tell("clock.jumped", ahead, now)
            self._candidate, self._since, self._jumped = ahead, now, now
        elif now - self._since >= HOLD:
            log.warning("clock.followed", seconds=(ahead - self._ahead) / SECOND)
            self._ahead, self._candidate = ahead, None

    def _tell(self, event: str, ahead: int, now: int) -> None:
        """Log a jump; of many in a row the first."""
        if self._jumped is None or now - self._jumped > HOLD:
            log.warning(event, seconds=(ahead - self._ahead) / SECOND)
