"""What a web configuration file says."""

from __future__ import annotations

import enum
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType


class WebConfigError(Exception):
    """A web configuration cannot be used.

    Args:
        path: of the file.
        problems: a line each, with the key.
    """

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


class ClientAuth(enum.StrEnum):
    """Whose certificates are wanted; Go's names, as in exporter-toolkit."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(enum.StrEnum):
    """Versions of TLS; 1.0 and 1.1 are gone from today's OpenSSL (RFC 8996)."""

    TLS12 = "TLS12"
    TLS13 = "TLS13"

    @property
    def number(self) -> ssl.TLSVersion:
        """What Python's ssl calls it."""
        return _NUMBERS[self]


_NUMBERS: Mapping[TlsVersion, ssl.TLSVersion] = MappingProxyType(
    {
        TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
        TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """``tls_server_config``; the paths are absolute."""

    cert_file: Path
    key_file: Path
    client_auth_type: ClientAuth = ClientAuth.NONE
    client_ca_file: Path | None = None
    min_version: TlsVersion = TlsVersion.TLS12
    max_version: TlsVersion = TlsVersion.TLS13

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        authority = () if self.client_ca_file is None else (self.client_ca_file,)
        return (self.cert_file, self.key_file, *authority)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """A whole file; an empty one is plain HTTP without passwords."""

    tls: TlsSettings | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    """bcrypt hashes by user name; none: no password is needed."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of every answer."""
