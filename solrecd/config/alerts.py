"""Who is told of what: the ``[alerts.NAME]`` tables as the rest of solrecd has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solrecd.events import Kind, Severity
from solrecd.process.secret import Secret

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events a receiver hears of; all conditions must hold."""

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
class Http:
    """How to talk to a receiver's server. Certificates are always checked."""

    timeout: float = 10.0
    """Seconds for a whole exchange."""
    ca_file: str | None = None
    """PEM; None: the system's."""
    proxy: str | None = None
    """URL; None: none, whatever the environment says."""
    username: str | None = None
    password: Secret | None = None
    """Together: basic authentication."""
    token: Secret | None = None
    """Bearer token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """Prometheus Alertmanagers, API v2; each of them gets every alert."""

    urls: tuple[str, ...]
    """Base URLs, without ``/api/v2/alerts``."""
    resend: float = 60.0
    """Seconds between two tellings of an alert that goes on."""
    http: Http = field(default_factory=Http)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A server that takes JSON objects."""

    url: str
    secret: Secret | None = None
    """Key of the signature; None: unsigned."""
    queue_size: int = 16 * _MIB
    """Bytes on the disk that may wait for the server."""
    send_resolved: bool = True
    http: Http = field(default_factory=Http)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A program that is started for each alert."""

    command: tuple[str, ...]
    """Arguments; no shell reads them. The first is an absolute path."""
    timeout: float = 10.0
    """Seconds after which it is killed, with all its children."""
    concurrency: int = 2
    """Programs at the same time."""
    send_resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """One ``[alerts.NAME]`` table. Durations in seconds, None is "off"."""

    name: str
    """Letters, digits, ``_`` and ``-``: a folder name and a metric label."""
    target: Alertmanager | Webhook | Hook
    selection: Selection = field(default_factory=Selection)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Added to each alert; they win over those of the console."""
    damping: float | None = 600.0
    """The same signature (or name) on the same console is told once in that time."""
    resolve_after: float = 3600.0
    """How long an alert goes on that nothing ends by itself."""
    excerpt: int | None = 20
    """Lines of the console before the event that go with it."""
    runbook: str | None = None
    """URL; ``{name}`` and ``{kind}`` expand."""
    link: str | None = None
    """URL of the console or of solrecd; ``{console}`` and ``{boot}`` expand."""
