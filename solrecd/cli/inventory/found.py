"""What a foreign configuration holds: consoles, and what we have no equivalent for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from solrecd.config.names import name_of


class Remark(NamedTuple):
    """Something that was not taken over, or not as it stood."""

    line: int
    """Where it first stands, from 1."""
    what: str
    """The keyword, console or value, as it stands there."""
    why: str
    """What to do about it, or why nothing is."""


@dataclass(frozen=True, slots=True)
class FoundConsole:
    """One console.

    Attributes:
        name: as solrecd allows it.
        bmc: ``host`` or ``host:port``.
        settings: keys of a console in solrecd's configuration, with their values as
            TOML has them.
    """

    name: str
    bmc: str
    settings: Mapping[str, Any] = field(repr=False)
    """Not shown: there are passwords in it."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that was found in the files of one system, in their order."""

    consoles: Sequence[FoundConsole]
    remarks: Sequence[Remark]


class Collector:
    """Gathers an `Inventory`: names are made ours, remarks are made once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._consoles: dict[str, FoundConsole] = {}
        self._remarks: dict[tuple[str, str], int] = {}

    def remark(self, line: int, what: str, why: str) -> None:
        """Note what has no equivalent; said again it says nothing new."""
        self._remarks.setdefault((what, why), line)

    def add(self, line: int, name: str, bmc: str, settings: Mapping[str, Any]) -> None:
        """Take a console, under a name that solrecd allows."""
        ours = name_of(name)
        if ours != name:
            self.remark(line, name, f"renamed to {ours}: a name is a folder here")
        if ours in self._consoles:
            self.remark(line, name, "is there already; the first one counts")
            return
        self._consoles[ours] = FoundConsole(ours, bmc, dict(settings))

    def inventory(self) -> Inventory:
        """Return what was gathered."""
        remarks = [Remark(line, *key) for key, line in self._remarks.items()]
        return Inventory(tuple(self._consoles.values()), tuple(sorted(remarks)))
