"""Decoders of what BMCs tell of SoL: its configuration, and who holds its payload.

Bytes in, frozen values out; see `solrecd.sources.ipmi.doctor.answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from solrecd.sources.ipmi.doctor.answers import Unreadable, need

ACCUMULATE_UNIT: Final = 5
"""Milliseconds: unit of the character accumulate interval (IPMI 2.0 Table 26-5)."""

RETRY_UNIT: Final = 10
"""Milliseconds: unit of the SoL retry interval (IPMI 2.0 Table 26-5)."""

SERIAL_SETTING: Final = 0
"""Bit rate: whatever the serial channel is set to (IPMI 2.0 Table 26-5)."""

BIT_RATES: Final = {0x06: 9600, 0x07: 19200, 0x08: 38400, 0x09: 57600, 0x0A: 115200}
"""Bits per second by their number (IPMI 2.0 Table 26-5, parameters 5 and 6)."""


@dataclass(frozen=True, slots=True)
class SolSecurity:
    """Whom SoL lets in (IPMI 2.0 Table 26-5, parameter 2)."""

    force_encryption: bool
    force_authentication: bool
    privilege: int
    """Least level, 2 (User) to 5 (OEM)."""


@dataclass(frozen=True, slots=True)
class Accumulation:
    """How long a BMC gathers characters (IPMI 2.0 Table 26-5, parameter 3)."""

    interval: int
    """Milliseconds; 0 is reserved."""
    threshold: int
    """Characters that end the wait; 0 is reserved."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How a BMC repeats what was not acknowledged (Table 26-5, parameter 4)."""

    count: int
    interval: int
    """Milliseconds."""

    @property
    def total_time(self) -> int:
        """Milliseconds until a BMC gives a packet up."""
        return self.count * self.interval


@dataclass(frozen=True, slots=True)
class BitRate:
    """Speed of the serial line (IPMI 2.0 Table 26-5, parameters 5 and 6)."""

    number: int

    @property
    def baud(self) -> int | None:
        """Bits per second; None: as the serial channel is set, or reserved."""
        return BIT_RATES.get(self.number)

    def __str__(self) -> str:
        """Return it as people read it."""
        if self.number == SERIAL_SETTING:
            return "as the BMC's serial channel"
        return f"{self.baud} baud" if self.baud else f"reserved (0x{self.number:x})"


def _flag(data: bytes) -> bool:
    """Read parameter 1: SoL is enabled."""
    need(data, 1)
    return bool(data[0] & 1)


def _security(data: bytes) -> SolSecurity:
    need(data, 1)
    return SolSecurity(bool(data[0] & 0x80), bool(data[0] & 0x40), data[0] & 0x0F)


def _accumulation(data: bytes) -> Accumulation:
    need(data, 2)
    return Accumulation(data[0] * ACCUMULATE_UNIT, data[1])


def _retry(data: bytes) -> Retry:
    need(data, 2)
    return Retry(data[0] & 0x07, data[1] * RETRY_UNIT)


def _bit_rate(data: bytes) -> BitRate:
    need(data, 1)
    return BitRate(data[0] & 0x0F)


def _port(data: bytes) -> int:
    need(data, 2)
    return int.from_bytes(data[:2], "little")


@dataclass(frozen=True, slots=True)
class SolParameters:
    """A channel's SoL configuration (IPMI 2.0 §26.3); None: the BMC does not tell."""

    enabled: bool | None = None
    security: SolSecurity | None = None
    accumulation: Accumulation | None = None
    retry: Retry | None = None
    lasting_rate: BitRate | None = None
    """Non-volatile: after the next restart of the BMC."""
    rate: BitRate | None = None
    """Volatile: now."""
    port: int | None = None


PARAMETERS: Final[Mapping[int, tuple[str, Callable[[bytes], object]]]] = {
    1: ("enabled", _flag),
    2: ("security", _security),
    3: ("accumulation", _accumulation),
    4: ("retry", _retry),
    5: ("lasting_rate", _bit_rate),
    6: ("rate", _bit_rate),
    8: ("port", _port),
}
"""Parameter number (Table 26-5) -> field of `SolParameters`, and its decoder. Number 7,
the payload's channel, only repeats the question."""


def sol_parameters(found: Mapping[int, bytes]) -> SolParameters:
    """Read the parameters that a BMC told; those that make no sense count as not told.

    Args:
        found: data by parameter number, without the revision byte.
    """
    known: dict[str, Any] = {}
    for number, (field, decode) in PARAMETERS.items():
        try:
            known[field] = decode(found.get(number, b""))
        except Unreadable:
            continue
    return SolParameters(**known)


def activation(data: bytes) -> frozenset[int]:
    """Read Get Payload Activation Status (IPMI 2.0 §24.4): active instances, 1-16.

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 3)
    bits = int.from_bytes(data[1:3], "little")
    return frozenset(each + 1 for each in range(16) if bits >> each & 1)


def instance_owner(data: bytes) -> int:
    """Read Get Payload Instance Info (IPMI 2.0 §24.5): a session ID; 0: none.

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 4)
    return int.from_bytes(data[:4], "little")
