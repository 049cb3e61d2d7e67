"""Which web server is asked, and how it proves that it is the one. Pure."""

from __future__ import annotations

import base64
import re
from typing import ClassVar, Final, Protocol

from solrecd.config.values import refusal
from solrecd.process.secret import Secret

HTTPS: Final = 443
"""Its TCP port where none is given."""

Header = tuple[bytes, bytes]

_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{64}\Z")


class Server(Protocol):
    """A web server, as the configuration tells of it."""

    host_key: ClassVar[str]
    """The key of the configuration that says where it is."""
    key_prefix: ClassVar[str]
    """What stands before ``ca_file`` and ``fingerprint`` in the configuration."""

    @property
    def host(self) -> str:
        """Name or address, without port and brackets."""

    @property
    def port(self) -> int:
        """TCP port."""

    @property
    def place(self) -> str:
        """As people write it: host, and the port where it is another than usual."""

    @property
    def ca_file(self) -> str | None:
        """Authorities (PEM) that vouch for it; None: the system's."""

    @property
    def fingerprint(self) -> str | None:
        """As `parse_fingerprint` returns it: the only certificate that is believed."""


def authority(host: str, port: int) -> str:
    """Return a server for the header ``Host`` (RFC 9110 §7.2)."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port == HTTPS else f"{shown}:{port}"


def basic_header(username: str, password: Secret) -> Header:
    """Return the header of basic authentication (RFC 7617); it is a secret."""
    account = username.encode() + b":" + password.reveal()
    return b"Authorization", b"Basic " + base64.b64encode(account)


def parse_fingerprint(spelling: str) -> str:
    """Return a SHA-256 fingerprint as hexadecimal digits, from any usual spelling.

    Raises:
        ValueError: it is none.
    """
    digits = spelling.lower().rpartition("=")[2].removeprefix("sha256:")
    digits = digits.replace(":", "")
    if not _HEXADECIMAL.match(digits):
        raise refusal(spelling, "64 hexadecimal digits, with colons or without")
    return digits


FINGERPRINT_EXAMPLE: Final = bytes(range(0x60, 0x80)).hex()
