"""The series that families have for each console, written for many consoles at once.

The functions at the end declare such a family as a field of `console.ConsoleMetrics`.

prometheus_client takes a second for a fleet of 5000 consoles, most of it in child
objects. Here a writer takes a batch of consoles and uses what fleets are like: nearly
all counters by reason are 0 and most gauges are the same everywhere, so that one
``str.join`` writes hundreds of series. Where values differ it is one f-string each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from solrecd.metrics.exposition import escape, label_set, seconds
from solrecd.metrics.family import Family, Type, declare, labels_of, unknown


@dataclass(frozen=True, slots=True)
class Member:
    """A console as it is written: its name is escaped once, not in each scrape."""

    metrics: object
    """A `console.ConsoleMetrics`: writers read its attributes by their names."""
    name: str
    """Escaped."""
    labels: str
    """``{console="..."}`` and a blank."""
    info: str
    """The same with the labels of the configuration."""


Writer = Callable[[Sequence[Member]], str]
"""Returns the series of one family for a batch of one or more consoles."""


How = Callable[[Family, str], Writer]
"""Makes the writer of a family out of it and the attribute that keeps its values."""


def member(name: str, labels: Mapping[str, str], metrics: object) -> Member:
    """Return a console with what is written of it each time."""
    console = ("console", name)
    return Member(
        metrics,
        escape(name),
        label_set([console]) + " ",
        label_set([console, *labels.items()]) + " ",
    )


def _number(family: Family, attribute: str) -> Writer:
    """Write a whole number, or a truth."""
    start, value_of = family.name, attrgetter(f"metrics.{attribute}")

    def write(batch: Sequence[Member]) -> str:
        values = [*map(value_of, batch)]
        if values.count(values[0]) == len(values):
            end = f"{values[0]:d}\n"
            return f"{start}{(end + start).join([one.labels for one in batch])}{end}"
        return "".join(
            [
                f"{start}{one.labels}{value:d}\n"
                for one, value in zip(batch, values, strict=True)
            ]
        )

    return write


def _known_number(family: Family, attribute: str) -> Writer:
    """Write the same of those consoles alone of which it is known, is not None."""
    write_all, value_of = _number(family, attribute), attrgetter(f"metrics.{attribute}")

    def write(batch: Sequence[Member]) -> str:
        known = [one for one in batch if value_of(one) is not None]
        return write_all(known) if known else ""

    return write


def _share(family: Family, attribute: str) -> Writer:
    """Write a part of 1; a console of which it is not known, None, has none."""
    start, value_of = family.name, attrgetter(f"metrics.{attribute}")

    def write(batch: Sequence[Member]) -> str:
        return "".join(
            [
                f"{start}{one.labels}{value}\n"
                for one, value in zip(batch, map(value_of, batch), strict=True)
                if value is not None
            ]
        )

    return write


def _stamp(family: Family, attribute: str) -> Writer:
    """Write a time; a console has none while it is 0."""
    start, value_of = family.name, attrgetter(f"metrics.{attribute}")

    def write(batch: Sequence[Member]) -> str:
        return "".join(
            [
                f"{start}{one.labels}{seconds(at)}\n"
                for one, at in zip(batch, map(value_of, batch), strict=True)
                if at
            ]
        )

    return write


def _stamp_with(words: Sequence[str]) -> How:
    """Write a time as `_stamp` does, with labels that are attributes, too.

    Args:
        words: the attributes, in the order of the family's labels.
    """

    def how(family: Family, attribute: str) -> Writer:
        start = f'{family.name}{{console="'
        end = "".join(f',{label}="%s"' for label in [*family.labels][1:])
        at_of = attrgetter(f"metrics.{attribute}")
        words_of = attrgetter(*(f"metrics.{word}" for word in words))

        def write(batch: Sequence[Member]) -> str:
            lines, last, labels = [], None, ""
            values = zip(batch, map(at_of, batch), map(words_of, batch), strict=True)
            for one, at, found in values:
                # Hardly ever: most consoles are in the same state.
                if found != last:
                    last, labels = found, f'"{end}}} ' % found
                if at:
                    lines.append(f"{start}{one.name}{labels}{seconds(at)}\n")
            return "".join(lines)

        return write

    return how


def _info(family: Family, attribute: str) -> Writer:
    """Write the labels of the configuration, which the members have."""
    del attribute

    def write(batch: Sequence[Member]) -> str:
        return "".join([f"{family.name}{one.info}1\n" for one in batch])

    return write


class _Counts:
    """Writes the counters that a family has for each console, one for each reason.

    Args:
        family: its labels are ``console`` and one more, whose values are all known;
            others are not written.
        attribute: has the counts that are not 0, by that value.
    """

    def __init__(self, family: Family, attribute: str) -> None:
        console, label = family.labels
        keys = dict.fromkeys(family.labels[label])
        self._counts: Callable[[Member], Mapping[str, int]] = attrgetter(
            f"metrics.{attribute}"
        )
        ends = [f'",{label}="{escape(key)}"}} ' for key in keys]
        start = f'{family.name}{{{console}="'
        # What stands between two times that the console's name does: the rest of one
        # series and the beginning of the next.
        self._nexts = ["\n" + start] * (len(ends) - 1) + ["\n"] * bool(ends)
        self._ends = ends
        self._places = {key: place for place, key in enumerate(keys)}
        zeros = [f"{end}0{after}" for end, after in zip(ends, self._nexts, strict=True)]
        self._zeros = [start, *zeros] if ends else [""]

    def __call__(self, batch: Sequence[Member]) -> str:
        """Return the series of a batch."""
        zeros, counts = self._zeros, self._counts
        return "".join(
            [
                one.name.join(self._counted(found) if found else zeros)
                for one in batch
                for found in (counts(one),)
            ]
        )

    def _counted(self, found: Mapping[str, int]) -> Sequence[str]:
        parts = self._zeros.copy()
        for key, count in found.items():
            place = self._places.get(key)
            if place is not None:
                parts[place + 1] = f"{self._ends[place]}{count}{self._nexts[place]}"
        return parts


# How a family is declared: each function returns a field of `console.ConsoleMetrics`.


def gauge(name: str, help_: str) -> Any:
    """Declare a whole number, 0 at first."""
    return declare(_family(name, Type.GAUGE, help_), _number, int)


def truth(name: str, help_: str) -> Any:
    """Declare a truth, False at first: no 0, of which compiled code makes none."""
    return declare(_family(name, Type.GAUGE, help_), _number, bool)


def known_gauge(name: str, help_: str) -> Any:
    """Declare a number that is None while it is not known: no series then."""
    return declare(_family(name, Type.GAUGE, help_), _known_number, unknown)


def known_share(name: str, help_: str) -> Any:
    """Declare a part of 1 that is None while it is not known: no series then."""
    return declare(_family(name, Type.GAUGE, help_), _share, unknown)


def counter(name: str, help_: str) -> Any:
    """Declare a counter without further labels."""
    return declare(_family(name, Type.COUNTER, help_), _number, int)


def counters(name: str, help_: str, /, **label: Iterable[str]) -> Any:
    """Declare a counter with one more label, all of whose series are there at 0.

    Args:
        name: of the family.
        help_: what it counts.
        label: its name, and all its values; none where only the daemon knows them,
            which hands them to `fleet.console_families`.

    Returns: a dictionary of what is not 0, by the label's value.
    """
    return declare(_family(name, Type.COUNTER, help_, **label), _Counts, dict)


def stamp(name: str, help_: str) -> Any:
    """Declare a time, a stamp; 0 while it is not known: no series then."""
    return declare(_family(name, Type.GAUGE, help_), _stamp, int)


def stamp_with(
    name: str, help_: str, words: Sequence[str], /, **labels: Iterable[str]
) -> Any:
    """Declare a time with more labels: only the one series of now is there.

    Args:
        name: of the family.
        help_: what it tells.
        words: the attributes that have the values of these labels, in their order.
        labels: their names, and all that they may be.
    """
    family = _family(name, Type.GAUGE, help_, **labels)
    return declare(family, _stamp_with(words), int)


def info(name: str, help_: str) -> Any:
    """Declare the labels of the configuration."""
    return declare(_family(name, Type.GAUGE, help_), _info, dict)


def _family(name: str, type_: Type, help_: str, /, **labels: Iterable[str]) -> Family:
    return Family(name, type_, help_, {"console": (), **labels_of(labels)})
