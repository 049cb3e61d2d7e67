"""One key of the configuration: what it takes, and what it is for.

A key's `Key.help` is the only place that explains it: the reference, the manual page
and the commented example are made from it (``make docs``, ``make man``). What a key
takes by default is in `model`, what it allows its parser tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from solrecd.config.values import Parser


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table."""

    parse: Parser[Any]
    """TOML's value to ours, or a `ValueError` that reads "found X; allowed: Y"."""
    help: str
    """What it is for, in whole sentences for an administrator, as plain text; names
    of keys, commands and files in backticks. It does not repeat what is allowed."""
    example: object = None
    """A value as TOML has it, for the commented example; needed where there is no
    default to show there, and shown instead of the default."""


Schema = Mapping[str, Key]
"""The keys of a table by their names, in the order in which they are explained."""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table of the configuration."""

    path: tuple[str, ...]
    """Its name: ``("stages", "timeout")``; a part in capitals, as in
    ``("console", "NAME")``, stands for a name of the administrator's choice."""
    keys: Schema
    defaults: Mapping[str, Any]
    """What keys that are not given are, by their names; absent: there is no default."""
    help: str
    """What the table is for, as in `Key.help`."""
    is_array: bool = False
    """There may be several: an array of tables, ``[[NAME]]``."""

    @property
    def header(self) -> str:
        """The line that begins it in a file."""
        name = ".".join(self.path)
        return f"[[{name}]]" if self.is_array else f"[{name}]"

    @property
    def is_one(self) -> bool:
        """There is one, whether a file has it or not."""
        return not self.is_array and not any(part.isupper() for part in self.path)


def defaults_of(model: type) -> Mapping[str, Any]:
    """Return the defaults of a dataclass, by the names of its fields."""
    return {
        field.name: _default(field.default, field.default_factory)
        for field in fields(model)
        if field.default is not MISSING or field.default_factory is not MISSING
    }


def _default(value: Any, factory: Callable[[], Any] | Any) -> Any:
    return value if factory is MISSING else factory()
