"""One table of keys against a schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from solrecd.config.document import Given
from solrecd.config.errors import Problems
from solrecd.config.keys import Schema
from solrecd.config.values import suggestion

Table = Mapping[str, Given]


class Setting(NamedTuple):
    """A parsed value, and where it was given."""

    value: Any
    given: Given


Settings = Mapping[str, Setting]
"""Parsed values of one table by their keys."""


def parse_settings(
    table: Table, schema: Schema, problems: Problems
) -> dict[str, Setting]:
    """Return the parsed values by key; a wrong one is noted and left out."""
    settings: dict[str, Setting] = {}
    for key, given in table.items():
        known = schema.get(key)
        if known is None:
            problems.add(given.problem(_unknown(key, given.value, schema)))
            continue
        try:
            settings[key] = Setting(known.parse(given.value), given)
        except ValueError as error:
            problems.add(given.problem(str(error)))
    return settings


def _unknown(key: str, value: object, schema: Schema) -> str:
    if isinstance(value, dict):
        return 'unknown table; a name with dots needs quotes, as in [console."a.b"]'
    return f"unknown key; {suggestion(key, schema)}"


def is_given(
    key: str,
    place: str,
    table: Table,
    settings: Mapping[str, object],
    problems: Problems,
) -> bool:
    """Return whether a table has the key without which it means nothing.

    Args:
        key: which.
        place: the table's name.
        table: what was written; not empty.
        settings: what of it is right.
        problems: is told where the key is missing.
    """
    if key not in table:
        given = next(iter(table.values()))
        problems.add(given.problem(f"stands in [{place}], which has no {key}"))
    return key in settings
