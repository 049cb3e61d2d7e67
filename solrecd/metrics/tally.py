"""A counter family of the daemon: counts by label values, from 0 on."""

from __future__ import annotations

from collections.abc import Mapping

from solrecd.metrics.family import Family


class Tally:
    """Counts what happens, by the family's labels.

    Series whose label values are all known beforehand are there at 0 from the first
    scrape on: ``increase()`` does not see a counter that is born at 1.

    Args:
        family: a counter.
    """

    __slots__ = ("_counts", "_width", "family")

    def __init__(self, family: Family) -> None:
        self.family = family
        self._width = len(family.labels)
        self._counts = dict.fromkeys(family.series(), 0)

    def add(self, *values: str, count: int = 1) -> None:
        """Count; the values come from the configuration or a closed set, as always.

        Raises:
            ValueError: there are more or fewer of them than the family has labels.
        """
        if len(values) != self._width:
            labels = ", ".join(self.family.labels) or "none"
            raise ValueError(f"{self.family.name} has labels: {labels}")
        self._counts[values] = self._counts.get(values, 0) + count

    def samples(self) -> Mapping[tuple[str, ...], int]:
        """Return the counts by label values."""
        return self._counts
