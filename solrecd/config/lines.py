"""Consoles that are configured to have the same line, which one of them can have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from solrecd.config.model import ConsoleConfig

_NAMED: Final = 5
"""Consoles that a warning names."""


def same_lines(
    consoles: Iterable[ConsoleConfig],
) -> Mapping[tuple[str, str], list[str]]:
    """Return the names of consoles by kind and line, where there are several."""
    found: dict[tuple[str, str], list[str]] = {}
    for console in consoles:
        place = console.kind, console.options.line
        found.setdefault(place, []).append(console.name)
    return {place: names for place, names in found.items() if len(names) > 1}


def line_warnings(consoles: Iterable[ConsoleConfig]) -> Iterator[str]:
    """Return a line for each place that several consoles have."""
    for (_, line), names in same_lines(consoles).items():
        more = len(names) - _NAMED
        shown = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield (
            f"{shown} are the same console, {line}: they take it from each other;"
            " is {n} or {name} missing?"
        )
