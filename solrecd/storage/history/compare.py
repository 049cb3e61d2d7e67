"""What one boot printed and another did not, and where it was slower. Pure.

Messages are compared by what they say (`mask`), as a multiset: CPUs and services print
in another order at every boot, so an order proves nothing. Only messages that both
boots printed exactly once are aligned, and of those only the longest run that has the
same order in both (as patience diff does). These anchors say how long the way from
one to the next took, and where a boot that failed left the other one's way. All of it
takes O(n log n).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

SLOWER_TIMES: Final = 2.0
SLOWER_BY: Final = 1.0
"""Seconds. A way is slower when it takes so many times as long and so much longer."""

OFTEN_TIMES: Final = 2
OFTEN_BY: Final = 5
"""A message that both boots repeat counts as a change above both limits."""

_SECOND: Final = 1_000_000


class Said(NamedTuple):
    """One message of a boot."""

    key: str
    """What it says, see `mask`."""
    text: str
    at: int | None
    """Stamp of its line; None on a damaged one."""
    line: int
    """Number of its line in the boot."""
    stage: str


class Found(NamedTuple):
    """A message that is in one boot only, or far more often there."""

    first: Said
    times: int
    other: int = 0
    """How often the other boot has it."""


class Slower(NamedTuple):
    """A way that took longer in the second boot."""

    begin: Said
    end: Said
    """In the second boot."""
    pause: Said
    """The message of the second boot that was followed by the longest pause there."""
    before: float
    after: float
    """Seconds in the first and in the second boot."""


class Difference(NamedTuple):
    """What two boots do not share."""

    new: list[Found]
    missing: list[Found]
    """What the second boot passed without saying it."""
    ahead: list[Found]
    """What the first boot said behind the place where the second one stopped."""
    more: list[Found]
    less: list[Found]
    """Both have it, the second one far more, or less, often."""
    slower: list[Slower]
    """Worst first."""


def compare(
    first: Sequence[Said], second: Sequence[Said], *, stopped: bool
) -> Difference:
    """Compare two boots.

    Args:
        first: messages of the boot that is as it should be, in order.
        second: those of the other.
        stopped: the second boot did not come as far.
    """
    before, after = _Heard(first), _Heard(second)
    anchors = _anchors(before, after)
    end = anchors[-1][0] + 1 if stopped and anchors else len(first)
    missing = list(before.without(after))
    return Difference(
        new=list(after.without(before)),
        missing=[each for each in missing if before.place[each.first.key] < end],
        ahead=[each for each in missing if before.place[each.first.key] >= end],
        more=list(after.more_often_than(before)),
        less=[] if stopped else list(before.more_often_than(after)),
        slower=sorted(
            _slower(first, second, anchors), key=lambda it: it.before - it.after
        ),
    )


class _Heard:
    """The messages of one boot, counted."""

    def __init__(self, said: Sequence[Said]) -> None:
        self.said = said
        self.counts = Counter(each.key for each in said)
        self.place: dict[str, int] = {}
        for place, each in enumerate(said):
            self.place.setdefault(each.key, place)

    def without(self, other: _Heard) -> Iterator[Found]:
        """Yield the messages that the other boot has not, in order."""
        for key, place in self.place.items():
            if key not in other.place:
                yield Found(self.said[place], self.counts[key])

    def more_often_than(self, other: _Heard) -> Iterator[Found]:
        """Yield the messages that the other boot has far less often."""
        for key, place in self.place.items():
            count, its = self.counts[key], other.counts.get(key, 0)
            if its and count >= OFTEN_TIMES * its and count - its >= OFTEN_BY:
                yield Found(self.said[place], count, its)


def _anchors(first: _Heard, second: _Heard) -> list[tuple[int, int]]:
    """Return the places of what both say once, in the same order."""
    once = [
        (first.place[key], place)
        for key, place in second.place.items()
        if second.counts[key] == 1 and first.counts.get(key) == 1
    ]
    chosen = longest_increasing([place for place, _ in once])
    return [once[each] for each in chosen]


def longest_increasing(values: Sequence[int]) -> list[int]:
    """Return the indices of a longest increasing subsequence of distinct numbers."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int | None] = []
    for index, value in enumerate(values):
        length = bisect_left(tails, value)
        previous.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[length], ends[length] = value, index
    chosen: list[int] = []
    step = ends[-1] if ends else None
    while step is not None:
        chosen.append(step)
        step = previous[step]
    return chosen[::-1]


def _slower(
    first: Sequence[Said], second: Sequence[Said], anchors: Iterable[tuple[int, int]]
) -> Iterator[Slower]:
    for (a, b), (c, d) in pairwise(anchors):
        before, after = _seconds(first[a], first[c]), _seconds(second[b], second[d])
        if before is None or after is None:
            continue
        if after - before > SLOWER_BY and after > SLOWER_TIMES * before:
            pause = _longest_pause(second[b : d + 1])
            yield Slower(second[b], second[d], pause, before, after)


def _seconds(begin: Said, end: Said) -> float | None:
    if begin.at is None or end.at is None:
        return None
    return (end.at - begin.at) / _SECOND


def _longest_pause(said: Sequence[Said]) -> Said:
    pauses = ((_seconds(one, other) or 0.0, one) for one, other in pairwise(said))
    return max(pauses, key=lambda pause: pause[0])[1]


def stage_durations(
    stages: Mapping[str, float], total: float | None
) -> dict[str, float]:
    """Return how many seconds a boot stayed in each stage, until it entered the next.

    Args:
        stages: seconds from its start to the first entry into each, see `Boot.stages`.
        total: seconds until it ended or fell silent; None where that says nothing.
    """
    entries = sorted(stages.items(), key=lambda entry: entry[1])
    ends = [after for _, after in entries[1:]]
    if total is not None:
        ends.append(total)
    pairs = zip(entries, ends, strict=False)
    return {stage: max(end - after, 0.0) for (stage, after), end in pairs}
