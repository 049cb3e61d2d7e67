"""Boots that never get anywhere, one after the other. Pure.

One failed boot is a failure of its own; a machine that goes on like that all night is
another thing to be told, once, and with how far it ever came.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from solrecd.events import Boot, Outcome, Stage

LAPS: Final = 3
"""Beginnings without a login between them. Two happen by themselves: firmware resets
once after it trained memory or changed a setting, an installer reboots once."""

WITHIN: Final = 3_600_000_000
"""Microseconds from the first of those beginnings to the last. Large machines spend
ten minutes and more in each POST."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A machine goes in circles."""

    laps: int
    highest: Stage
    """The furthest that any of them came."""
    error: str | None
    """Title of the last one's worst failure."""

    @property
    def title(self) -> str:
        """One line for people."""
        return (
            f"Reboot loop: {self.laps} boots without a login, "
            f"none came further than {self.highest}"
        )


class LoopWatch:
    """Counts the laps of one console."""

    __slots__ = ("_laps", "_told")

    def __init__(self) -> None:
        # Begin, stage and title of boots that failed, the oldest first.
        self._laps: deque[tuple[int, Stage, str | None]] = deque(maxlen=LAPS - 1)
        self._told = False

    def lap(self, ended: Boot, at: int) -> Loop | None:
        """Take a boot that ended as another begins; tell of a loop once.

        Args:
            ended: the boot that is over.
            at: stamp of the next one's first output.
        """
        if Stage.LOGIN in ended.stages or ended.outcome is Outcome.SHUTDOWN:
            self._laps.clear()
            self._told = False
            return None
        furthest = max(map(Stage, ended.stages), key=_rank, default=ended.last_stage)
        self._laps.append((ended.started, furthest, ended.title))
        begun = self._laps[0][0]
        if self._told or len(self._laps) < LAPS - 1 or at - begun > WITHIN:
            return None
        self._told = True
        highest = max((stage for _, stage, _ in self._laps), key=_rank)
        errors = [title for _, _, title in self._laps if title]
        return Loop(LAPS, highest, errors[-1] if errors else None)


def _rank(stage: Stage) -> int:
    return stage.rank
