"""IPMI settings in the words of ConMan, conserver, freeipmi and ipmitool, as ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from solrecd.sources.ipmi.options import CIPHER_SUITES, INSECURE_SUITES
from solrecd.sources.ipmi.protocol.quirks import Quirk

_PRIVILEGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "user": "user",
        "2": "user",
        "op": "operator",
        "operator": "operator",
        "3": "operator",
        "admin": "administrator",
        "administrator": "administrator",
        "4": "administrator",
    }
)

_WORKAROUNDS: Final[Mapping[str, Quirk]] = MappingProxyType(
    {
        # conserver's names (conserver.cf(5), ipmiworkaround).
        "activation-status": Quirk.SOLSTATUS,
        "auth-capabilites": Quirk.AUTHCAP,
        "channel-payload": Quirk.SOLCHANNELSUPPORT,
        "checksum": Quirk.NOCHECKSUMCHECK,
        "ignore-payload-size": Quirk.SOLPAYLOADSIZE,
        "ignore-port": Quirk.SOLPORT,
        "integrity": Quirk.INTEGRITYCHECKVALUE,
        "intel-session": Quirk.INTEL20,
        "packet-sequence": Quirk.SOLPACKETSEQ,
        "privilege": Quirk.OPENSESSPRIV,
        "serial-alerts": Quirk.SERIALALERTSDEFERRED,
        "sun-session": Quirk.SUN20,
        "supermicro-session": Quirk.SUPERMICRO20,
        # freeipmi's older names (ipmiconsole(8)).
        "authenticationcapabilities": Quirk.AUTHCAP,
        "intel20session": Quirk.INTEL20,
        "supermicro20session": Quirk.SUPERMICRO20,
        "sun20session": Quirk.SUN20,
        "opensessionprivilege": Quirk.OPENSESSPRIV,
        "ignoresolpayloadsize": Quirk.SOLPAYLOADSIZE,
        "ignoresolport": Quirk.SOLPORT,
        **{quirk.value: quirk for quirk in Quirk},
    }
)

_NO_WORKAROUND: Final = frozenset({"", "default", "none"})


Settings = dict[str, Any]
"""Keys of a console in solrecd's configuration, with their values as TOML has them."""


def username(text: str) -> Settings:
    """Return the setting ``username``."""
    return {"username": text} if text else {}


def privilege(text: str) -> Settings:
    """Return the setting ``privilege``.

    Raises:
        ValueError: no such level.
    """
    try:
        return {"privilege": _PRIVILEGES[text.strip().lower()]}
    except KeyError:
        raise ValueError(f"privilege level {text!r} is unknown") from None


def cipher_suite(text: str) -> Settings:
    """Return the setting ``cipher_suites``; none for the default.

    Raises:
        ValueError: a suite that solrecd does not speak.
    """
    number = int(text) if text.strip().lstrip("-").isdecimal() else None
    if number == -1:
        return {}
    if number not in CIPHER_SUITES:
        raise ValueError(f"cipher suite {text!r} is not supported; 17 and 3 are tried")
    found: Settings = {"cipher_suites": [number]}
    if number in INSECURE_SUITES:
        found["insecure"] = True
    return found


def is_workaround(name: str) -> bool:
    """Whether a workaround is known, or is none."""
    return name.strip().lower() in {*_WORKAROUNDS, *_NO_WORKAROUND}


def sol_instance(text: str) -> Settings:
    """Return the setting ``sol_instance``; none for the default.

    Raises:
        ValueError: no such instance.
    """
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= number <= 15:
        raise ValueError(f"SoL instance {text!r} is invalid; allowed: 1-15")
    return {} if number == 1 else {"sol_instance": number}


def quirks(names: Iterable[str]) -> Settings:
    """Return the setting ``quirks``; none where none are named.

    Raises:
        ValueError: a workaround that solrecd does not know.
    """
    wanted = [name.strip().lower() for name in names]
    unknown = [name for name in wanted if not is_workaround(name)]
    if unknown:
        raise ValueError(f"workaround {unknown[0]!r} is unknown")
    found = sorted({_WORKAROUNDS[n].value for n in wanted if n in _WORKAROUNDS})
    return {"quirks": found} if found else {}


def kg(value: str | bytes) -> Settings:
    """Return the setting ``kg``; bytes that are not text as hexadecimal digits."""
    if not value:
        return {}
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        value = text if text.isprintable() and text.isascii() else "0x" + value.hex()
    return {"kg": value}


def clear_password(text: str) -> Settings:
    """Return the setting ``password``."""
    return {"password": text} if text else {}


def password(text: str) -> Settings:
    """Return the setting ``password`` as freeipmi reads it, ``0x...`` in hexadecimal.

    Raises:
        ValueError: digits that are not text: no BMC's password can be typed so.
    """
    if text[:2].lower() != "0x":
        return clear_password(text)
    try:
        # What follows the first NUL is ignored (conman.conf(5)).
        clear = bytes.fromhex(text[2:]).split(b"\0")[0].decode("utf-8")
    except ValueError:
        raise ValueError("the hexadecimal password is not text") from None
    return clear_password(clear)
