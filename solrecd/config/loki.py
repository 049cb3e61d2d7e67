"""The ``[loki]`` table as the rest of solrecd has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from solrecd.config.http import Http

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LokiConfig:
    """Where the text of consoles goes. Sizes in bytes, durations in seconds."""

    url: str
    """Base URL, without ``/loki/api/v1/push``."""
    tenant: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = _MIB
    batch_wait: float = 1.0
    http: Http = field(default_factory=Http)
