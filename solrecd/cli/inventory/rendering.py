"""An inventory as solrecd's TOML: what all share is said once, ranges are folded."""

from __future__ import annotations

import enum
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import tomlkit
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from tomlkit.items import Table

from solrecd.cli.inventory.found import BMC, HOST, FoundConsole, located
from solrecd.config.names import expand, expand_names

PASSWORD_FILE: Final = "/etc/solrecd/bmc.pw"  # noqa: S105 - a place, no password

_NUMBERS = re.compile(r"\d+")
_SECRETS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "password": (PASSWORD_FILE, "/etc/solrecd/{name}.pw"),
        "kg": ("/etc/solrecd/bmc.kg", "/etc/solrecd/{name}.kg"),
    }
)
"""Files for the secret that most consoles share, and for any other."""

_HINTS: Final[Mapping[frozenset[str], str]] = MappingProxyType(
    {
        frozenset({"username"}): 'username = "..."',
        frozenset({"password", "password_file"}): f'password_file = "{PASSWORD_FILE}"',
    }
)
"""What a console cannot do without, and how to say it."""


class Passwords(enum.Enum):
    """What becomes of passwords and keys."""

    WRITTEN = enum.auto()
    """They stand in the text, which no other user may read."""
    LEFT_OUT = enum.auto()
    """Files are named in their place; who runs solrecd puts them there."""


class _Group(NamedTuple):
    """Consoles that one table can describe."""

    names: tuple[str, ...]
    key: str
    place: str
    """With {name} or {n} where there is more than one."""
    settings: Mapping[str, Any]


def render(consoles: Sequence[FoundConsole], passwords: Passwords) -> str:
    """Return the configuration of these consoles.

    Args:
        consoles: each name once.
        passwords: what becomes of them.
    """
    if passwords is Passwords.LEFT_OUT:
        consoles = _without_secrets(consoles)
    defaults = _common(consoles)
    document = tomlkit.document()
    document["defaults"] = _defaults(defaults, consoles)
    tables = tomlkit.table(is_super_table=True)
    for group in _groups(consoles):
        own = {k: v for k, v in group.settings.items() if defaults.get(k) != v}
        kind = {key: own.pop(key) for key in ("kind",) if key in own}
        place = located(group.key, group.place)
        tables[_spelling(group.names)] = _table({**kind, **place, **own})
    document["console"] = tables
    return tomlkit.dumps(document)


def _defaults(values: Mapping[str, Any], consoles: Sequence[FoundConsole]) -> Table:
    """Return the table; what no console can do without is at least a comment."""
    table = _table(values)
    for keys, hint in _HINTS.items():
        bmcs = [console for console in consoles if console.key in {BMC, HOST}]
        if any(keys.isdisjoint(console.settings) for console in bmcs):
            table.add(tomlkit.comment(hint))
    return table


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = value
    return table


def _without_secrets(consoles: Sequence[FoundConsole]) -> Sequence[FoundConsole]:
    """Return the consoles with the names of files where secrets were."""
    for key, files in _SECRETS.items():
        given = [one.settings[key] for one in consoles if key in one.settings]
        if given:
            usual = _most_usual(given)
            consoles = [_with_file(one, key, usual, files) for one in consoles]
    return consoles


def _with_file(
    console: FoundConsole, key: str, usual: str, files: tuple[str, str]
) -> FoundConsole:
    settings = dict(console.settings)
    secret = settings.pop(key, None)
    if secret is not None:
        settings[f"{key}_file"] = files[secret != usual]
    return replace(console, settings=settings)


def _common(consoles: Sequence[FoundConsole]) -> Mapping[str, Any]:
    """Return the most usual value of each key that every console has."""
    given = [console.settings for console in consoles]
    keys = dict.fromkeys(itertools.chain.from_iterable(given))
    shared = [key for key in keys if all(key in settings for settings in given)]
    return {key: _most_usual([one[key] for one in given]) for key in shared}


def _most_usual(values: Sequence[Any]) -> Any:
    spellings = [repr(value) for value in values]
    return values[spellings.index(Counter(spellings).most_common(1)[0][0])]


def _groups(consoles: Iterable[FoundConsole]) -> Sequence[_Group]:
    """Put consoles together that differ in nothing but numbers, where the first is."""
    groups: dict[tuple[str, str, str], list[FoundConsole]] = defaultdict(list)
    for console in consoles:
        template, settings = _template(console), repr(sorted(console.settings.items()))
        kind = _NUMBERS.sub("#", console.name)
        groups[kind, template, settings].append(console)
    return [_group(found, template) for (_, template, _), found in groups.items()]


def _group(consoles: Sequence[FoundConsole], template: str) -> _Group:
    names = tuple(console.name for console in consoles)
    first = consoles[0]
    place = template if len(consoles) > 1 else first.place
    return _Group(names, first.key, place, first.settings)


def _template(console: FoundConsole) -> str:
    """Return the place with the console's name or number as a field of it."""
    name, place = console.name, console.place
    candidates = [place.replace(name, "{name}", 1)]
    numbers = _NUMBERS.findall(name)
    for match in reversed(list(_NUMBERS.finditer(place)) if numbers else []):
        if int(match[0]) == int(numbers[-1]):
            padded = len(match[0]) > 1 and match[0][0] == "0"
            field = f"{{n:0{len(match[0])}}}" if padded else "{n}"
            candidates.append(place[: match.start()] + field + place[match.end() :])
    fitting = (c for c in candidates if "{" in c and _expands_to(c, name, place))
    return next(fitting, place)


def _expands_to(template: str, name: str, wanted: str) -> bool:
    try:
        return expand(template, name) == wanted
    except ValueError:
        return False


def _spelling(names: Sequence[str]) -> str:
    """Return the names as one host range; it means exactly these."""
    if len(names) == 1:
        return names[0]
    folded = str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))
    return folded if set(expand_names(folded)) == set(names) else ",".join(names)
