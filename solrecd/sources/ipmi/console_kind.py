"""How a console behind a BMC is configured. Pure."""

from __future__ import annotations

from typing import Final

from solrecd.config.addresses import address
from solrecd.config.console_kinds import ConsoleKind, SecretKeys, Values
from solrecd.config.errors import Problems
from solrecd.config.keys import defaults_of
from solrecd.config.settings import Settings
from solrecd.sources.ipmi.keys import IPMI_KEYS
from solrecd.sources.ipmi.options import (
    INSECURE_SUITES,
    PASSWORD_MAX,
    IpmiOptions,
)
from solrecd.sources.ipmi.protocol.constants import RMCP_PORT


def _password(content: bytes) -> bytes:
    if len(content) > PASSWORD_MAX or b"\0" in content:
        raise ValueError(
            f"found a password of {len(content)} bytes; allowed: at most"
            f" {PASSWORD_MAX} bytes without NUL"
        )
    return content


def _kg(content: bytes) -> bytes:
    """Return K_g from text, or from ``0x`` and hexadecimal digits as in ipmitool.

    Zeros alone are not a key (IPMI 2.0 §13.33), and come out as none.
    """
    key = content
    if content[:2].lower() == b"0x":
        try:
            key = bytes.fromhex(content[2:].decode("ascii"))
        except ValueError:
            raise ValueError('found "0x" without pairs of hexadecimal digits') from None
    if not 1 <= len(key) <= PASSWORD_MAX:
        raise ValueError(
            f"found a key of {len(key)} bytes; allowed: 1 to {PASSWORD_MAX} bytes,"
            ' as text or as "0x" and hexadecimal digits'
        )
    return key if any(key) else b""


PASSWORD: Final = SecretKeys("password", _password, is_required=True)
KG: Final = SecretKeys("kg", _kg)

_MADE_BELOW: Final = frozenset({"bmc", "port", "username", "quirks"})
"""Keys that do not become a field of the same name and value."""


def _build(values: Values) -> IpmiOptions | None:
    password, kg = values.secret(PASSWORD), values.secret(KG)
    target = values.expanded("bmc", address)
    plain = values.plain
    if target is None or password is None or "username" not in plain:
        return None
    host, port = target
    fields = {key: value for key, value in plain.items() if key not in _MADE_BELOW}
    return IpmiOptions(
        name=values.name,
        host=host,
        port=port or plain.get("port", RMCP_PORT),
        username=plain["username"].encode(),
        password=password,
        kg=kg if kg is not None and kg.reveal() else None,
        quirks=frozenset(plain.get("quirks", ())),
        **fields,
    )


def _check_suites(settings: Settings, problems: Problems) -> None:
    """Note cipher suites that protect nothing, unless that is asked for."""
    suites, insecure = settings.get("cipher_suites"), settings.get("insecure")
    if suites is None:
        return
    if not suites.value:
        problems.add(suites.given.problem("names no cipher suite"))
    weak = INSECURE_SUITES.intersection(suites.value)
    if weak and not (insecure and insecure.value):
        shown = ", ".join(map(str, sorted(weak)))
        text = f"found {shown}, without integrity or encryption; allowed: 3, 17,"
        problems.add(suites.given.problem(f"{text} or more with insecure = true"))


IPMI_CONSOLE: Final = ConsoleKind(
    name="ipmi",
    help="A console behind a BMC, by IPMI 2.0 Serial over LAN.",
    keys=IPMI_KEYS,
    defaults=defaults_of(IpmiOptions),
    build=_build,
    secrets=(PASSWORD, KG),
    required=("bmc", "username"),
    implied={"on_stolen": "on_conflict"},
    check=_check_suites,
)
