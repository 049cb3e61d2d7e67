"""Where a console of an OpenBMC is, by the configuration. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from solrecd.config.addresses import address
from solrecd.config.console_kinds import Values
from solrecd.config.keys import Key, Schema
from solrecd.config.values import absolute_path, refusal, text
from solrecd.process.secret import Secret
from solrecd.sources.accounts import ACCOUNT_KEYS, PASSWORD
from solrecd.sources.https.server import (
    FINGERPRINT_EXAMPLE,
    HTTPS,
    authority,
    parse_fingerprint,
)

DEFAULT_CONSOLE: Final = "default"
"""bmcweb's name of the host's console."""

OLD_PATH: Final = "/console0"
"""The host's console where bmcweb is too old to know consoles by name."""

_CONSOLE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_PATH: Final = re.compile(r"/[!-~]{0,200}\Z")

_EXPANDS: Final = " `{name}` and `{n}` expand in it."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenbmcOptions:
    """One console of one OpenBMC."""

    live: ClassVar[frozenset[str]] = frozenset()
    keeps_output: ClassVar[bool] = False
    host_key: ClassVar[str] = "host"
    key_prefix: ClassVar[str] = ""
    host: str
    """Name or address, without port and brackets."""
    port: int = HTTPS
    path: str
    """Of the WebSocket."""
    username: str
    password: Secret
    ca_file: str | None = None
    """PEM; None: the system's."""
    fingerprint: str | None = None
    """SHA-256 of the BMC's certificate, in lower case hexadecimal digits; it is then
    the only one believed, whatever it says of itself."""

    @property
    def place(self) -> str:
        """As people write it: host, and the port where it is another than usual."""
        return self.host if self.port == HTTPS else self.authority

    @property
    def authority(self) -> str:
        """For the header ``Host`` (RFC 9110 §7.2)."""
        return authority(self.host, self.port)

    @property
    def url(self) -> str:
        """Of the WebSocket."""
        return f"wss://{self.authority}{self.path}"

    @property
    def line(self) -> str:
        """See `solrecd.config.model.Options`."""
        return self.url.lower()

    def details(self) -> Mapping[str, Any]:
        """What ``status`` shows."""
        return {"url": self.url, "username": self.username}


OPENBMC_KEYS: Final[Schema] = MappingProxyType(
    {
        "host": Key(
            text(min_bytes=1, max_bytes=300),
            "Where the BMC is: `host` or `host:port`, port 443 where none is given."
            + _EXPANDS
            + " Every console needs this or `url`.",
            example="{name}-bmc.example.net",
        ),
        "console": Key(
            text(min_bytes=1, max_bytes=64),
            "Which console of that BMC, as `obmc-console` names it. `default` is the"
            " host's, also on a bmcweb that knows `/console0` only." + _EXPANDS,
        ),
        "url": Key(
            text(min_bytes=1, max_bytes=500),
            "The WebSocket itself, in place of `host` and `console`." + _EXPANDS,
            example="wss://{name}-bmc.example.net/console0",
        ),
        **ACCOUNT_KEYS,
        "ca_file": Key(
            absolute_path,
            "Certificates (PEM) of authorities that sign the BMC's, instead of the"
            " system's.",
            example="/etc/solrecd/bmc-ca.pem",
        ),
        "fingerprint": Key(
            text(min_bytes=1, max_bytes=120),
            "SHA-256 fingerprint of the BMC's own certificate, if no authority"
            " has signed it: only this one is accepted. `openssl x509"
            " -noout -fingerprint -sha256` prints it; `solrecctl doctor` shows the one"
            " that the BMC has.",
            example=FINGERPRINT_EXAMPLE,
        ),
    }
)

OPENBMC_DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {"console": DEFAULT_CONSOLE}
)


def openbmc_options(values: Values) -> OpenbmcOptions | None:
    """Return what a console of kind ``openbmc`` says."""
    place = _place(values)
    password = values.secret(PASSWORD)
    fingerprint = values.expanded("fingerprint", parse_fingerprint)
    plain = values.plain
    if place is None or password is None or "username" not in plain:
        return None
    if "fingerprint" in plain and fingerprint is None:
        return None
    host, port, path = place
    return OpenbmcOptions(
        host=host,
        port=port or HTTPS,
        path=path,
        username=plain["username"],
        password=password,
        ca_file=plain.get("ca_file"),
        fingerprint=fingerprint,
    )


def _place(values: Values) -> tuple[str, int | None, str] | None:
    """Return host, port and path."""
    if "url" in values.plain:
        return values.expanded("url", _from_url)
    host = values.expanded("host", address)
    path: str | None = _console_path(DEFAULT_CONSOLE)
    if "console" in values.plain:
        path = values.expanded("console", _console_path)
    return None if host is None or path is None else (*host, path)


def _console_path(name: str) -> str:
    if not _CONSOLE.match(name):
        raise refusal(name, "letters, digits and . _ -")
    return f"/console/{name}"


def _from_url(url: str) -> tuple[str, int | None, str]:
    allowed = '"wss://HOST[:PORT]/PATH"'
    try:
        parts = urlsplit(url)
        host, port = address(parts.netloc)
    except ValueError:
        raise refusal(url, allowed) from None
    if parts.scheme not in {"wss", "https"} or not _PATH.match(parts.path):
        raise refusal(url, allowed)
    if parts.query or parts.fragment:
        raise refusal(url, allowed)
    return host, port, parts.path
