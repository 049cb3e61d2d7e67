"""Decoders of what BMCs answer: bytes in, frozen values out.

A BMC's bytes are hostile. Each decoder raises `Unreadable` and nothing else; what is
longer than it should be is read as far as it is known. What BMCs tell of SoL is in
`solrecd.sources.ipmi.doctor.sol_answers`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel


class Unreadable(Exception):  # noqa: N818 - what it is, not what failed
    """An answer is too short, or says what cannot be."""


def need(data: bytes, size: int) -> None:
    """Check the size of an answer, in bytes.

    Raises:
        Unreadable: it is cut short.
    """
    if len(data) < size:
        raise Unreadable(f"{len(data)} bytes, {size} expected")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What logins a channel takes (IPMI 2.0 §22.13)."""

    channel: int
    rmcp_plus: bool
    """IPMI 2.0 sessions; without them there is no SoL."""
    has_kg: bool
    """The BMC key K_g is not zero: logins need it."""


def capabilities(data: bytes) -> Capabilities:
    """Read Get Channel Authentication Capabilities (IPMI 2.0 Table 22-15).

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 4)
    is_extended = bool(data[1] & 0x80)
    return Capabilities(
        channel=data[0] & 0x0F,
        rmcp_plus=is_extended and bool(data[3] & 0x02),
        has_kg=bool(data[2] & 0x20),
    )


_STANDARD: Final = 0xC0
"""Start of a cipher suite record (IPMI 2.0 Table 22-18)."""
_OEM: Final = 0xC1
"""The same, of a vendor's own suite."""


def suites(records: bytes) -> tuple[int, ...]:
    """Read cipher suite records (IPMI 2.0 §22.15.1), all pieces put together.

    An identifier follows its start byte; algorithms, with their tags in the upper two
    bits, follow until the next start. Vendors' suites have three more bytes and are
    left out: only the vendor's own tools can use them.
    """
    found: list[int] = []
    at = 0
    while at < len(records) - 1:
        if records[at] == _STANDARD:
            found.append(records[at + 1])
            at += 2
        else:
            at += 5 if records[at] == _OEM else 1
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Who has a session (IPMI 2.0 §22.20)."""

    slots: int
    """Sessions that the BMC can have at the same time."""
    active: int
    user: int
    """User ID, 1-63."""
    privilege: int
    channel: int
    address: str | None
    """Of the remote console, where the BMC tells."""


_SESSION_INFO: Final = 6
_SESSION_ADDRESS: Final = 10


def session_info(data: bytes) -> SessionInfo:
    """Read Get Session Info (IPMI 2.0 Table 22-25).

    Raises:
        Unreadable: there is no such session, or it is cut short.
    """
    need(data, _SESSION_INFO)
    address = None
    if len(data) >= _SESSION_ADDRESS and any(data[6:10]):
        address = str(ipaddress.IPv4Address(data[6:10]))
    return SessionInfo(
        slots=data[1] & 0x3F,
        active=data[2] & 0x3F,
        user=data[3] & 0x3F,
        privilege=data[4] & 0x0F,
        channel=data[5] & 0x0F,
        address=address,
    )


@dataclass(frozen=True, slots=True)
class UserAccess:
    """What a user may do on a channel (IPMI 2.0 §22.27)."""

    users: int
    """User IDs that the channel has, 1-63."""
    enabled: bool | None
    """None: the BMC does not tell."""
    messaging: bool
    """IPMI messaging, without which no login works."""
    limit: int
    """Highest privilege level; 15: none at all."""


def user_access(data: bytes) -> UserAccess:
    """Read Get User Access (IPMI 2.0 Table 22-33).

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 4)
    return UserAccess(
        users=data[0] & 0x3F,
        enabled={1: True, 2: False}.get(data[1] >> 6),
        messaging=bool(data[3] & 0x10),
        limit=data[3] & 0x0F,
    )


def user_name(data: bytes) -> str:
    """Read Get User Name (IPMI 2.0 §22.29): 16 bytes, filled up with zeros."""
    return data[:16].partition(b"\0")[0].decode("utf-8", "replace")


def payload_access(data: bytes) -> bool:
    """Read Get User Payload Access (IPMI 2.0 §24.7): may the user have SoL?

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 1)
    return bool(data[0] & 0x02)


@dataclass(frozen=True, slots=True)
class Chassis:
    """Get Chassis Status (IPMI 2.0 §28.2)."""

    on: bool
    faults: tuple[str, ...]


_FAULTS: Final = {
    0x02: "power overload",
    0x04: "interlock open",
    0x08: "power fault",
    0x10: "power control fault",
}
"""Bits of the current power state (IPMI 2.0 Table 28-3)."""


def chassis(data: bytes) -> Chassis:
    """Read Get Chassis Status.

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 1)
    faults = tuple(text for bit, text in _FAULTS.items() if data[0] & bit)
    return Chassis(bool(data[0] & 1), faults)


SERIAL_MEDIUM: Final = 0x05
"""RS-232 (IPMI 2.0 Table 6-3)."""


def channel_medium(data: bytes) -> int:
    """Read the medium of Get Channel Info (IPMI 2.0 §22.24).

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 2)
    return data[1] & 0x7F


def mux_is_at_bmc(data: bytes) -> bool:
    """Read the answer to Set Serial/Modem Mux (IPMI 2.0 §25.3, bit 0).

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 1)
    return bool(data[0] & 0x01)


@dataclass(frozen=True, slots=True)
class LogInfo:
    """Get SEL Info (IPMI 2.0 §31.2)."""

    entries: int
    free: int
    """Bytes; 65535: so many or more."""
    overflowed: bool
    """Entries were dropped."""
    changed: tuple[int, int] = (0, 0)
    """The BMC's times of the last entry and of the last clearing."""


def log_info(data: bytes) -> LogInfo:
    """Read Get SEL Info.

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 14)
    return LogInfo(
        int.from_bytes(data[1:3], "little"),
        int.from_bytes(data[3:5], "little"),
        bool(data[13] & 0x80),
        (
            int.from_bytes(data[5:9], "little"),
            int.from_bytes(data[9:13], "little"),
        ),
    )


EARLIEST_CLOCK: Final = 0x20000000
"""Stamps below this count from the BMC's own start (IPMI 2.0 §37.1): no clock."""


def log_time(data: bytes) -> int:
    """Read Get SEL Time (IPMI 2.0 §31.10): seconds since 1970, or less: see above.

    Raises:
        Unreadable: it is cut short.
    """
    need(data, 4)
    return int.from_bytes(data[:4], "little")


def level(number: int) -> str:
    """Return a privilege level's name as `ipmitool` users know it."""
    try:
        return PrivilegeLevel(number).name.capitalize()
    except ValueError:
        return "no access" if number == 0x0F else f"level {number}"
