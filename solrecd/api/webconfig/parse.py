"""Text of a web configuration file to what it says. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml

from solrecd.api.webconfig.settings import (
    ClientAuth,
    TlsSettings,
    TlsVersion,
    WebConfig,
    WebConfigError,
)

MAX_USERS = 1000
"""Users of one listener; the file is for a handful of Prometheus servers."""

_HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
"""Those that exporter-toolkit allows to set."""

_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}\Z", re.ASCII)
_MIN_COST, _MAX_COST = 4, 16
"""bcrypt's least, and 5 seconds of a processor: more would be a way to keep us busy."""

_NOT_HERE = {
    "cert": "put the certificate into a file and name it in cert_file",
    "key": "put the key into a file and name it in key_file",
    "client_ca": "put the certificate into a file and name it in client_ca_file",
    "client_allowed_sans": "use a client_ca_file that vouches for those clients alone",
    "cipher_suites": "the system's OpenSSL policy chooses",
    "prefer_server_cipher_suites": "the system's OpenSSL policy chooses",
    "curve_preferences": "the system's OpenSSL policy chooses",
    "rate_limit": "limit it in a proxy or a firewall",
}
"""Keys of exporter-toolkit that do not count here, and what to do instead."""

E = TypeVar("E", bound=enum.StrEnum)


class _Reader:
    """Reads one document; collects all mistakes on the way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problems: list[str] = []

    def document(self, found: object) -> WebConfig:
        table = self._table("", found)
        self._check_keys(
            "", table, ("tls_server_config", "http_server_config", "basic_auth_users")
        )
        return WebConfig(
            tls=self._tls(table.get("tls_server_config")),
            users=self._users(table.get("basic_auth_users")),
            headers=self._http(table.get("http_server_config")),
        )

    def _tls(self, found: object) -> TlsSettings | None:
        where = "tls_server_config"
        if found is None:
            return None
        table = self._table(where, found)
        self._check_keys(where, table, tuple(TlsSettings.__dataclass_fields__))
        certificate = self._path(where, table, "cert_file")
        key = self._path(where, table, "key_file")
        authority = self._path(where, table, "client_ca_file")
        for name, path in (("cert_file", certificate), ("key_file", key)):
            if path is None and table.get(name) is None:
                self._refuse(f"{where}.{name}", "is missing")
        choose = self._choice
        settings = TlsSettings(
            cert_file=certificate or self._folder,
            key_file=key or self._folder,
            client_auth_type=choose(where, table, "client_auth_type", ClientAuth.NONE),
            client_ca_file=authority,
            min_version=choose(where, table, "min_version", TlsVersion.TLS12),
            max_version=choose(where, table, "max_version", TlsVersion.TLS13),
        )
        self._check_tls(where, settings)
        return settings

    def _check_tls(self, where: str, tls: TlsSettings) -> None:
        wants_clients = tls.client_auth_type is not ClientAuth.NONE
        if wants_clients and tls.client_ca_file is None:
            need = f"{tls.client_auth_type} needs it"
            self._refuse(f"{where}.client_ca_file", f"is missing; {need}")
        if tls.client_ca_file is not None and not wants_clients:
            remedy = f'has no effect without client_auth_type: "{ClientAuth.REQUIRED}"'
            self._refuse(f"{where}.client_ca_file", remedy)
        if tls.max_version.number < tls.min_version.number:
            self._refuse(f"{where}.max_version", "is below min_version")

    def _users(self, found: object) -> Mapping[str, bytes]:
        where = "basic_auth_users"
        users = self._table(where, found)
        if len(users) > MAX_USERS:
            self._refuse(where, f"has {len(users)} users; allowed: {MAX_USERS}")
        return {
            name: digest.encode()
            for name, digest in users.items()
            if self._is_hash(f"{where}.{name}", digest)
        }

    def _is_hash(self, where: str, digest: object) -> bool:
        """Tell whether a value is a hash that may be asked of a processor."""
        match = _BCRYPT.match(digest) if isinstance(digest, str) else None
        if match is None:
            # Never quoted: it may be a password instead of its hash.
            self._refuse(
                where, "is not a bcrypt hash (htpasswd -nBC 10 NAME makes one)"
            )
        elif not _MIN_COST <= int(match[1]) <= _MAX_COST:
            allowed = f"{_MIN_COST} to {_MAX_COST}"
            self._refuse(where, f"has cost {int(match[1])}; allowed: {allowed}")
        else:
            return True
        return False

    def _http(self, found: object) -> Mapping[str, str]:
        where = "http_server_config"
        table = self._table(where, found)
        self._check_keys(where, table, ("http2", "headers"))
        # HTTP/2 is an offer that we do not make: true asks for nothing more.
        if not isinstance(table.get("http2", True), bool):
            self._refuse(f"{where}.http2", "allowed: true, false")
        where = f"{where}.headers"
        headers = self._table(where, table.get("headers"))
        self._check_keys(where, headers, _HEADERS)
        for name, value in headers.items():
            if not isinstance(value, str) or not value.isprintable():
                self._refuse(f"{where}.{name}", "allowed: one line of text")
        return {name: str(value) for name, value in headers.items()}

    # One value each.

    def _table(self, where: str, found: object) -> Mapping[str, Any]:
        if found is None:
            return {}
        if isinstance(found, dict) and all(isinstance(key, str) for key in found):
            return found
        self._refuse(where or "the file", "allowed: a table of keys and values")
        return {}

    def _check_keys(
        self, where: str, table: Mapping[str, Any], allowed: tuple[str, ...]
    ) -> None:
        for key in sorted(table.keys() - set(allowed)):
            name = f"{where}.{key}" if where else key
            if key in _NOT_HERE:
                self._refuse(name, f"is not supported; {_NOT_HERE[key]}")
                continue
            close = get_close_matches(key, allowed, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            self._refuse(name, f"is unknown; {hint}allowed: {', '.join(allowed)}")

    def _path(self, where: str, table: Mapping[str, Any], key: str) -> Path | None:
        """Return a file's path; a relative one starts at the file's own folder."""
        value = table.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value and "\0" not in value:
            return self._folder / value
        self._refuse(f"{where}.{key}", "allowed: the path of a file")
        return None

    def _choice(self, where: str, table: Mapping[str, Any], key: str, default: E) -> E:
        value = table.get(key, default)
        members: Callable[[object], E] = type(default)
        try:
            return members(value)
        except ValueError:
            allowed = ", ".join(type(default))
            self._refuse(f"{where}.{key}", f"found {value!r:.60}; allowed: {allowed}")
            return default

    def _refuse(self, where: str, why: str) -> None:
        self.problems.append(f"{where}: {why}")


def parse(text: str, path: Path) -> WebConfig:
    """Return what a file says.

    Args:
        text: its content.
        path: where it is; relative paths in it start beside it.

    Raises:
        WebConfigError: with all mistakes.
    """
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "is not YAML"
        raise WebConfigError(path, [f"{line}{problem}"]) from None
    except RecursionError:
        raise WebConfigError(path, ["is nested too deeply"]) from None
    reader = _Reader(path.parent)
    config = reader.document(found)
    if reader.problems:
        raise WebConfigError(path, reader.problems)
    return config


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # yaml has no types
    """Safe YAML in which a key may stand once: the second would silently win."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[Any, Any]:
        """Return a mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                mark = node.value[place][0].start_mark
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key} stands there twice", mark
                )
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found
