"""The ``[console.X]`` tables: ranges expanded, secrets fetched, `ConsoleConfig`s."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from solrecd.config.console_keys import KG_KEYS, PASSWORD_KEYS, PASSWORD_MAX
from solrecd.config.console_settings import (
    Settings,
    check_complete,
    check_suites,
    merge,
    read_settings,
)
from solrecd.config.document import Document, Given
from solrecd.config.errors import Problems
from solrecd.config.keys import Schema
from solrecd.config.model import IPMI_PORT, ConsoleConfig
from solrecd.config.names import expand, expand_names
from solrecd.config.secret_sources import (
    ConfigEnvironment,
    SecretKind,
    SecretSource,
    fetch,
)
from solrecd.config.settings import Setting, Table
from solrecd.config.values import address, refusal
from solrecd.process.secret import Secret

T = TypeVar("T")

_SPECIAL = frozenset(
    {"bmc", "port", "username", "labels", "quirks", *PASSWORD_KEYS, *KG_KEYS}
)
"""Keys that do not become a field of the same name and value."""


class ConsoleReader:
    """Reads the consoles of one file after the other into `consoles`."""

    def __init__(
        self, schema: Schema, environment: ConfigEnvironment, problems: Problems
    ) -> None:
        self.consoles: dict[str, ConsoleConfig] = {}
        self._schema = schema
        self._environment = environment
        self._problems = problems
        self._defaults: Settings = {}
        self._default_keys: frozenset[str] = frozenset()
        self._first: dict[str, Given] = {}
        self._secrets: dict[tuple[SecretSource, bool], Secret | None] = {}

    @property
    def names(self) -> Collection[str]:
        """The consoles read so far, also those with mistakes."""
        return self._first.keys()

    def set_defaults(self, table: Table) -> None:
        """Take the ``[defaults]`` table, before any console."""
        self._defaults = read_settings(table, self._schema, self._problems)
        self._default_keys = frozenset(table)

    def read(self, document: Document, tables: Mapping[str, Any]) -> None:
        """Read the consoles of a file."""
        for spelling, table in tables.items():
            given = Given(table, document, ("console", spelling))
            try:
                self._read_range(given, expand_names(spelling))
            except ValueError as error:
                self._problems.add(given.problem(str(error)))

    def _read_range(self, given: Given, names: Iterable[str]) -> None:
        settings = self._settings(given)
        common = _common_fields(settings)
        for name in names:
            if self._claim(name, given):
                self._build(name, settings, common)

    def _settings(self, given: Given) -> Settings:
        if not isinstance(given.value, dict):
            raise refusal(given.value, f'a table, [console."{given.path[-1]}"]')
        table = {
            key: Given(value, given.document, (*given.path, key))
            for key, value in given.value.items()
        }
        own = read_settings(table, self._schema, self._problems)
        settings = merge(own, self._defaults)
        check_complete(given, self._default_keys | table.keys(), self._problems)
        check_suites(settings, self._problems)
        return settings

    def _claim(self, name: str, given: Given) -> bool:
        first = self._first.setdefault(name, given)
        if first is given:
            return True
        place = first.document.place_of(first.path)
        self._problems.add(given.problem(f"{name} is already given at {place}"))
        return False

    def _build(self, name: str, settings: Settings, common: dict[str, Any]) -> None:
        """Make one console; what stands in the way is noted, here or before."""
        password = self._secret(name, settings, PASSWORD_KEYS)
        kg = self._secret(name, settings, KG_KEYS)
        target = self._expanded(name, settings.get("bmc"), _address_of)
        labels = self._expanded(name, settings.get("labels"), _expand_labels)
        if target is None or password is None or "username" not in common:
            return
        host, port = target
        fields = common if port is None else {**common, "port": port}
        if labels is not None:
            fields = {**fields, "labels": labels}
        self.consoles[name] = ConsoleConfig(
            name=name, host=host, password=password, kg=kg, **fields
        )

    def _expanded(
        self, name: str, setting: Setting | None, make: Callable[[Any, str], T]
    ) -> T | None:
        if setting is None:
            return None
        try:
            return make(setting.value, name)
        except ValueError as error:
            self._problems.add(setting.given.problem(str(error)))
            return None

    def _secret(
        self, name: str, settings: Settings, keys: Mapping[str, SecretKind]
    ) -> Secret | None:
        for key, kind in keys.items():
            if key in settings:
                make = _secret_expander(kind)
                source = self._expanded(name, settings[key], make)
                return source and self._fetched(source, settings[key].given, keys)
        return None

    def _fetched(
        self, source: SecretSource, given: Given, keys: Mapping[str, SecretKind]
    ) -> Secret | None:
        """Fetch a secret once, however many consoles share it."""
        key = source, keys is KG_KEYS
        if key not in self._secrets:
            self._secrets[key] = None
            try:
                content = fetch(source, self._environment)
                decode = _kg if keys is KG_KEYS else _password
                self._secrets[key] = Secret(decode(content))
            except ValueError as error:
                self._problems.add(given.problem(str(error)))
        return self._secrets[key]


def _common_fields(settings: Settings) -> dict[str, Any]:
    """Return the fields that all consoles of one table share."""
    fields = {key: one.value for key, one in settings.items() if key not in _SPECIAL}
    fields["port"] = settings["port"].value if "port" in settings else IPMI_PORT
    if "username" in settings:
        fields["username"] = settings["username"].value.encode()
    if "quirks" in settings:
        fields["quirks"] = frozenset(settings["quirks"].value)
    return fields


def _address_of(template: str, name: str) -> tuple[str, int | None]:
    return address(expand(template, name))


def _expand_labels(labels: Mapping[str, str], name: str) -> Mapping[str, str]:
    return MappingProxyType({key: expand(text, name) for key, text in labels.items()})


def _secret_expander(kind: SecretKind) -> Callable[[str, str], SecretSource]:
    def make(template: str, name: str) -> SecretSource:
        # A password may hold braces; only names and paths are templates.
        inline = kind is SecretKind.INLINE
        return SecretSource(kind, template if inline else expand(template, name))

    return make


def _password(content: bytes) -> bytes:
    if len(content) > PASSWORD_MAX or b"\0" in content:
        raise ValueError(
            f"found a password of {len(content)} bytes; allowed: at most"
            f" {PASSWORD_MAX} bytes without NUL"
        )
    return content


def _kg(content: bytes) -> bytes:
    """Return K_g from text, or from ``0x`` and hexadecimal digits as in ipmitool."""
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
    return key
