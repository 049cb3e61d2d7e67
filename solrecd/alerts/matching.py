"""Which events a receiver selects."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from solrecd.config import Selection
from solrecd.events.event import Event, Kind, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}

DELIBERATE = frozenset({"stopped", "reconnect", "reconfigured"})
"""Reasons for which a session ends on request: no alarm."""


def is_deliberate(event: Event) -> bool:
    """Whether a session is down on request."""
    return event.kind is Kind.SESSION and event.fields.get("reason") in DELIBERATE


def matches(selection: Selection, event: Event, labels: Mapping[str, str]) -> bool:
    """Whether a receiver selects an event.

    Args:
        selection: the receiver's.
        event: what happened.
        labels: of its console.
    """
    return (
        event.kind in selection.kinds
        and _RANK[event.severity] <= _RANK[selection.severity]
        and (selection.consoles is None or event.console in selection.consoles)
        and _is_named(selection, event.name)
        and all(
            fnmatchcase(labels.get(label, ""), pattern)
            for label, pattern in selection.match.items()
        )
        and not is_deliberate(event)
    )


def _is_named(selection: Selection, name: str) -> bool:
    patterns = selection.names
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
