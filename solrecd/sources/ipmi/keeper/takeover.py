"""Whether a console may be taken from the session that holds it.

Pure: the time is handed in.
"""

from __future__ import annotations

from collections.abc import Collection

from solrecd.sources.ipmi.options import IpmiOptions, OnConflict

TAKES, TAKES_WITHIN = 3, 600.0
"""Forced takes in so many seconds at most: two recorders must not fight without end."""


class Takeover:
    """Our claim to one console, under the policy that is configured."""

    def __init__(self, own_session_ids: Collection[int]) -> None:
        """Begin with a console that was never ours.

        Args:
            own_session_ids: of sessions that an earlier process of ours left: such an
                owner is not another client.
        """
        self._own_session_ids = own_session_ids
        self._takes: tuple[float, ...] = ()
        """When we took it, the last `TAKES` times."""
        self._conflict_since: float | None = None
        self._takes_next = False
        self.was_ours = False
        """We have held it; the session that holds it now took it from us."""

    def may_act(self, now: float) -> bool:
        """Whether one more take is within `TAKES` in `TAKES_WITHIN`."""
        return len(self._takes) < TAKES or now - self._takes[0] > TAKES_WITHIN

    def acted(self, now: float) -> None:
        """Count a take."""
        self._takes = (*self._takes, now)[-TAKES:]
        self._takes_next = False

    def take_next(self) -> None:
        """A person wants it now: the next answer is a take, whatever the policy."""
        self._takes_next = True

    def won(self) -> None:
        """It is ours."""
        self.was_ours = True
        self._takes_next = False
        self._own_session_ids = ()
        self._conflict_since = None

    def may_take(self, owner: int | None, config: IpmiOptions, now: float) -> bool:
        """Whether to take it from the session that holds it.

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
