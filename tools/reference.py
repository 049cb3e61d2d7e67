"""The configuration, key by key, as the schema has it, ready to be printed.

What a key allows is what its parser says when it refuses a value, and a default is
shown as the spelling that its parser reads as that default. So neither can be wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from solrecd.alerts.senders.table import RECEIVERS
from solrecd.config.keys import Key, TableSchema
from solrecd.config.tables import tables
from solrecd.config.values import show, spell_duration, spell_size
from solrecd.sources.table import CONSOLE_KINDS


@dataclass(frozen=True, slots=True)
class Entry:
    """One key as a reader of the reference wants it, all values as TOML."""

    name: str
    help: str
    allowed: str
    default: str
    """Empty: there is none."""
    example: str
    """A value that shows what one looks like, or else the default."""


def reference(
    known: Iterable[TableSchema] = tables(CONSOLE_KINDS, RECEIVERS),
) -> Iterator[tuple[TableSchema, tuple[Entry, ...]]]:
    """Yield every table with its keys.

    Raises:
        ValueError: a key lacks what the reference needs; names the key.
    """
    for table in known:
        entries = (_entry(table, name, key) for name, key in table.keys.items())
        yield table, tuple(entries)


def _entry(table: TableSchema, name: str, key: Key) -> Entry:
    try:
        default = default_of(key, table.defaults.get(name))
        return Entry(name, key.help, allowed_by(key), default, _shown(key, default))
    except ValueError as error:
        raise ValueError(f"{'.'.join(table.path)}.{name}: {error}") from None


def allowed_by(key: Key) -> str:
    """Return what a key allows, in the words of its parser.

    Raises:
        ValueError: it takes anything, or does not say.
    """
    try:
        key.parse(object())
    except ValueError as error:
        _, found, allowed = str(error).partition("allowed: ")
        if found:
            return allowed
    raise ValueError('its parser does not refuse with "found X; allowed: Y"')


def default_of(key: Key, default: object) -> str:
    """Return how TOML spells a default; empty where nothing does."""
    spellings: list[object] = [default, "off", ""]
    if isinstance(default, int | float) and not isinstance(default, bool):
        spellings[:0] = [spell_size(int(default)), spell_duration(default)]
    elif isinstance(default, tuple | frozenset):
        spellings[:0] = [list(default), ":".join(map(str, default))]
    return next((toml(it) for it in spellings if _reads_as(key, it, default)), "")


def _reads_as(key: Key, spelling: object, default: object) -> bool:
    try:
        value = key.parse(spelling)
    except ValueError:
        return False
    alike = frozenset(value) if isinstance(default, frozenset) else value
    # True == 1, and neither stands for the other.
    same_kind = isinstance(alike, bool) is isinstance(default, bool)
    return same_kind and bool(alike == default)


def _shown(key: Key, default: str) -> str:
    if key.example is None:
        if not default:
            raise ValueError("has no default to show, so it needs an example")
        return default
    key.parse(key.example)
    return toml(key.example)


def toml(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # `show` cuts long ones
    if isinstance(value, bool) or not isinstance(value, Mapping | list):
        return show(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    inside = ", ".join(f"{key} = {toml(it)}" for key, it in value.items())
    return f"{{ {inside} }}" if inside else "{}"
