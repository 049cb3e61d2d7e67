"""What ``ls`` objects of consoles say between the lines. Pure, and quick to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def labels_of(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what a console of an ``ls`` object can be chosen by.

    Its machine is one, but where it has a label of that name.
    """
    machine = {"machine": row["machine"]} if row.get("machine") else {}
    return {**machine, **row["labels"]}


def is_unseen(row: Mapping[str, Any]) -> bool:
    """Whether the machine was up before it was recorded: nothing of a boot was seen."""
    return (row["outcome"], row["stage"]) == ("running", "unknown")


def together(rows: Sequence[T], machine_of: Callable[[T], str]) -> list[T]:
    """Return rows with those of one machine together, where the first of them is."""
    found: dict[tuple[str, int], list[T]] = {}
    for number, row in enumerate(rows):
        machine = machine_of(row)
        alone = 0 if machine else number
        found.setdefault((machine, alone), []).append(row)
    return [row for group in found.values() for row in group]
