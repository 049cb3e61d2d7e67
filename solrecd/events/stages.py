"""The stages of a boot, in their order.

A module of its own without dataclasses, because most commands of `solrecctl` need it
and its start should take no longer than that.
"""

from __future__ import annotations

import enum
from typing import Final


class Stage(enum.StrEnum):
    """How far a boot has come; ordered by `rank`.

    Finer names (``fwsetup``, ``pxe``, ``handoff``, ``target`` ...) go into an event's
    ``fields["detail"]``.
    """

    UNKNOWN = "unknown"
    """Attached in mid-stream: nothing recognised yet."""
    OFF = "off"
    FIRMWARE = "firmware"
    BOOTDEV = "bootdev"
    LOADER = "loader"
    KERNEL = "kernel"
    INITRAMFS = "initramfs"
    INIT = "init"
    LOGIN = "login"

    @property
    def rank(self) -> int:
        """Position in the order of a boot; a larger rank is later."""
        return _STAGE_RANK[self]


_STAGE_RANK = {stage: rank for rank, stage in enumerate(Stage)}

WAITING: Final = "waiting"
"""Names the limit of a boot that waits for a person, beside those of the stages."""

BOOT_STAGES: Final = tuple(stage for stage in Stage if stage.rank > Stage.OFF.rank)
"""Those that a boot goes through."""
