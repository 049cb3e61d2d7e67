"""On which line of a marker file each key stands. Pure.

`tomllib` does not tell, so this looks for keys at the beginnings of lines. Text inside
a multi-line string may look like one: then a line in an error message is wrong, and
nothing else is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_HEAD: Final = re.compile(r"\s*(\[\[?)\s*([\w.\"' -]+?)\s*\]\]?\s*(?:#.*)?\Z")
_KEY: Final = re.compile(r"""\s*["']?([\w-]+)["']?[\w."' -]*=""")


@dataclass(slots=True)
class Table:
    """Lines of one table."""

    head: int | None = None
    keys: dict[str, int] = field(default_factory=dict)

    def line(self, key: str) -> int | None:
        """Return the line of a key; of the table where the key cannot be found."""
        return self.keys.get(key, self.head)


@dataclass(slots=True)
class Places:
    """Lines of one file."""

    top: Table = field(default_factory=Table)
    tables: dict[str, Table] = field(default_factory=dict)
    """By the first part of their names."""
    markers: list[Table] = field(default_factory=list)

    def line(self, key: str) -> int | None:
        """Return the line of a key, or of a table, of the whole file."""
        if key in self.top.keys:
            return self.top.keys[key]
        return self.tables[key].head if key in self.tables else None

    def marker(self, number: int) -> Table:
        """Return a rule's lines, counted from 0; none if they cannot be told."""
        return self.markers[number] if number < len(self.markers) else Table()


def find_places(text: str) -> Places:
    """Find the lines of a file's tables and keys."""
    places = Places()
    table = places.top
    for number, line in enumerate(text.split("\n"), 1):
        head, key = _HEAD.match(line), _KEY.match(line)
        if head is not None:
            name, _, rest = head[2].strip("\"'").partition(".")
            table = places.tables.setdefault(name, Table(number))
            if name == "marker" and not rest:
                table = Table(number)
                places.markers.append(table)
            elif rest:
                table.keys.setdefault(rest, number)
        elif key is not None:
            table.keys.setdefault(key[1], number)
    return places
