"""A serial port, as the kernel, GRUB and systemd name it."""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_UNIT: Final = 9
"""Highest unit of a serial port that GRUB and BMCs are seen with."""


class Port(NamedTuple):
    """The port that the BMC listens to."""

    unit: int
    """From 0; COM1 is 0."""
    baud: int
    """One of `BAUD_RATES`; firmware, loader, kernel and BMC must agree."""

    @property
    def tty(self) -> str:
        """The kernel's name of it."""
        return f"ttyS{self.unit}"

    @property
    def kernel_arguments(self) -> tuple[str, ...]:
        """Kernel arguments in the order that matters: the last is /dev/console.

        That is where init, the initramfs and emergency shells talk and listen.
        """
        return ("console=tty0", f"console={self.tty},{self.baud}n8")

    @property
    def grub_command(self) -> str:
        """GRUB's command for it; the same words in GRUB 2 and in GRUB Legacy."""
        speed = f"serial --unit={self.unit} --speed={self.baud}"
        return f"{speed} --word=8 --parity=no --stop=1"
