"""How long a console's stages normally take, and from when on that is too long. Pure.

A stage time-out that fits all machines fits none: one trains a terabyte of memory for
six minutes, the next should be at its kernel in twenty seconds. The configured limit
is the least; a machine whose own good boots took longer gets a multiple of those.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from solrecd.analysis.boot.progress import HELPED
from solrecd.events.boots import Boot, Outcome
from solrecd.events.stages import Stage

BOOTS: Final = 20
"""Good boots remembered of each console, the newest."""

FACTOR: Final = 3.0
"""How many times the normal length is too long."""

PERCENTILE: Final = 0.95
"""Share of the good boots that were as quick as the normal length, or quicker."""

GOOD: Final = (Outcome.OK, Outcome.SHUTDOWN)
"""How a boot ends that says something about the normal length of its stages."""


class Pace:
    """What one console needs for each stage.

    Args:
        boots: its last good boots, oldest first; others are passed over.
    """

    __slots__ = ("_last", "_lengths")

    def __init__(self, boots: Iterable[Boot] = ()) -> None:
        self._lengths: tuple[Mapping[str, float], ...] = ()
        self._last = 0
        for boot in boots:
            self.add(boot)

    def add(self, boot: Boot) -> None:
        """Learn from a boot that has ended; each counts once, and good ones only."""
        if boot.ended is None or boot.boot <= self._last:
            return
        self._last = boot.boot
        alone = HELPED not in boot.facts
        if alone and boot.outcome in GOOD and Stage.LOGIN in boot.stages:
            self._lengths = (*self._lengths, stage_lengths(boot))[-BOOTS:]

    def limits(self, configured: Mapping[str, float]) -> dict[str, float]:
        """Return seconds in a stage after which a boot counts as stuck, by stage.

        Args:
            configured: the least of each; a stage that has none is never too long.
        """
        return {
            str(stage): max(least, FACTOR * self._normal(stage))
            for stage, least in configured.items()
        }

    def _normal(self, stage: str) -> float:
        """Return the length that 95 of 100 good boots keep to; 0 when none is known."""
        lengths = sorted(boot[stage] for boot in self._lengths if stage in boot)
        if not lengths:
            return 0.0
        return lengths[math.ceil(PERCENTILE * len(lengths)) - 1]


def stage_lengths(boot: Boot) -> dict[str, float]:
    """Return how many seconds each stage of a boot took, but for the last one."""
    return {
        stage: left - entered
        for (stage, entered), (_, left) in pairwise(boot.stages.items())
    }
