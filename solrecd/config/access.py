"""The ``[access.NAME]`` tables: who may do what on the API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from solrecd.config.access_keys import ACCESS_KEYS
from solrecd.config.document import Document, Given
from solrecd.config.errors import Problems
from solrecd.config.secret_sources import (
    STAND_IN,
    ConfigEnvironment,
    SecretKind,
    SecretSource,
    fetch,
)
from solrecd.config.settings import Setting, parse_settings
from solrecd.config.values import refusal
from solrecd.process.access import TOKEN_MAX, TOKEN_MIN, Grant, Policy, Role, digest_of

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,31}\Z")
"""Of a grant: it stands in logs as who did something."""

_TOKENS = MappingProxyType(
    {"token_file": SecretKind.FILE, "token_credential": SecretKind.CREDENTIAL}
)
_CALLERS = (
    "users",
    "groups",
    "certificates",
    "token_sha256",
    "token_file",
    "token_credential",
)


class AccessReader:
    """Reads the grants of one file after the other."""

    def __init__(self, environment: ConfigEnvironment, problems: Problems) -> None:
        self._environment = environment
        self._problems = problems
        self._grants: dict[str, Grant] = {}
        self._first: dict[str, Given] = {}

    @property
    def policy(self) -> Policy:
        """What was read so far."""
        return Policy(tuple(self._grants.values()))

    def read(self, document: Document, tables: Mapping[str, Any]) -> None:
        """Read the grants of a file."""
        for name, table in tables.items():
            given = Given(table, document, ("access", name))
            try:
                self._check_name(name, given)
                self._read_grant(name, given)
            except ValueError as error:
                self._problems.add(given.problem(str(error)))

    def _check_name(self, name: str, given: Given) -> None:
        first = self._first.setdefault(name, given)
        if first is not given:
            place = first.document.place_of(first.path)
            raise ValueError(f"is already given at {place}")
        if not _NAME.match(name):
            raise refusal(name, "names of letters, digits, '.', '_', '-', at most 32")

    def _read_grant(self, name: str, given: Given) -> None:
        if not isinstance(given.value, dict):
            raise refusal(given.value, f"a table, [access.{name}]")
        table = {
            key: Given(value, given.document, (*given.path, key))
            for key, value in given.value.items()
        }
        settings = parse_settings(table, ACCESS_KEYS, self._problems)
        if "role" not in table:
            words = ", ".join(f'"{role}"' for role in Role)
            raise ValueError(f"has no role; allowed: {words}")
        if table.keys().isdisjoint(_CALLERS):
            raise ValueError(f"names no caller; allowed: one of {', '.join(_CALLERS)}")
        if "role" in settings:
            self._grants[name] = self._grant(name, settings)

    def _grant(self, name: str, settings: Mapping[str, Setting]) -> Grant:
        plain = ("role", "labels", "users", "groups", "certificates")
        fields = {key: settings[key].value for key in plain if key in settings}
        hashed = settings["token_sha256"].value if "token_sha256" in settings else ()
        fetched = [
            digest_of(token)
            for key, kind in _TOKENS.items()
            if key in settings
            for token in self._tokens(settings[key], kind)
        ]
        return Grant(name=name, tokens=(*hashed, *fetched), **fields)

    def _tokens(self, setting: Setting, kind: SecretKind) -> Iterable[bytes]:
        """Return the tokens in a file or credential, one in each line."""
        try:
            content = fetch(SecretSource(kind, setting.value), self._environment)
            return () if content == STAND_IN else _split(content)
        except ValueError as error:
            self._problems.add(setting.given.problem(str(error)))
            return ()


def _split(content: bytes) -> list[bytes]:
    found = [line.strip() for line in content.splitlines() if line.strip()]
    if not found:
        raise ValueError("holds no token; `solrecd token` makes one")
    for token in found:
        if not TOKEN_MIN <= len(token) <= TOKEN_MAX or not token.isascii():
            raise ValueError(
                f"holds a token of {len(token)} bytes; allowed: {TOKEN_MIN} to"
                f" {TOKEN_MAX} ASCII characters (`solrecd token` makes one)"
            )
    return found
