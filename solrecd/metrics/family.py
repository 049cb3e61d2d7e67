"""What a metric family is, and how each exposition format announces it."""

from __future__ import annotations

import enum
from typing import NamedTuple

_UNITS = ("bytes", "seconds")
"""Base units in use; a name that has one ends with it (OpenMetrics 1.0, "Units")."""


class Format(enum.Enum):
    """What a scrape is written in; the value is its Content-Type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    """Counters have no ``_created`` in it: Prometheus before 3 would store one more
    series for each, and `process_start_time_seconds` tells the same of all of them."""


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
    """One sentence without quotes and backslashes, which the formats escape unlike."""
    labels: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """Base unit, ``bytes`` or ``seconds``; empty where the values just count."""
        last = self.name.removesuffix("_total").rpartition("_")[2]
        return last if last in _UNITS else ""

    def header(self, form: Format) -> str:
        """Return the lines before the family's series."""
        if form is Format.TEXT:
            return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.type}\n"
        # Here the family of a counter is called without its series' suffix.
        name = self.name.removesuffix("_total")
        unit = f"# UNIT {name} {self.unit}\n" if self.unit else ""
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.type}\n{unit}"
