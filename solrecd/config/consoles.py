"""The ``[console.X]`` tables: ranges expanded, secrets fetched, `ConsoleConfig`s."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from solrecd.config.console_keys import console_keys
from solrecd.config.console_kinds import ConsoleKind, ConsoleKinds, SecretKeys
from solrecd.config.console_settings import check_complete, merge, read_settings
from solrecd.config.document import Document, Given
from solrecd.config.errors import Problems
from solrecd.config.keys import Schema
from solrecd.config.model import ConsoleConfig
from solrecd.config.names import expand, expand_names
from solrecd.config.secret_sources import (
    ConfigEnvironment,
    SecretKind,
    SecretSource,
    fetch_line,
)
from solrecd.config.settings import Setting, Settings, Table, parse_settings
from solrecd.config.values import refusal, suggestion
from solrecd.process.secret import Secret

T = TypeVar("T")


class _Defaults(NamedTuple):
    """The ``[defaults]``, as consoles of one kind see them."""

    settings: Settings
    given: frozenset[str]
    """Keys that are there, also those with wrong values."""


class ConsoleReader:
    """Reads the consoles of one file after the other into `consoles`.

    Args:
        kinds: the kinds of consoles there are.
        environment: what secrets are fetched from.
        problems: takes the problems.
    """

    def __init__(
        self, kinds: ConsoleKinds, environment: ConfigEnvironment, problems: Problems
    ) -> None:
        self.consoles: dict[str, ConsoleConfig] = {}
        self._kinds = kinds
        self._problems = problems
        self._common = console_keys(kinds)
        self._default_kind = next(iter(kinds))
        self._default_table: Table = {}
        self._defaults: dict[str, _Defaults] = {}
        self._first: dict[str, Given] = {}
        self._secrets = _Secrets(environment, problems)

    @property
    def names(self) -> Collection[str]:
        """The consoles read so far, also those with mistakes."""
        return self._first.keys()

    # The defaults.

    def set_defaults(self, table: Table) -> None:
        """Take the ``[defaults]`` table, before any console."""
        known = self._schema(*self._kinds.values())
        self._default_table = {key: one for key, one in table.items() if key in known}
        strange = {key: one for key, one in table.items() if key not in known}
        parse_settings(strange, known, self._problems)
        kind = self._kind_of(table)
        self._default_kind = self._default_kind if kind is None else kind.name
        self._defaults_of(self._kinds[self._default_kind])

    def _defaults_of(self, kind: ConsoleKind) -> _Defaults:
        """Return the defaults that mean something to a kind; they may have any key."""
        if kind.name not in self._defaults:
            schema = self._schema(kind)
            table = {k: one for k, one in self._default_table.items() if k in schema}
            settings = read_settings(table, kind, schema, self._problems)
            self._defaults[kind.name] = _Defaults(settings, frozenset(table))
        return self._defaults[kind.name]

    def _schema(self, *kinds: ConsoleKind) -> Schema:
        schema = dict(self._common)
        for kind in kinds:
            schema |= kind.keys
        return schema

    def _kind_of(self, table: Table) -> ConsoleKind | None:
        """Return the kind that a table names; None where it names none, or wrongly."""
        given = table.get("kind")
        value = None if given is None else given.value
        return self._kinds.get(value) if isinstance(value, str) else None

    # The consoles.

    def read(self, document: Document, tables: Mapping[str, Any]) -> None:
        """Read the consoles of a file."""
        for spelling, table in tables.items():
            given = Given(table, document, ("console", spelling))
            try:
                self._read_range(given, expand_names(spelling))
            except ValueError as error:
                self._problems.add(given.problem(str(error)))

    def _read_range(self, given: Given, names: Iterable[str]) -> None:
        if not isinstance(given.value, dict):
            raise refusal(given.value, f'a table, [console."{given.path[-1]}"]')
        table = {
            key: Given(value, given.document, (*given.path, key))
            for key, value in given.value.items()
        }
        kind = self._kind_of(table)
        if kind is None and "kind" in table:
            # Which keys it may have cannot be said before that is mended.
            parse_settings({"kind": table["kind"]}, self._common, self._problems)
            return
        kind = kind or self._kinds[self._default_kind]
        settings = self._settings(given, table, kind)
        common = _common_fields(settings, self._common)
        plain = _plain(settings, kind)
        for name in names:
            if self._claim(name, given):
                values = _ConsoleValues(
                    name, settings, plain, self._secrets, self._problems
                )
                self._build(values, kind, common)

    def _settings(self, given: Given, table: Table, kind: ConsoleKind) -> Settings:
        self._note_strangers(table, kind)
        schema = self._schema(kind)
        known = {key: one for key, one in table.items() if key in schema}
        own = read_settings(known, kind, schema, self._problems)
        defaults = self._defaults_of(kind)
        settings = merge(own, defaults.settings, kind)
        check_complete(given, defaults.given | table.keys(), kind, self._problems)
        kind.check(settings, self._problems)
        return settings

    def _note_strangers(self, table: Table, kind: ConsoleKind) -> None:
        """Note keys that this kind does not have."""
        schema = self._schema(kind)
        strange = {key: one for key, one in table.items() if key not in schema}
        for key, given in strange.items():
            owners = [each.name for each in self._kinds.values() if key in each.keys]
            if owners:
                text = (
                    f"is a key of kind {' and '.join(owners)}, and this console is of"
                    f" kind {kind.name}; {suggestion(key, kind.keys)}"
                )
                self._problems.add(given.problem(text))
            else:
                parse_settings({key: given}, schema, self._problems)

    def _claim(self, name: str, given: Given) -> bool:
        first = self._first.setdefault(name, given)
        if first is given:
            return True
        place = first.document.place_of(first.path)
        self._problems.add(given.problem(f"{name} is already given at {place}"))
        return False

    def _build(
        self, values: _ConsoleValues, kind: ConsoleKind, common: Mapping[str, Any]
    ) -> None:
        """Make one console; what stands in the way is noted, here or before."""
        options = kind.build(values)
        labels = values.labels()
        machine = values.expanded("machine", str) or ""
        power = kind.power(values)
        if options is not None:
            self.consoles[values.name] = ConsoleConfig(
                name=values.name,
                kind=kind.name,
                options=options,
                labels=labels,
                machine=machine,
                power=power,
                **common,
            )


class _Secrets:
    """Fetches each secret once, however many consoles share it."""

    def __init__(self, environment: ConfigEnvironment, problems: Problems) -> None:
        self._environment = environment
        self._problems = problems
        self._fetched: dict[tuple[SecretSource, SecretKeys], Secret | None] = {}

    def fetch(
        self, source: SecretSource, keys: SecretKeys, given: Given
    ) -> Secret | None:
        """Return a secret; None where it cannot be had, which is noted."""
        key = source, keys
        if key not in self._fetched:
            self._fetched[key] = None
            try:
                content = fetch_line(source, self._environment)
                self._fetched[key] = Secret(keys.decode(content))
            except ValueError as error:
                self._problems.add(given.problem(str(error)))
        return self._fetched[key]


@dataclass(frozen=True, slots=True)
class _ConsoleValues:
    """One console's settings; fits `kinds.Values`."""

    name: str
    settings: Settings
    plain: Mapping[str, Any]
    secrets: _Secrets
    problems: Problems

    def expanded(self, key: str, parse: Callable[[str], T]) -> T | None:
        """See `kinds.Values`."""
        setting = self.settings.get(key)
        if setting is None:
            return None
        return self._made(setting, lambda text: parse(expand(text, self.name)))

    def made(self, key: str, make: Callable[[str], T]) -> T | None:
        """See `kinds.Values`."""
        return self._made(self.settings[key], lambda _: make(self.name))

    def secret(self, keys: SecretKeys) -> Secret | None:
        """See `kinds.Values`."""
        for key, kind in keys.keys.items():
            if key in self.settings:
                setting = self.settings[key]
                source = self._made(setting, _source_maker(kind, self.name))
                return source and self.secrets.fetch(source, keys, setting.given)
        return None

    def labels(self) -> Mapping[str, str]:
        """Return the labels, with ``{name}`` and ``{n}`` replaced in their values."""
        setting = self.settings.get("labels")
        if setting is None:
            return MappingProxyType({})
        made = self._made(setting, lambda labels: _expand_labels(labels, self.name))
        return made or MappingProxyType({})

    def _made(self, setting: Setting, make: Callable[[Any], T]) -> T | None:
        try:
            return make(setting.value)
        except ValueError as error:
            self.problems.add(setting.given.problem(str(error)))
            return None


def _common_fields(settings: Settings, common: Schema) -> dict[str, Any]:
    """Return the fields that all consoles of one table share."""
    special = {"kind", "labels", "machine"}
    return {
        key: one.value
        for key, one in settings.items()
        if key in common and key not in special
    }


def _plain(settings: Settings, kind: ConsoleKind) -> Mapping[str, Any]:
    secrets = {key for each in kind.secrets for key in each.keys}
    return MappingProxyType(
        {
            key: one.value
            for key, one in settings.items()
            if key in kind.keys and key not in secrets
        }
    )


def _expand_labels(labels: Mapping[str, str], name: str) -> Mapping[str, str]:
    return MappingProxyType({key: expand(text, name) for key, text in labels.items()})


def _source_maker(kind: SecretKind, name: str) -> Callable[[str], SecretSource]:
    def make(template: str) -> SecretSource:
        # A password may hold braces; only names and paths are templates.
        inline = kind is SecretKind.INLINE
        return SecretSource(kind, template if inline else expand(template, name))

    return make
