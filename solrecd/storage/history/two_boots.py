"""Two boots of a console side by side, as the archive and the index have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from solrecd.events.stages import Stage
from solrecd.process.stamps import parse_stamp
from solrecd.storage.history import choose
from solrecd.storage.history.choose import NoSuchBootError
from solrecd.storage.history.compare import Said, compare
from solrecd.storage.history.difference_objects import objects
from solrecd.storage.history.files import Report
from solrecd.storage.history.mask import masked_messages
from solrecd.storage.history.segments import Segment, boot_numbers
from solrecd.storage.history.stages import StageOf, stage_spans
from solrecd.storage.history.text import read_lines
from solrecd.storage.index import Index

MAX_LINES = 200_000
"""Lines of a boot that are compared, from its beginning; two take 0.5 GB. What comes
later was printed by a machine that has been running for long."""


class Side(NamedTuple):
    """One boot of the comparison."""

    boot: Mapping[str, Any]
    """As the index has it."""
    segments: Sequence[Segment]
    stage_of: StageOf


class ComparedConsole:
    """One console's boots, as the archive and the index have them."""

    def __init__(self, name: str, index: Index, segments: Sequence[Segment]) -> None:
        self.name = name
        self.index = index
        self._segments = segments
        self.numbers = boot_numbers(segments)

    def choose(self, word: str) -> int:
        """Return the number of the boot that is meant, or raise `NoSuchBootError`."""
        return choose.choose_boot(word, self.numbers, self.ended)

    def ended(self, outcomes: Sequence[str]) -> list[int]:
        """Return the boots that ended like this, ascending."""
        return [row["boot"] for row in self.index.boots([self.name], outcomes=outcomes)]

    def good_before(self, number: int) -> int:
        """Return the newest good boot but this one, of those before if there are.

        Raises:
            NoSuchBootError: there is none.
        """
        there = set(self.numbers)
        good = [
            boot
            for boot in self.ended(choose.OUTCOMES["last-good"])
            if boot in there and boot != number
        ]
        earlier = [boot for boot in good if boot < number]
        if not good:
            raise NoSuchBootError(
                "there is no good boot to compare with; name two boots"
            )
        return (earlier or good)[-1]

    def side(self, number: int) -> Side:
        """Return what is needed of one boot, or raise `NoSuchBootError`."""
        row = next(self.index.boots([self.name], boot=number), None)
        if row is None:
            raise NoSuchBootError(
                f"boot {number} is not in the index: run solrecctl reindex"
            )
        events = self.index.events([self.name], boot=number, kinds=["stage"])
        segments = [each for each in self._segments if each.name.boot == number]
        return Side(row, segments, StageOf(stage_spans(events)))

    def sides(self, words: Sequence[str]) -> tuple[Side, Side]:
        """Return what words mean: none, the second boot, or both.

        Raises:
            NoSuchBootError: a boot is not there.
        """
        second = self.choose(words[-1] if words else "-1")
        two = len(words) == 2
        first = self.choose(words[0]) if two else self.good_before(second)
        return self.side(first), self.side(second)


def compared(
    first: Side, second: Side, report: Report, warn: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return the differences as objects (`difference_objects`).

    Args:
        first: the boot compared with.
        second: the other.
        report: told what could not be read.
        warn: told what was left out.
    """
    texts = [list(said(side, report, warn)) for side in (first, second)]
    before, after = first.boot, second.boot
    difference = compare(texts[0], texts[1], stopped=_rank(after) < _rank(before))
    return objects(before, after, difference)


def _rank(boot: Mapping[str, Any]) -> int:
    # Nothing recognised yet is as far as off.
    return max(Stage(boot["last_stage"]).rank, Stage.OFF.rank)


def said(side: Side, report: Report, warn: Callable[[str], None]) -> Iterator[Said]:
    """Yield what a boot said; see `compared`."""
    for line in read_lines(side.segments, report):
        if line.note:
            continue
        if line.number > MAX_LINES:
            warn(f"boot {side.boot['boot']}: only its first {MAX_LINES} lines count")
            return
        at = parse_stamp(line.time) if line.time else None
        for key, text in masked_messages(line.text):
            yield Said(key, text, at, line.number, side.stage_of[line.number])
