"""What a metric family is, and how it is announced in a scrape."""

from __future__ import annotations

import enum
from typing import NamedTuple

_UNITS = ("bytes", "seconds")
"""Base units in use; a name that has one ends with it (OpenMetrics 1.0 §5.2.3)."""


class Type(enum.StrEnum):
    """Prometheus's metric types, those in use here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Family(NamedTuple):
    """One metric family."""

    name: str
    """As its series are called; a counter's ends with ``_total``."""
    type: Type
    help: str
    labels: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Base unit, ``bytes`` or ``seconds``; empty where the values just count."""
        last = self.name.removesuffix("_total").rpartition("_")[2]
        return last if last in _UNITS else ""

    @property
    def header(self) -> str:
        """The HELP and TYPE lines."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.type}\n"
