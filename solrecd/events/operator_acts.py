"""What users do to a console, and what that means for its boots."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class OperatorAct(enum.StrEnum):
    """What a user did to a console: names of events of kind ``operator``."""

    ATTACHED = "attached"
    DETACHED = "detached"
    MODE_CHANGED = "mode_changed"
    FORCED = "forced"
    TYPED = "typed"
    """Only where input is recorded."""
    BREAK = "break"
    NOTE = "note"
    ACKNOWLEDGED = "acknowledged"
    """A user knows what is wrong and takes care of it."""
    UNACKNOWLEDGED = "unacknowledged"
    YIELDED = "yielded"
    TAKEN = "taken"
    RECONNECTED = "reconnected"
    CONFIGURED = "configured"
    """Of the BMC's SoL settings."""
    POWER_ON = "power_on"
    POWER_OFF = "power_off"
    POWER_SHUTDOWN = "power_shutdown"
    POWER_CYCLE = "power_cycle"
    POWER_RESET = "power_reset"
    POWER_DIAG = "power_diag"


class Order(NamedTuple):
    """What a user's wish for the power does to boots."""

    ending: str | None
    """How the boot that goes on ends; a shutdown is the operating system's to tell."""
    beginning: str | None
    """The cause of the boot that follows soon; None: none does."""


ORDERS: Final[Mapping[str, Order]] = MappingProxyType(
    {
        OperatorAct.POWER_ON: Order(None, OperatorAct.POWER_ON),
        OperatorAct.POWER_OFF: Order("off", None),
        OperatorAct.POWER_SHUTDOWN: Order(None, None),
        OperatorAct.POWER_CYCLE: Order("reset", OperatorAct.POWER_CYCLE),
        OperatorAct.POWER_RESET: Order("reset", OperatorAct.POWER_RESET),
        OperatorAct.POWER_DIAG: Order(None, OperatorAct.POWER_DIAG),
    }
)
