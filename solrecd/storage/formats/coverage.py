"""Which share of a time was recorded: arithmetic of intervals; pure.

Counted is the time from the first sign that a console was recorded, or from the
beginning of the time asked for if that is later. What lies before that sign does not
count: the console was not configured yet, or what it printed is no longer kept. Lost
is the union of the gaps whose length is known, cut to the counted time; a gap without
a length (an overrun, a skipped number) is counted as a gap and as no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from solrecd.process.stamps import SECOND, format_stamp

_PARTS = 1_000_000
"""Steps of a share; it is rounded down, so that 1 means that nothing is missing."""


class Span(NamedTuple):
    """From when until when; stamps, the end excluded."""

    begin: int
    end: int


class Missing(NamedTuple):
    """Output that is missing, as events and notes tell it."""

    at: int
    """Stamp of the first sign of the console behind it."""
    length: int = 0
    """Microseconds before that; 0: not known, or no time."""
    places: int = 1
    """Places that it stands for."""

    @property
    def span(self) -> Span:
        """The time that is missing."""
        return Span(self.at - self.length, self.at)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of the recording of one console."""

    oldest: int | None = None
    """Stamp of the oldest byte that is kept; None: there is none."""
    first: int | None = None
    """Stamp of the first sign that it was recorded; None: it never was."""
    missing: Sequence[Missing] = ()
    """In any order; they may overlap."""
    missing_since: int | None = None
    """Stamp since when it is not recorded; None: it is."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a time one console was recorded."""

    oldest: int | None
    """Stamp of the oldest byte that is kept."""
    since: int | None
    """Stamp from which on the time counts; None: the console was never recorded."""
    until: int
    """Stamp at which it ends."""
    lost: int
    """Microseconds of the counted time."""
    gaps: int
    """Places in the counted time where output is, or may be, missing."""

    @property
    def counted(self) -> int:
        """Microseconds."""
        return 0 if self.since is None else self.until - self.since

    @property
    def share(self) -> float:
        """The part of the counted time that was recorded, 0-1, rounded down."""
        if self.since is None:
            return 0.0
        if not self.counted:
            return 1.0
        return (self.counted - self.lost) * _PARTS // self.counted / _PARTS

    def as_row(self, console: str) -> dict[str, Any]:
        """Return the contract's JSON object."""
        return {
            "console": console,
            "oldest": None if self.oldest is None else format_stamp(self.oldest),
            "coverage": self.share,
            "gaps": self.gaps,
            "lost_seconds": round(self.lost / SECOND, 3),
            "since": None if self.since is None else format_stamp(self.since),
            "until": format_stamp(self.until),
        }


def cover(recorded: Recorded, since: int, until: int) -> Coverage:
    """Return how much of a time a console was recorded.

    Args:
        recorded: what is known of it.
        since: stamp.
        until: stamp; what is told of later times does not count.
    """
    if recorded.first is None or recorded.first >= until:
        begin = None if recorded.first is None else until
        return Coverage(recorded.oldest, begin, until, 0, 0)
    window = Span(max(since, recorded.first), max(since, until))
    spans = [each.span for each in recorded.missing]
    if recorded.missing_since is not None:
        spans.append(Span(recorded.missing_since, window.end))
    gaps = sum(each.places for each in recorded.missing if _touches(each, window))
    if recorded.missing_since is not None and recorded.missing_since < window.end:
        gaps += 1
    lost = sum(each.end - each.begin for each in merged(cut(spans, window)))
    return Coverage(recorded.oldest, window.begin, window.end, lost, gaps)


def with_copies(here: Recorded, copied: Recorded) -> Recorded:
    """Return what is known of a console whose older segments are only kept elsewhere.

    Args:
        here: what is known of it here.
        copied: what is known of the copies of its segments, older and newer.
    """
    if copied.oldest is None or (
        here.oldest is not None and here.oldest <= copied.oldest
    ):
        return here
    earlier = [
        each for each in copied.missing if here.oldest is None or each.at < here.oldest
    ]
    first = copied.oldest if here.first is None else min(here.first, copied.oldest)
    return Recorded(
        copied.oldest,
        first,
        # A gap right before the oldest segment here is told by both.
        tuple(dict.fromkeys([*earlier, *here.missing])),
        here.missing_since,
    )


def _touches(missing: Missing, window: Span) -> bool:
    """Whether a gap has a part in a time; one without a length is where it ends."""
    begin, end = missing.span
    return begin < window.end and (end > window.begin or begin == end == window.begin)


def cut(spans: Iterable[Span], window: Span) -> Iterator[Span]:
    """Yield the parts of spans that lie in a time; none that is empty."""
    for begin, end in spans:
        inside = Span(max(begin, window.begin), min(end, window.end))
        if inside.begin < inside.end:
            yield inside


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the union of spans: in order, none touching another."""
    union: list[Span] = []
    for span in sorted(spans):
        if union and span.begin <= union[-1].end:
            union[-1] = Span(union[-1].begin, max(union[-1].end, span.end))
        else:
            union.append(span)
    return union
