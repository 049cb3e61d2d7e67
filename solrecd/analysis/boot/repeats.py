"""Failures that are told already. Pure.

A machine that fails goes on failing: a soft lockup is printed every 20 s, and an
emergency shell prints a prompt after each command.
"""

from __future__ import annotations

from typing import Final

from solrecd.events.event import Event

REPEAT_AFTER: Final = 3_600_000_000
"""Microseconds. A soft lockup is printed every 20 s and stays one failure; after an
hour people want to know that it still goes on."""

REMEMBERED: Final = 256
"""Different failures remembered to know their repetitions."""

NAMES: Final = 32
"""Names of failures remembered, to know what only sums them up."""

SHELL_LINES: Final = 40
"""A shell's prompt follows its announcement within these: advice, then the shell's own
banner. Later it is another one: the first was left, and the boot went on."""

# These are states that a machine is in, whatever it prints about them.
_STATES: Final = frozenset(
    [
        "emergency",
        "initramfs_shell",
        "grub_rescue",
        "grub_shell",
        "no_device",
        "fsck_failed",
        "loader_shell",
        "kernel_debugger",
        "bsd_debugger",
        "install_failed",
    ]
)
# Announcing a shell and its prompt are one failure, whatever each calls it.
_SHELLS: Final = frozenset({"emergency", "initramfs_shell"})


class Repeats:
    """Remembers what one console was told to fail of."""

    __slots__ = ("_names", "_shell", "_told")

    def __init__(self) -> None:
        # Boot and line of the last shell.
        self._shell: tuple[int | None, int] = None, 0
        # Boot and what failed -> stamp and line; the least recent first.
        self._names: tuple[tuple[int | None, str], ...] = ()
        self._told: dict[tuple[int | None, str | None], tuple[int, int]] = {}

    def line_before(self, event: Event) -> int | None:
        """Take a failure; return the line of the one that it repeats, None if none."""
        line = event.line or 0
        self._names = (*self._names, (event.boot, event.name))[-NAMES:]
        if event.name in _SHELLS and self._is_same_shell(event.boot, line):
            return self._shell[1]
        key = event.boot, event.name if event.name in _STATES else event.signature
        before = self._told.pop(key, None)
        if before is not None and event.time - before[0] > REPEAT_AFTER:
            before = None
        self._told[key] = before or (event.time, line)
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return None if before is None else before[1]

    def knows(self, boot: int | None, name: str) -> bool:
        """Whether a failure of a name was told in a boot."""
        return (boot, name) in self._names

    def _is_same_shell(self, boot: int | None, line: int) -> bool:
        same = self._shell[0] == boot and 0 <= line - self._shell[1] <= SHELL_LINES
        self._shell = boot, line
        return same
