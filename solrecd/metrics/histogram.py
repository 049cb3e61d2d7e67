"""A histogram that costs one bisection for each observation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Exemplar(NamedTuple):
    """One observation by name: which console, which boot."""

    labels: tuple[tuple[str, str], ...]
    value: float
    at: int
    """Stamp."""


class Histogram:
    """Counts observations by upper bound.

    Args:
        bounds: upper bounds, rising, without infinity.
    """

    __slots__ = ("_counts", "bounds", "exemplars", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self.exemplars: dict[int, Exemplar] = {}
        """The newest one of each bucket, by the bucket's place among the bounds."""
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, as often as it was seen."""
        self._counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def observe_one(self, exemplar: Exemplar) -> None:
        """Count a value that is known by name."""
        self.exemplars[bisect_left(self.bounds, exemplar.value)] = exemplar
        self.observe(exemplar.value)

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self._counts)

    def cumulative(self) -> list[int]:
        """Return for each bound, and for infinity, how many were not above it."""
        return list(accumulate(self._counts))
