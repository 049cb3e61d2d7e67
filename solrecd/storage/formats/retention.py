"""When a segment ends, and how long it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from solrecd.process.stamps import SECOND
from solrecd.storage.formats.names import SegmentName


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """When a boot goes on in its next part."""

    size: int = 64 << 20
    """Bytes of console output."""
    age: int | None = 86400 * SECOND
    """Microseconds since the segment's first byte; None: no limit."""

    def reached(self, size: int, started: int, at: int) -> bool:
        """Whether a segment of this size and age takes no more at this stamp."""
        # Also where the clock was set back by more than that: else it would last
        # until time has caught up.
        old = self.age is not None and abs(at - started) >= self.age
        return size > 0 and (old or size >= self.size)


class StoredSegment(NamedTuple):
    """A closed segment as it lies on the disk."""

    console: str
    name: SegmentName
    ended: int
    """Stamp of its last byte."""
    size: int
    """Bytes of its files."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is kept; None for everything."""

    age: int | None = None
    """Microseconds since a segment's last byte."""
    boots: int | None = None
    """Boots of each console, the running one included."""
    size: int | None = None
    """Bytes of each console's closed segments."""
    total_size: int | None = None
    """Bytes of all consoles' closed segments."""


def choose_expired(
    stored: Iterable[StoredSegment],
    open_boots: Mapping[str, int],
    retention: Retention,
    now: int,
) -> list[StoredSegment]:
    """Return the closed segments to remove, oldest first.

    Args:
        stored: the closed segments of all consoles.
        open_boots: number of each console's running boot, which counts as one.
        retention: what to keep.
        now: stamp.
    """
    consoles: dict[str, list[StoredSegment]] = {}
    for segment in stored:
        consoles.setdefault(segment.console, []).append(segment)
    expired: list[StoredSegment] = []
    kept: list[StoredSegment] = []
    for console, segments in consoles.items():
        segments.sort(key=lambda segment: segment.name)
        first = _first_kept(segments, open_boots.get(console), retention, now)
        expired += segments[:first]
        kept += segments[first:]
    kept.sort(key=lambda segment: segment.ended)
    expired += kept[: _excess(kept, retention.total_size)]
    return sorted(expired, key=lambda segment: segment.ended)


def choose_evicted(kept: Iterable[StoredSegment], room: int) -> list[StoredSegment]:
    """Return the segments to remove so that so many bytes become free, oldest first.

    Args:
        kept: the closed segments that retention keeps, of all consoles.
        room: bytes.
    """
    evicted: list[StoredSegment] = []
    for segment in sorted(kept, key=lambda segment: segment.ended):
        if room <= 0:
            break
        evicted.append(segment)
        room -= segment.size
    return evicted


def _first_kept(
    segments: list[StoredSegment], running: int | None, retention: Retention, now: int
) -> int:
    """Return the index of the first segment of one console that may stay."""
    first = _excess(segments, retention.size)
    if retention.age is not None:
        horizon = now - retention.age
        first = max(first, sum(1 for s in segments if s.ended < horizon))
    if retention.boots is not None:
        boots = {segment.name.boot for segment in segments}
        boots |= set() if running is None else {running}
        keep = set(sorted(boots)[-retention.boots :])
        first = max(first, sum(1 for s in segments if s.name.boot not in keep))
    return first


def _excess(segments: list[StoredSegment], limit: int | None) -> int:
    """Return how many of the first segments must go to keep within a size."""
    total = sum(segment.size for segment in segments)
    count = 0
    while limit is not None and total > limit:
        total -= segments[count].size
        count += 1
    return count
