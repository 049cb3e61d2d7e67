"""What a foreign configuration holds: consoles, and what we have no equivalent for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from solrecd.config.names import name_of

BMC: Final = "bmc"
HOST: Final = "host"
"""Keys of machines that are logged in to."""

COMMAND: Final = "command"
_HAS_WORDS: Final = (
    "a program is run for it, whose arguments any user can see;"
    " no password should be among them"
)


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
        place: where it is: ``host`` or ``host:port`` of a BMC, or what `key` says; a
            command as JSON.
        settings: keys of a console in solrecd's configuration, with their values as
            TOML has them.
    """

    name: str
    place: str = field(repr=False)
    """Not shown, nor is the next one: there are passwords in them."""
    settings: Mapping[str, Any] = field(repr=False)
    key: str = BMC
    """Of solrecd's configuration, that has the place."""

    @property
    def located(self) -> Mapping[str, Any]:
        """Return the key that says where it is, as TOML has it."""
        return located(self.key, self.place)


class Place(NamedTuple):
    """Where a console is, and how it is reached."""

    place: str
    settings: Mapping[str, Any]
    key: str = BMC


def located(key: str, place: str) -> Mapping[str, Any]:
    """Return a place as TOML has it."""
    return {key: json.loads(place) if key == COMMAND else place}


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

    def add(self, line: int, name: str, found: Place, why: str = "") -> None:
        """Take a console, under a name that solrecd allows.

        Args:
            line: where it stands.
            name: as it stands there.
            found: where the console is.
            why: a remark about the program that is run, in place of the usual one.
        """
        ours = name_of(name)
        if ours != name:
            self.remark(line, name, f"renamed to {ours}: a name is a folder here")
        if ours in self._consoles:
            self.remark(line, name, "is there already; the first one counts")
            return
        self._consoles[ours] = FoundConsole(
            ours, found.place, dict(found.settings), found.key
        )
        if found.key == COMMAND:
            self.remark(line, name, why or _HAS_WORDS)

    def inventory(self) -> Inventory:
        """Return what was gathered."""
        remarks = [Remark(line, *key) for key, line in self._remarks.items()]
        return Inventory(tuple(self._consoles.values()), tuple(sorted(remarks)))
