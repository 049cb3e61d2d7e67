"""The ``[otlp]`` table as the rest of solrecd has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solrecd.config.http import Http
from solrecd.process.secret import Secret

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpConfig:
    """Where log records go. Sizes in bytes, durations in seconds."""

    endpoint: str
    """Base URL, without ``/v1/logs``."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    header: str | None = None
    header_value: Secret | None = None
    batch_size: int = _MIB
    batch_wait: float = 1.0
    http: Http = field(default_factory=Http)
