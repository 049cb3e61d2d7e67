"""Console names: host ranges, and what {name} and {n} stand for."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

MAX_CONSOLES = 65536
"""Consoles that one range may name: a slip such as [1-99999999] must not fill RAM."""

NAME_LIMIT = 64
"""Characters, each a byte: so much room has a slab of the journal for a name."""

_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{NAME_LIMIT - 1}}}\Z")
_FOREIGN = re.compile(r"^[^A-Za-z0-9_]|[^A-Za-z0-9._-]")
_DIGITS = re.compile(r"\d+", re.ASCII)
_RANGE = re.compile(r"(\d+)-(\d+)", re.ASCII)
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_BRACE = re.compile(r"\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"\{(name|n(?::0?[1-9])?)\}", re.ASCII)
_NUMBER = re.compile(r"n(?::0?([1-9]))?\Z", re.ASCII)


def expand_names(spelling: str) -> Sequence[str]:
    """Return the names of a NodeSet, ``node[001-128]``, in its order.

    Raises:
        ValueError: it is not a NodeSet, too large, or a name is not a folder name.
    """
    if _NAME.match(spelling):
        return (spelling,)
    _check_size(spelling)
    try:
        names = list(NodeSet(spelling, resolver=RESOLVER_NOGROUP))
    except NodeSetException as error:
        raise ValueError(f"is not a host range: {error}") from None
    if not names:
        raise ValueError("names no console")
    for name in names:
        _check_name(name)
    return names


def name_of(text: str) -> str:
    """Return a text as a console name: what a name may not hold becomes ``_``."""
    return _FOREIGN.sub("_", text)[:NAME_LIMIT] or "_"


def fold_names(names: Sequence[str]) -> str:
    """Return names as people write them: ``node[001-128]``."""
    return str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise ValueError(
            f"found console name {name!r}; allowed: letters, digits, '.', '_' and '-',"
            f" not '.' or '-' at the start, at most {NAME_LIMIT}"
        )


def _check_size(spelling: str) -> None:
    """Count before ClusterShell makes a text of every number."""
    total = 1
    for brackets in _BRACKETS.findall(spelling):
        total *= sum(_count(part) for part in brackets.split(","))
        if total > MAX_CONSOLES:
            raise ValueError(f"names more than {MAX_CONSOLES} consoles")


def _count(part: str) -> int:
    match = _RANGE.match(part)
    if match is None:
        return 1
    if max(map(len, match.groups())) > 18:
        return MAX_CONSOLES + 1
    return max(1, int(match[2]) - int(match[1]) + 1)


def expand(template: str, name: str) -> str:
    """Return the template with {name} and {n} replaced.

    {n} is the last number in the name without leading zeros, {n:03} pads it.

    Raises:
        ValueError: there is no such field, or no number in the name.
    """
    if "{" not in template and "}" not in template:
        return template
    return _BRACE.sub(functools.partial(_replacement, name=name), template)


def expand_known(template: str, name: str) -> str:
    """Return the template with {name} and {n} replaced, and other braces as they are.

    Raises:
        ValueError: there is no number in the name.
    """
    return _FIELD.sub(functools.partial(_replacement, name=name), template)


def _replacement(match: re.Match[str], *, name: str) -> str:
    if match[1] == "name":
        return name
    number = _NUMBER.match(match[1] or "")
    if number is None:
        raise ValueError(f"found {match[0]}; allowed: {{name}}, {{n}}, {{n:03}}")
    digits = _DIGITS.findall(name)
    if not digits:
        raise ValueError(f"{match[0]} needs a number in the name {name!r}")
    return f"{int(digits[-1]):0{number[1] or 0}d}"
