"""Whether a console may be taken from whoever holds it, and how long to wait between.

Pure: the time is handed in.
"""

from __future__ import annotations

import random
from collections.abc import Collection

from solrecd.sources.ipmi.options import IpmiOptions, OnConflict

BACKOFF_FIRST = 1.0
BACKOFF_LAST = 60.0
"""Seconds; ConMan's 30 minutes miss a whole boot."""

TAKES, TAKES_WITHIN = 3, 600.0
"""Forced takes in so many seconds at most: two recorders must not fight for ever."""


class Backoff:
    """Seconds to wait between attempts: doubling, capped, with full jitter."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ceiling = BACKOFF_FIRST

    def next(self) -> float:
        """Return the next wait and double the one after it."""
        wait = self._rng.uniform(self._ceiling / 2, self._ceiling)
        self._ceiling = min(self._ceiling * 2, BACKOFF_LAST)
        return wait

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self._ceiling = BACKOFF_FIRST


class Takeover:
    """Our claim to one console, under the policy that is configured."""

    def __init__(self, own_session_ids: Collection[int]) -> None:
        """Begin with a console that was never ours.

        Args:
            own_session_ids: of sessions that an earlier process of ours left: such an
                owner is no other client.
        """
        self._own_session_ids = own_session_ids
        self._takes: tuple[float, ...] = ()
        """When we took it, the last `TAKES` times."""
        self._conflict_since: float | None = None
        self._takes_next = False
        self.was_ours = False
        """We have held it; who holds it now took it from us."""

    def may_act(self, now: float) -> bool:
        """Whether one more take is within `TAKES` in `TAKES_WITHIN`."""
        return len(self._takes) < TAKES or now - self._takes[0] > TAKES_WITHIN

    def acted(self, now: float) -> None:
        """Count a take."""
        self._takes = (*self._takes, now)[-TAKES:]
        self._takes_next = False

    def take_next(self) -> None:
        """Somebody wants it now: the next answer is a take, whatever the policy."""
        self._takes_next = True

    def won(self) -> None:
        """It is ours."""
        self.was_ours = True
        self._takes_next = False
        self._own_session_ids = ()
        self._conflict_since = None

    def may_take(self, owner: int | None, config: IpmiOptions, now: float) -> bool:
        """Whether to take it from who holds it.

        Args:
            owner: the session ID that the BMC tells; None: it tells none.
            config: the policy, as configured now.
            now: monotonic time.
        """
        if self._takes_next:
            return True
        if self._conflict_since is None:
            self._conflict_since = now
        if owner is not None and owner in self._own_session_ids:
            return self.may_act(now)
        patience_is_over = now - self._conflict_since >= config.yield_for
        match config.on_stolen if self.was_ours else config.on_conflict:
            case OnConflict.WAIT:
                return False
            case OnConflict.YIELD:
                return patience_is_over and self.may_act(now)
            case OnConflict.TAKE:
                return self.may_act(now)
