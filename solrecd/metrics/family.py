"""What a metric family is, how it is declared, and how each format announces it.

A family is declared as a field of a dataclass, and that field is what counts: nothing
else names it but the code that adds to it. `series` and `samples` have the functions
to declare with.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any, NamedTuple

Labels = Mapping[str, tuple[str, ...]]
"""Names of labels, each with all of its values where these are a closed set that is
known here; none otherwise."""

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


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family."""

    name: str
    """As its series are called; a counter's ends with ``_total``."""
    type: Type
    help: str
    """One sentence without quotes and backslashes, which the formats escape unlike."""
    labels: Labels = field(default_factory=dict)

    def knowing(self, words: Mapping[str, Iterable[str]]) -> Family:
        """Return the family with the values of labels that are known here alone.

        Args:
            words: all values, by the label's name.
        """
        known = {name: tuple(words.get(name, its)) for name, its in self.labels.items()}
        return replace(self, labels=known)

    def series(self) -> Iterator[tuple[str, ...]]:
        """Yield the label values of all series; none where a label's are not known."""
        return product(*self.labels.values())

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


class Declared(NamedTuple):
    """A family, and the field that it was declared as."""

    attribute: str
    family: Family
    how: Any
    """What writes it, as the function that declared it has it."""


def declare(family: Family, how: object, default: Callable[[], object]) -> Any:
    """Return the field of a dataclass that keeps the values of a family.

    Args:
        family: what the field is of.
        how: what writes it.
        default: makes the field's first value.
    """
    return field(default_factory=default, metadata={_DECLARED: (family, how)})


def part(model: type) -> Any:
    """Return the field of a dataclass that keeps another one with families."""
    return field(default_factory=model, metadata={_PART: model})


def labels_of(labels: Mapping[str, Iterable[str]]) -> Labels:
    """Return labels with their values as plain texts."""
    return {label: tuple(map(str, its)) for label, its in labels.items()}


def unknown() -> None:
    """Return the first value of what is not known at first."""
    return


def declared_in(model: type) -> Iterator[Declared]:
    """Yield the families of a dataclass, in the order of its fields."""
    for one in fields(model):
        if _DECLARED in one.metadata:
            yield Declared(one.name, *one.metadata[_DECLARED])
        elif _PART in one.metadata:
            for its in declared_in(one.metadata[_PART]):
                yield its._replace(attribute=f"{one.name}.{its.attribute}")


_DECLARED = "solrecd.metrics.family"
_PART = "solrecd.metrics.part"
