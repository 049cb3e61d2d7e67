"""What a session is to do: everything that the operator may choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from solrecd.sources.ipmi.protocol.constants import (
    MAX_PASSWORD,
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
    MAX_USERNAME,
    SHORT_PASSWORD,
    PrivilegeLevel,
)
from solrecd.sources.ipmi.protocol.quirks import Quirk
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES

KEEPALIVE: Final = 20.0
"""Seconds. ipmi_sim and many BMCs close a session 30 s after the last command, and
SoL packets do not count; with three quarters as the shortest wait this leaves time for
two retransmissions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """One BMC's credentials and habits.

    Raises:
        ValueError: a value is out of range; the message names it and what is allowed.
    """

    username: bytes
    """0-16 bytes."""
    password: bytes = field(repr=False)
    """0-20 bytes."""
    kg: bytes | None = field(default=None, repr=False)
    """BMC key K_G, at most 20 bytes; None: the password stands in for it (§13.33)."""
    cipher_suites: tuple[int, ...] = (17, 3)
    """In the order tried. Put first what worked last time."""
    privileges: tuple[PrivilegeLevel, ...] = (
        PrivilegeLevel.OPERATOR,
        PrivilegeLevel.ADMINISTRATOR,
        PrivilegeLevel.USER,
    )
    """In the order wanted. RAKP 1 asks for the highest of them that the BMC grants; the
    session runs at the first that is not above it, and is raised where a command is
    refused for its privilege level (some boards demand Administrator for SoL)."""
    quirks: frozenset[Quirk] = frozenset()
    insecure: bool = False
    """Suites 0-2 are allowed, and SoL in clear text where a BMC refuses encryption."""
    keepalive_interval: float = KEEPALIVE
    """Seconds between two IPMI commands at most, whatever else flows."""
    instance: int = 1
    """SoL payload instance, 1-15."""
    auxiliary: int | None = None
    """First auxiliary byte of Activate Payload without its encryption and
    authentication bits (Table 24-2); None: 0, or what the quirks say."""
    payload_size: int | None = None
    """Most bytes typed per SoL packet, 1-255; None: what the BMC says."""
    resends: bool = False
    """The BMC sends again what it gave up on: `Session.resends` of the last session."""

    answer_delay: float = 0.0
    """Seconds that answers of this BMC took before; 0: not known."""

    @property
    def passwords(self) -> tuple[bytes, ...]:
        """The password, and what a BMC has of it that keeps `SHORT_PASSWORD` bytes."""
        if len(self.password) <= SHORT_PASSWORD:
            return (self.password,)
        return self.password, self.password[:SHORT_PASSWORD]

    def __post_init__(self) -> None:
        _check_length("username", self.username, MAX_USERNAME)
        _check_length("password", self.password, MAX_PASSWORD)
        _check_length("kg", self.kg or b"", MAX_PASSWORD)
        self._check_suites()
        _check_range("instance", self.instance, MAX_SOL_NUMBER)
        if self.payload_size is not None:
            _check_range("payload_size", self.payload_size, MAX_SOL_DATA)
        if not self.privileges:
            raise ValueError("privileges: at least one is needed")

    def _check_suites(self) -> None:
        if not self.cipher_suites:
            raise ValueError("cipher_suites: at least one is needed")
        for number in self.cipher_suites:
            suite = CIPHER_SUITES.get(number)
            if suite is None:
                allowed = ", ".join(map(str, CIPHER_SUITES))
                raise ValueError(f"cipher_suites: {number} is not one of {allowed}")
            if not suite.is_secure and not self.insecure:
                raise ValueError(
                    f"cipher_suites: {number} sends clear text or unsigned packets; "
                    "only with insecure = true"
                )


def _check_length(name: str, value: bytes, maximum: int) -> None:
    if len(value) > maximum:
        raise ValueError(f"{name}: {len(value)} bytes, at most {maximum} allowed")


def _check_range(name: str, value: int, maximum: int) -> None:
    if not 1 <= value <= maximum:
        raise ValueError(f"{name}: {value} is not within 1-{maximum}")
