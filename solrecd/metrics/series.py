"""The series that families have for each console, written for many consoles at once.

prometheus_client takes a second for a fleet of 5000 consoles, most of it in child
objects. Here a writer takes a batch of consoles and uses what fleets are like: nearly
all counters by reason are 0 and most gauges are the same everywhere, so that one
``str.join`` writes hundreds of series. Where values differ it is one f-string each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from solrecd.metrics.console import ConsoleMetrics
from solrecd.metrics.exposition import escape, label_set, seconds
from solrecd.metrics.family import Family


@dataclass(frozen=True, slots=True)
class Member:
    """A console as it is written: its name is escaped once, not in each scrape."""

    metrics: ConsoleMetrics
    name: str
    """Escaped."""
    labels: str
    """``{console="..."}`` and a blank."""
    info: str
    """The same with the labels of the configuration."""


Writer = Callable[[Sequence[Member]], str]
"""Returns the series of one family for a batch of one or more consoles."""


def member(name: str, labels: Mapping[str, str], metrics: ConsoleMetrics) -> Member:
    """Return a console with what is written of it each time."""
    console = ("console", name)
    return Member(
        metrics,
        escape(name),
        label_set([console]) + " ",
        label_set([console, *labels.items()]) + " ",
    )


def number(family: Family, attribute: str) -> Writer:
    """Write a whole number, or a truth, of `ConsoleMetrics`."""
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


def known_number(family: Family, attribute: str) -> Writer:
    """Write the same of those consoles alone of which it is known, is not None."""
    write_all, value_of = number(family, attribute), attrgetter(f"metrics.{attribute}")

    def write(batch: Sequence[Member]) -> str:
        known = [one for one in batch if value_of(one) is not None]
        return write_all(known) if known else ""

    return write


def stamp(family: Family, attribute: str) -> Writer:
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


def info(family: Family) -> Writer:
    """Write the labels of the configuration."""

    def write(batch: Sequence[Member]) -> str:
        return "".join([f"{family.name}{one.info}1\n" for one in batch])

    return write


def stage_entered(family: Family) -> Writer:
    """Write since when a boot is in its stage; none while no stage is known."""
    start = f'{family.name}{{console="'

    def write(batch: Sequence[Member]) -> str:
        return "".join(
            [
                f'{start}{one.name}",stage="{one.metrics.stage}"}} '
                f"{seconds(one.metrics.stage_since)}\n"
                for one in batch
                if one.metrics.stage_since
            ]
        )

    return write


def session_entered(family: Family) -> Writer:
    """Write since when a session is in its state, and why; none before the first."""
    start = f'{family.name}{{console="'

    def write(batch: Sequence[Member]) -> str:
        return "".join(
            [
                f'{start}{one.name}",state="{one.metrics.session_state}",'
                f'reason="{one.metrics.session_reason}"}} '
                f"{seconds(one.metrics.session_since)}\n"
                for one in batch
                if one.metrics.session_since
            ]
        )

    return write


class Counts:
    """Writes the counters that a family has for each console, one for each reason.

    Args:
        family: its labels are ``console`` and one more.
        keys: all values of the other one; others are not written.
        attribute: of `ConsoleMetrics`: the counts that are not 0, by key.
    """

    def __init__(self, family: Family, keys: Iterable[str], attribute: str) -> None:
        console, label = family.labels
        self._counts: Callable[[Member], Mapping[str, int]] = attrgetter(
            f"metrics.{attribute}"
        )
        ends = [f'",{label}="{escape(key)}"}} ' for key in dict.fromkeys(keys)]
        start = f'{family.name}{{{console}="'
        # What stands between two times that the console's name does: the rest of one
        # series and the beginning of the next.
        self._nexts = ["\n" + start] * (len(ends) - 1) + ["\n"] * bool(ends)
        self._ends = ends
        self._places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
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
