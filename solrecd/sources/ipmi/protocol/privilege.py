"""Which privilege level a session runs at (IPMI 2.0 §6.8, §22.18)."""

from __future__ import annotations

from collections.abc import Sequence

from solrecd.sources.ipmi.protocol.commands import Command, Purpose
from solrecd.sources.ipmi.protocol.constants import AppCommand, NetFn, PrivilegeLevel


class Privileges:
    """The levels that an operator wants, what the BMC grants, and the present one.

    A session runs at the first level wanted. Where the BMC refuses that, at a lower
    one; where it refuses a command for its level, at the next higher one from then on.
    """

    def __init__(
        self, wanted: Sequence[PrivilegeLevel], granted: PrivilegeLevel
    ) -> None:
        """Choose the first level.

        Args:
            wanted: in the order of preference, at least one not above ``granted``.
            granted: the highest level that RAKP 1 was granted.
        """
        self._wanted = tuple(wanted)
        self.granted = granted
        self.level = self._first()

    def _first(self) -> PrivilegeLevel:
        return next(level for level in self._wanted if level <= self.granted)

    def lower(self) -> bool:
        """The present level is refused: choose a lower one; False if there is none."""
        below = [level for level in self._wanted if level < self.level]
        if not below:
            return False
        self.granted = max(below)
        self.level = self._first()
        return True

    def higher(self) -> PrivilegeLevel | None:
        """Return the next level above the present one that may be tried."""
        above = [p for p in self._wanted if self.level < p <= self.granted]
        return min(above, default=None)

    def raise_to(self, level: PrivilegeLevel, *, succeeded: bool) -> None:
        """Note the answer to a Set Session Privilege Level above the present one."""
        if succeeded:
            self.level = level
        else:
            self.granted = self.level


def set_privilege(purpose: Purpose, level: PrivilegeLevel) -> Command:
    """Return Set Session Privilege Level (§22.18)."""
    return Command(
        purpose, NetFn.APP, AppCommand.SET_SESSION_PRIVILEGE_LEVEL, bytes((level,))
    )
