"""Receivers of alerts: the ``[alerts.NAME]`` tables as the rest of solrecd has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solrecd.events.event import Kind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events a receiver selects; all conditions must hold."""

    kinds: tuple[Kind, ...] = (Kind.FAILURE, Kind.STUCK, Kind.SESSION)
    names: tuple[str, ...] = ()
    """Globs on the event's name, one of which must match; none: every name."""
    severity: Severity = Severity.ERROR
    """This one and worse."""
    consoles: frozenset[str] | None = None
    """Names; None: every console."""
    match: Mapping[str, str] = field(default_factory=dict)
    """Globs on labels of the console; a label that it lacks counts as empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """One ``[alerts.NAME]`` table. Durations in seconds, None is "off"."""

    name: str
    """Letters, digits, ``_`` and ``-``: a folder name and a metric label."""
    target: object
    """The options of its kind (`kinds.TableKind.options`): which server or program."""
    selection: Selection = field(default_factory=Selection)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Added to each alert; they win over those of the console."""
    damping: float | None = 600.0
    """The same signature (or name) on the same console is sent once in that time."""
    resolve_after: float = 3600.0
    """How long an alert fires that no event ends."""
    excerpt: int | None = 20
    """Lines of the console before the event that go with it."""
    runbook: str | None = None
    """URL; ``{name}`` and ``{kind}`` expand."""
    link: str | None = None
    """URL of the console or of solrecd; ``{console}`` and ``{boot}`` expand."""
    lacks_credential: bool = False
    """A secret of it is a stand-in, because only the service has the credential."""
