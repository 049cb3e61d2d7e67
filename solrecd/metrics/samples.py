"""The series of families that do not grow with the fleet: how their fields are written.

The functions at the end declare such a family as a field of `daemon.DaemonMetrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from solrecd.metrics import exposition
from solrecd.metrics.exposition import labelled, seconds
from solrecd.metrics.family import Family, Format, Type, declare, labels_of, unknown
from solrecd.metrics.histogram import Histogram
from solrecd.metrics.tally import Tally

Samples = Mapping[tuple[str, ...], float | str]
"""Values of a family by label values; text is written as it is."""

Source = Callable[[], Samples]
"""Returns the values of now, at once."""

How = Callable[[Family, Any, Format], str]
"""Returns a whole family out of the value of its field."""


def _sampled(samples: Callable[[Any], Samples]) -> How:
    return lambda family, value, form: labelled(family, samples(value), form)


def _number(value: float | None) -> Samples:
    """Return a series, or none while nothing is known: 0 would alarm."""
    return {} if value is None else {(): +value}


def _stamp(value: int) -> Samples:
    return {(): seconds(value)} if value else {}


def _by_label(values: Mapping[Any, float]) -> Samples:
    return {(str(key),): value for key, value in values.items()}


def _histograms(
    family: Family, value: Histogram | Mapping[str, Histogram], form: Format
) -> str:
    by_label = {"": value} if isinstance(value, Histogram) else value
    return exposition.histogram(family, by_label, form)


# How a family is declared: each function returns a field of `daemon.DaemonMetrics`.


def gauge(name: str, help_: str) -> Any:
    """Declare a number or a truth; 0 at first."""
    return declare(Family(name, Type.GAUGE, help_), _sampled(_number), int)


def known_gauge(name: str, help_: str) -> Any:
    """Declare a number that is None while it is not known: no series then."""
    return declare(Family(name, Type.GAUGE, help_), _sampled(_number), unknown)


def stamp(name: str, help_: str) -> Any:
    """Declare a time, a stamp; 0 while it is not known: no series then."""
    return declare(Family(name, Type.GAUGE, help_), _sampled(_stamp), int)


def by_label(type_: Type, name: str, help_: str, /, **label: Iterable[str]) -> Any:
    """Declare a dictionary of numbers by the family's one label, replaced as a whole.

    Args:
        type_: of the family; a counter is kept elsewhere then.
        name: of the family.
        help_: what it tells.
        label: its name, and what it may be as far as that is known here.
    """
    return declare(
        Family(name, type_, help_, labels_of(label)), _sampled(_by_label), dict
    )


def sampled(type_: Type, name: str, help_: str, /, **labels: Iterable[str]) -> Any:
    """Declare a `Source`, asked in each scrape; it has no series at first.

    Args:
        type_: of the family; a counter is kept elsewhere then.
        name: of the family.
        help_: what it tells.
        labels: their names, and what they may be as far as that is known here.
    """
    how = _sampled(lambda source: source())
    return declare(Family(name, type_, help_, labels_of(labels)), how, lambda: dict)


def tally(name: str, help_: str, /, **labels: Iterable[str]) -> Any:
    """Declare a `Tally`.

    Args:
        name: of the family.
        help_: what it counts.
        labels: their names, and all that they may be: these series are there at 0.
            None where only the daemon knows them.
    """
    family = Family(name, Type.COUNTER, help_, labels_of(labels))
    return declare(family, _sampled(Tally.samples), partial(Tally, family))


def histogram(
    name: str, help_: str, bounds: Sequence[float], /, **label: Iterable[str]
) -> Any:
    """Declare a `Histogram`, or one for each value of a label.

    Args:
        name: of the family.
        help_: what it measures.
        bounds: of `Histogram`.
        label: its name, and all that it may be.
    """
    family = Family(name, Type.HISTOGRAM, help_, labels_of(label))

    def first() -> Histogram | Mapping[str, Histogram]:
        if not label:
            return Histogram(bounds)
        return {value: Histogram(bounds) for (value,) in family.series()}

    return declare(family, _histograms, first)
