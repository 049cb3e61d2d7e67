"""What is known of a BMC from the configuration, and what it may hold. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from solrecd.config.model import ConsoleConfig
from solrecd.process.secret import Secret
from solrecd.sources.ipmi.protocol.constants import RMCP_PORT

BAUD_RATES = (9600, 19200, 38400, 57600, 115200)
"""Bit rates that SoL knows (IPMI 2.0 Table 26-5)."""

USERNAME_MAX = 16
"""Bytes (IPMI 2.0 §22.28, Set User Name)."""

PASSWORD_MAX = 20
"""Bytes (IPMI 2.0 §22.30, Set User Password: 20-byte form)."""

CIPHER_SUITES = (0, 1, 2, 3, 17)
"""IPMI 2.0 Table 22-20: those with algorithms that BMCs really offer."""

INSECURE_SUITES = frozenset({0, 1, 2})
"""No integrity, or no encryption: a password or a console in the clear."""


class Privilege(enum.StrEnum):
    """Privilege level asked for at login (IPMI 2.0 §13.17)."""

    AUTO = "auto"
    """The lowest that the BMC's SoL configuration accepts."""
    USER = "user"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class OnConflict(enum.StrEnum):
    """What to do about another's SoL session."""

    WAIT = "wait"
    """Leave them alone until they go."""
    TAKE = "take"
    """Take it, at most 3 times in 10 minutes: two recorders must not fight."""
    YIELD = "yield"
    """Leave them alone for `IpmiOptions.yield_for`, then take it."""


class AddressFamily(enum.StrEnum):
    """Which addresses of a BMC's name are used."""

    ANY = "any"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


@dataclass(frozen=True, slots=True, kw_only=True)
class IpmiOptions:
    """How to reach one BMC, how to log in to it and what to do there."""

    keeps_output: ClassVar[bool] = False
    live: ClassVar[frozenset[str]] = frozenset(
        {"on_conflict", "on_stolen", "yield_for", "baud"}
    )
    name: str
    """Of the console."""
    host: str
    """Name or address of the BMC, without port and brackets."""
    port: int = RMCP_PORT
    family: AddressFamily = AddressFamily.ANY
    bind: str | None = None
    """Address of this machine to send from."""
    username: bytes
    """0-16 bytes (IPMI 2.0 §22.28)."""
    password: Secret
    """0-20 bytes (IPMI 2.0 §22.30)."""
    kg: Secret | None = None
    """The BMC key K_g, 1-20 bytes (IPMI 2.0 §13.33); None: the user's password."""
    cipher_suites: tuple[int, ...] = (17, 3)
    """In the order tried (IPMI 2.0 Table 22-20)."""
    privilege: Privilege = Privilege.AUTO
    insecure: bool = False
    """Suites 0-2 and SoL without encryption are allowed."""
    quirks: frozenset[str] = frozenset()
    """Names of `protocol.quirks`."""
    on_conflict: OnConflict = OnConflict.WAIT
    """Another session holds the console when we come."""
    on_stolen: OnConflict = OnConflict.YIELD
    """Another session takes the console from us."""
    yield_for: float = 900.0
    """Seconds, since the other one was last seen."""
    keepalive: float = 20.0
    """Seconds between two IPMI commands, also while output flows."""
    sol_instance: int = 1
    """Payload instance, 1-15 (IPMI 2.0 §24.1)."""
    payload_size: int | None = None
    """Most SoL bytes sent in one packet, 1-255; None: what the BMC says."""
    auxiliary: int | None = None
    """First auxiliary byte of Activate Payload without its encryption and
    authentication bits, 0-63 (IPMI 2.0 Table 24-2); None: as the quirks say."""
    serial_keepalive: float | None = None
    """Seconds between NUL bytes typed into a silent console; None: never."""
    baud: int | None = None
    """Bit rate of the machine's serial console, one of `BAUD_RATES`, for `solrecctl
    doctor` to compare; None: what the kernel's command line said."""

    @property
    def address(self) -> str:
        """The host, and the port where it is another than usual."""
        return self.host if self.port == RMCP_PORT else f"{self.host}:{self.port}"

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return f"{self.address.lower()}, SoL instance {self.sol_instance}"


def options_of(config: ConsoleConfig) -> IpmiOptions:
    """Return the options of a console of kind ``ipmi``.

    Raises:
        TypeError: it is of another kind: a bug.
    """
    if not isinstance(config.options, IpmiOptions):
        raise TypeError(f"{config.name} is of kind {config.kind}")
    return config.options
