"""What some BMCs do differently, as switches an operator can set per console.

The names are those of freeipmi's ``--workaround-flags`` and ipmitool's ``-o``, so that
what people have in their notes works here. Each switch overrides fields of `Behaviour`,
and the engine looks at nothing but that.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final


class Quirk(enum.StrEnum):
    """Switches of `SessionOptions.quirks`."""

    AUTHCAP = "authcap"
    """Get Channel Authentication Capabilities lies. We never ask: no effect."""
    INTEL20 = "intel20"
    """Padded user names; RAKP 3 hashed without them (Intel SE7520AF2)."""
    SUPERMICRO20 = "supermicro20"
    """RAKP codes one byte too long (Peppercon). Always tolerated: no effect."""
    SUN20 = "sun20"
    """Sun ILOM: `OPENSESSPRIV`, and over-long codes, which are always tolerated."""
    OPENSESSPRIV = "opensesspriv"
    """Keys are hashed over the privilege of Open Session, so that must be the same."""
    INTEGRITYCHECKVALUE = "integritycheckvalue"
    """Suite 0 with an integrity check value. Always tolerated: no effect."""
    NOCHECKSUMCHECK = "nochecksumcheck"
    """Checksums of IPMI messages are wrong; the AuthCode protects them anyway."""
    SOLPAYLOADSIZE = "solpayloadsize"
    """Sizes in the answer to Activate Payload are nonsense (Asus, Dell Xanadu ...)."""
    SOLPORT = "solport"
    """So is the port. We always use the session's: no effect."""
    SOLSTATUS = "solstatus"
    """Get Payload Activation Status lies (X8SIL-F). Believed only once proven."""
    SOLCHANNELSUPPORT = "solchannelsupport"
    """Get Channel Payload Support is missing. We never ask: no effect."""
    SERIALALERTSDEFERRED = "serialalertsdeferred"
    """Serial alerts must be deferred while SoL is active (Windmill, Winterfell)."""
    SOLPACKETSEQ = "solpacketseq"
    """A stuck SoL number must be bumped after many retransmissions (the same)."""
    INTELPLUS = "intelplus"
    """An accepted count of 0 means all; RAKP 4 and RAKP 3 as ipmitool has them."""
    ICTS = "icts"
    """Integrity padding counted without pad length and next header."""
    I82571SPT = "i82571spt"
    """Intel 82571 pass-through: role bit not hashed, names padded, no privilege."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the engine does; the defaults are the specification's."""

    pad_username: bool = False
    """The user name is 16 bytes long, zeros included, except in RAKP 3's code."""
    pad_username_field: bool = False
    """RAKP 1 has 16 bytes of name, but its length byte tells the truth."""
    hash_lookup_bit: bool = True
    """The name-only lookup bit is part of what is hashed."""
    rakp3_lookup_bit: bool = True
    """... and of what RAKP 3's code hashes."""
    open_session_privilege: bool = False
    """Open Session names the privilege level instead of "highest"."""
    rakp4_by_integrity: bool = False
    """RAKP 4's code is cut to the length of the integrity algorithm."""
    set_privilege: bool = True
    """Set Session Privilege Level is sent."""
    check_checksums: bool = True
    believe_sizes: bool = True
    """Payload sizes in the answer to Activate Payload are used."""
    believe_activation_status: bool = True
    zero_accepts_all: bool = False
    """An accepted character count of 0 without NACK means all of them."""
    bump_stuck_number: bool = False
    short_integrity_pad: bool = False
    auxiliary: int = 0
    """Bits added to Activate Payload's first auxiliary byte (Table 24-2)."""


_OVERRIDES: Final[Mapping[Quirk, Mapping[str, Any]]] = MappingProxyType(
    {
        Quirk.AUTHCAP: {},
        Quirk.INTEL20: {
            "pad_username": True,
            "rakp3_lookup_bit": False,
            "open_session_privilege": True,
            "rakp4_by_integrity": True,
        },
        Quirk.SUPERMICRO20: {},
        Quirk.SUN20: {"open_session_privilege": True},
        Quirk.OPENSESSPRIV: {"open_session_privilege": True},
        Quirk.INTEGRITYCHECKVALUE: {},
        Quirk.NOCHECKSUMCHECK: {"check_checksums": False},
        Quirk.SOLPAYLOADSIZE: {"believe_sizes": False},
        Quirk.SOLPORT: {},
        Quirk.SOLSTATUS: {"believe_activation_status": False},
        Quirk.SOLCHANNELSUPPORT: {},
        Quirk.SERIALALERTSDEFERRED: {"auxiliary": 0x04},
        Quirk.SOLPACKETSEQ: {"bump_stuck_number": True},
        Quirk.INTELPLUS: {
            "zero_accepts_all": True,
            "rakp3_lookup_bit": False,
            "rakp4_by_integrity": True,
            "open_session_privilege": True,
        },
        Quirk.ICTS: {"short_integrity_pad": True},
        Quirk.I82571SPT: {
            "hash_lookup_bit": False,
            "rakp3_lookup_bit": False,
            "pad_username_field": True,
            "set_privilege": False,
            "auxiliary": 0x08,
        },
    }
)


def parse_quirks(names: Iterable[str]) -> frozenset[Quirk]:
    """Return the switches of these names.

    Raises:
        ValueError: names the unknown one and what is allowed.
    """
    found = set()
    for name in names:
        try:
            found.add(Quirk(name))
        except ValueError:
            allowed = ", ".join(sorted(Quirk))
            raise ValueError(f"unknown quirk {name!r}; known: {allowed}") from None
    return frozenset(found)


def behaviour_of(quirks: Iterable[Quirk]) -> Behaviour:
    """Return what the engine does under these switches; one object for all who ask."""
    return _behaviour_of(frozenset(quirks))


@cache
def _behaviour_of(quirks: frozenset[Quirk]) -> Behaviour:
    behaviour = Behaviour()
    for quirk in sorted(quirks):
        behaviour = replace(behaviour, **_OVERRIDES[quirk])
    return behaviour
