"""What a simulated BMC is: its users, limits and settings. Data only."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from solrecd.simbmc import openbmc
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel


@dataclass(frozen=True, slots=True)
class User:
    """An account that may log in."""

    name: bytes
    """Up to 16 bytes."""
    password: bytes = field(repr=False)
    """Up to 20 bytes."""
    privilege: PrivilegeLevel = PrivilegeLevel.ADMINISTRATOR
    """The highest level this user may ask for."""
    has_sol: bool = True
    """May use SoL, as Get User Payload Access says (§24.7); it is not enforced."""


class Habits(enum.Enum):
    """Whose habits a BMC has where the specification leaves room, or is not kept."""

    ORDINARY = "ordinary"
    OPENBMC = "openbmc"
    """See `solrecd.simbmc.openbmc`; and Deactivate Payload is only for the owner's user
    and administrators, and tells the owner with SOL Activating."""


@dataclass(frozen=True, slots=True)
class LockOut:
    """When too many failed logins lock an account (IPMI 2.0 Table 23-4, parameter 26).

    Failures are counted since the last login that worked; one while the account is
    locked locks it again.
    """

    failures: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BmcOptions:
    """One BMC as its owner configured it."""

    users: tuple[User, ...] = (User(b"recorder", b"secret"),)
    cipher_suites: tuple[int, ...] = (3, 17)
    """Suites that Open Session accepts."""
    kg: bytes | None = field(default=None, repr=False)
    """The BMC key K_G; None: passwords alone ("one-key" logins, §13.31)."""
    guid: bytes = bytes(range(16))
    port: int | None = None
    """UDP port that the Activate Payload answer announces; None: the one that the
    fleet listens on for this BMC."""
    privilege_limit: PrivilegeLevel = PrivilegeLevel.ADMINISTRATOR
    """Highest level on the LAN channel."""
    session_slots: int = 15
    """Sessions at the same time; more get "insufficient resources"."""
    lock_out: LockOut | None = None
    """None: accounts are never locked."""
    session_timeout: float = 60.0
    """Seconds without traffic until a session is closed (§6.12.15)."""
    sol_keeps_session: bool = True
    """SoL packets count as traffic; ipmi_sim's do not."""
    sol: SolSettings = field(default_factory=SolSettings)
    mux_at_bmc: bool | None = None
    """Where the serial line goes (§25.3); None: there is no serial channel."""
    sol_privilege: PrivilegeLevel = PrivilegeLevel.USER
    """Least privilege that Activate Payload asks for (§26.3, parameter 2)."""
    habits: Habits = Habits.ORDINARY


OPENBMC: Final = BmcOptions(habits=Habits.OPENBMC, sol=openbmc.SETTINGS)
"""An OpenBMC as its images are set."""
