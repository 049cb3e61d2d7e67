"""How the power of a console's machine is configured, where its kind has none. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Final

from solrecd.config import ConsoleKind
from solrecd.config.addresses import address
from solrecd.config.console_kinds import SecretKeys, Values
from solrecd.config.errors import Problems
from solrecd.config.keys import Key, Schema
from solrecd.config.settings import Settings
from solrecd.config.values import absolute_path, choice, text
from solrecd.process.secret import Secret
from solrecd.sources.accounts import ACCOUNT_KEYS, PASSWORD
from solrecd.sources.https.server import (
    FINGERPRINT_EXAMPLE,
    HTTPS,
    authority,
    parse_fingerprint,
)


class PowerWay(enum.StrEnum):
    """How the power is switched."""

    NONE = "none"
    IPMI = "ipmi"
    REDFISH = "redfish"


_RMCP: Final = 623
"""UDP port of IPMI (IPMI 2.0 §13.1.2)."""

_PORTS: Final[Mapping[PowerWay, int]] = MappingProxyType(
    {PowerWay.IPMI: _RMCP, PowerWay.REDFISH: HTTPS}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOptions:
    """The BMC of a console's machine; fits `solrecd.sources.https.server.Server`."""

    host_key: ClassVar[str] = "bmc"
    key_prefix: ClassVar[str] = "bmc_"
    way: PowerWay
    host: str
    """Name or address, without port and brackets."""
    port: int
    username: str
    password: Secret
    system: str = ""
    """Which of a BMC's systems it is, as Redfish names it; empty: its only one."""
    ca_file: str | None = None
    fingerprint: str | None = None

    @property
    def place(self) -> str:
        """As people write it: host, and the port where it is another than usual."""
        is_usual = self.port == _PORTS[self.way]
        return self.host if is_usual else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """For the header ``Host``."""
        return authority(self.host, self.port)


_EXPANDS: Final = " `{name}` and `{n}` expand in it."

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "username": "The account on that BMC that may switch the power.",
        "password_credential": "Its password is the systemd credential of this name."
        + _EXPANDS,
        "password_file": "Its password is in this file, which no other user may read"
        " (mode 0600)." + _EXPANDS,
        "password": "The password itself; then no other user may read this file (mode"
        " 0600).",
    }
)

POWER_KEYS: Final[Schema] = MappingProxyType(
    {
        "power": Key(
            choice(PowerWay),
            "How `solrecctl power` switches the machine: by the `redfish` or the `ipmi`"
            " of its BMC, or not at all.",
        ),
        "bmc": Key(
            text(min_bytes=1, max_bytes=300),
            "Where that BMC is: `host` or `host:port`." + _EXPANDS,
            example="{name}-bmc.example.net",
        ),
        **{
            f"bmc_{name}": replace(key, help=_WORDS[name])
            for name, key in ACCOUNT_KEYS.items()
        },
        "bmc_system": Key(
            text(min_bytes=1, max_bytes=255),
            "Which system of that BMC it is, where Redfish has several." + _EXPANDS,
            example="System_0",
        ),
        "bmc_ca_file": Key(
            absolute_path,
            "Certificates (PEM) that vouch for that BMC, instead of the system's. With"
            ' `power = "redfish"`.',
            example="/etc/solrecd/bmc-ca.pem",
        ),
        "bmc_fingerprint": Key(
            text(min_bytes=1, max_bytes=120),
            "SHA-256 fingerprint of that BMC's certificate, which is then believed and"
            ' no other. With `power = "redfish"`.',
            example=FINGERPRINT_EXAMPLE,
        ),
    }
)
"""Of every kind that has no power of its own."""

BMC_PASSWORD: Final = SecretKeys("bmc_password", PASSWORD.decode)

_NEEDED: Final = ("bmc", "bmc_username")

_MOST_OF_IPMI: Final = 16
"""Bytes of a user's name (IPMI 2.0 §22.28)."""

_MOST_OF_IPMI_PASSWORD: Final = 20
"""Bytes (IPMI 2.0 §22.30)."""


def with_power(kind: ConsoleKind) -> ConsoleKind:
    """Return a kind whose consoles may say how their machine's power is switched."""

    def check(settings: Settings, problems: Problems) -> None:
        kind.check(settings, problems)
        _check(settings, problems)

    return replace(
        kind,
        keys=MappingProxyType({**kind.keys, **POWER_KEYS}),
        defaults=MappingProxyType({**kind.defaults, "power": PowerWay.NONE}),
        secrets=(*kind.secrets, BMC_PASSWORD),
        shared=POWER_KEYS,
        check=check,
        power=_power,
    )


def _power(values: Values) -> PowerOptions | None:
    plain = values.plain
    way: PowerWay = plain.get("power", PowerWay.NONE)
    if way is PowerWay.NONE:
        return None
    where = values.expanded("bmc", address)
    password = values.secret(BMC_PASSWORD)
    fingerprint = values.expanded("bmc_fingerprint", parse_fingerprint)
    if where is None or password is None or "bmc_username" not in plain:
        return None
    host, port = where
    return PowerOptions(
        way=way,
        host=host,
        port=port or _PORTS[way],
        username=plain["bmc_username"],
        password=password,
        system=values.expanded("bmc_system", str) or "",
        ca_file=plain.get("bmc_ca_file"),
        fingerprint=fingerprint,
    )


def _check(settings: Settings, problems: Problems) -> None:
    """Note what is missing for the power, or is there without it."""
    power = settings.get("power")
    way = PowerWay.NONE if power is None else power.value
    if power is None or way is PowerWay.NONE:
        _check_idle(settings, problems)
        return
    given = power.given
    for key in _NEEDED:
        if key not in settings:
            problems.add(given.problem(f"needs {key}, and there is none"))
    if BMC_PASSWORD.keys.keys().isdisjoint(settings):
        allowed = ", ".join(BMC_PASSWORD.keys)
        text = f"needs bmc_password, and there is none; allowed: one of {allowed}"
        problems.add(given.problem(text))
    if way is PowerWay.IPMI:
        _check_lengths(settings, problems)


def _check_idle(settings: Settings, problems: Problems) -> None:
    """Note a console's own keys of a BMC that nothing uses."""
    for key, one in settings.items():
        is_own = one.given.path[0] != "defaults"
        if is_own and key in POWER_KEYS and key != "power":
            text = 'means nothing without power = "redfish" or power = "ipmi"'
            problems.add(one.given.problem(text))


def _check_lengths(settings: Settings, problems: Problems) -> None:
    """Note what IPMI has no room for."""
    limits = {
        "bmc_username": _MOST_OF_IPMI,
        "bmc_password": _MOST_OF_IPMI_PASSWORD,
    }
    for key, most in limits.items():
        one = settings.get(key)
        length = 0 if one is None else len(str(one.value).encode())
        if one is not None and length > most:
            text = f"found {length} bytes; allowed with IPMI: at most {most}"
            problems.add(one.given.problem(text))


def details_of(options: PowerOptions) -> Mapping[str, Any]:
    """Return what ``status`` shows."""
    return {"power_by": options.way.value, "bmc": options.place}
