"""The ``[alerts.NAME]`` tables: `ReceiverConfig`s, secrets fetched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from solrecd.config import alert_values as v
from solrecd.config.alert_keys import NOTIFYING, SELECTING, keys_of
from solrecd.config.alerts import ReceiverConfig, Selection
from solrecd.config.document import Document, Given
from solrecd.config.errors import Problems
from solrecd.config.kinds import Kinds, TableKind
from solrecd.config.options import OptionReader
from solrecd.config.secret_sources import ConfigEnvironment
from solrecd.config.settings import Settings, Table, parse_settings
from solrecd.config.values import refusal, suggestion


class ReceiverReader:
    """Reads the receivers of one file after the other into `receivers`.

    Args:
        environment: what secrets are fetched from.
        problems: takes all mistakes.
        consoles: the names of all consoles.
        kinds: all that a receiver may be.
    """

    def __init__(
        self,
        environment: ConfigEnvironment,
        problems: Problems,
        consoles: Collection[str],
        kinds: Kinds,
    ) -> None:
        self.receivers: dict[str, ReceiverConfig] = {}
        self._environment = environment
        self._problems = problems
        self._consoles = consoles
        self._kinds = kinds
        self._first: dict[str, Given] = {}

    def read(self, document: Document, tables: Mapping[str, Any]) -> None:
        """Read the receivers of a file."""
        for name, table in tables.items():
            given = Given(table, document, ("alerts", name))
            try:
                self._read(v.receiver_name(name), given)
            except ValueError as error:
                self._problems.add(given.problem(str(error)))

    def _read(self, name: str, given: Given) -> None:
        first = self._first.setdefault(name, given)
        if first is not given:
            place = first.document.place_of(first.path)
            raise ValueError(f"is already given at {place}")
        if not isinstance(given.value, dict):
            raise refusal(given.value, f"a table, [alerts.{name}]")
        table = {
            key: Given(value, given.document, (*given.path, key))
            for key, value in given.value.items()
        }
        kind = self._kind(table)
        keys = keys_of(kind.name, self._kinds)
        settings = parse_settings(table, keys, self._problems)
        if kind.required not in table:
            raise ValueError(f"has no {kind.required}")
        if kind.required in settings:
            self.receivers[name] = self._build(name, kind, settings)

    def _kind(self, table: Table) -> TableKind[Any]:
        given = table.get("type")
        if given is None:
            raise ValueError(f"has no type; allowed: {', '.join(self._kinds)}")
        # Not every TOML value can be looked up: lists and tables have no hash.
        found = [kind for name, kind in self._kinds.items() if name == given.value]
        if not found:
            hint = suggestion(str(given.value), self._kinds)
            raise ValueError(f"has an unknown type; {hint}")
        return found[0]

    def _build(
        self, name: str, kind: TableKind[Any], settings: Settings
    ) -> ReceiverConfig:
        options = OptionReader(settings, self._environment, self._problems)
        return ReceiverConfig(
            name=name,
            target=kind.build(options),
            selection=self._selection(options),
            lacks_credential=options.lacks_credential,
            **options.values(*NOTIFYING),
        )

    def _selection(self, options: OptionReader) -> Selection:
        fields = options.values(*SELECTING)
        if "consoles" in fields:
            try:
                fields["consoles"] = v.chosen(fields["consoles"], self._consoles)
            except ValueError as error:
                del fields["consoles"]
                options.note("consoles", str(error))
        return Selection(**fields)
