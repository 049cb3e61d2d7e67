"""Boots that never get anywhere, one after the other. Pure.

One failed boot is a failure of its own; a machine that goes on like that all night is
another thing to be told, once, and with how far it ever came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.stages import Stage

LAPS: Final = 3
"""Beginnings without a login between them. Two happen by themselves: firmware resets
once after it trained memory or changed a setting, an installer reboots once."""

WITHIN: Final = 3_600_000_000
"""Microseconds from the first of those beginnings to the last. Large machines spend
ten minutes and more in each POST."""


class LoopWatch:
    """Counts the laps of one console."""

    __slots__ = ("_laps", "_told")

    def __init__(self) -> None:
        # Begin, stage and title of boots that failed, the oldest first.
        self._laps: tuple[tuple[int, Stage, str | None], ...] = ()
        self._told = False

    def remember(self, boots: Iterable[Boot]) -> None:
        """Take over the laps before a restart of the recorder, oldest first.

        A loop that they were enough for was told then.
        """
        for boot in boots:
            if boot.ended is not None:
                self.lap(boot, boot.ended, None)

    def lap(self, ended: Boot, at: int, line: int | None) -> Event | None:
        """Take a boot that ended as another begins; tell of a loop once.

        Args:
            ended: the boot that is over.
            at: stamp of the next one's first output.
            line: the number of its line as the boot that ended counts them, if known.
        """
        if Stage.LOGIN in ended.stages or ended.outcome is Outcome.SHUTDOWN:
            self._laps = ()
            self._told = False
            return None
        furthest = max(map(Stage, ended.stages), key=_rank, default=ended.last_stage)
        lap = (ended.started, furthest, ended.title)
        self._laps = (*self._laps, lap)[1 - LAPS :]
        begun = self._laps[0][0]
        if self._told or len(self._laps) < LAPS - 1 or at - begun > WITHIN:
            return None
        self._told = True
        highest = max((stage for _, stage, _ in self._laps), key=_rank)
        errors = [title for _, _, title in self._laps if title]
        return _event(ended, at, line, highest, errors[-1] if errors else None)


def _event(
    boot: Boot, at: int, line: int | None, highest: Stage, error: str | None
) -> Event:
    """Tell of a loop, in the boot that made it one."""
    fields: dict[str, str | int] = {"laps": LAPS, "stage": highest.value}
    if error is not None:
        fields["reason"] = error
    return Event(
        at, boot.console, Kind.FAILURE, "reboot_loop", Severity.CRITICAL,
        f"Reboot loop: {LAPS} boots without a login, none came further than {highest}",
        boot.boot, line, fields=fields,
    )  # fmt: skip


def _rank(stage: Stage) -> int:
    return stage.rank
