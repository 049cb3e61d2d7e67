"""`solrecctl diff`: new and missing messages of a boot, and what became slower."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import boot_choice, differences
from solrecd.cli.shared.fleet import blocks, cross_out
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import paged, screen, warn
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.events.stages import Stage
from solrecd.storage.history import choose
from solrecd.storage.history.compare import Found, Said, compare
from solrecd.storage.history.mask import masked_messages
from solrecd.storage.history.novel import Novel
from solrecd.storage.history.segments import Archive, Segment, boot_numbers
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "name", metavar="NAME", help="a console, or the beginning of its name"
    )
    parser.add_argument(
        "boots",
        metavar="BOOT",
        type=boot_choice.boot_word,
        nargs="*",
        help=f"{choose.HELP} (default: last-good -1; one: last-good against it)",
    )
    parser.add_argument(
        "--fleet",
        metavar="BOOT",
        type=boot_choice.boot_word,
        nargs="?",
        const="last-failed",
        help="messages of this boot that no good boot of any console contains"
        " (default: last-failed)",
    )


def main(args: argparse.Namespace) -> int:
    """Show the differences; exit status 1 when something was unreadable."""
    if len(args.boots) > 2 or (args.boots and args.fleet):
        raise CommandError("give at most two boots, and none with --fleet")
    source, faults = Source(args), Faults()
    name, segments = boot_choice.console_segments(args.name, source)
    wanted = source.archived() if args.fleet else [name]
    with indexed(source, lambda _: wanted, faults) as (index, _):
        console = _ComparedConsole(name, index, segments)
        if args.fleet:
            objects = _novelties(source.archive, console, args.fleet, faults)
            status = faults.status
        else:
            sides = _sides(console, args.boots)
            objects = _compared(*sides, faults)
            status = faults.status_of(chain(*(side.segments for side in sides)))
    if args.json:
        screen().objects(objects)
    else:
        with paged() as output:
            differences.show(output, objects)
    return status


class _ComparedConsole:
    """One console's boots, as the archive and the index have them."""

    def __init__(self, name: str, index: Index, segments: Sequence[Segment]) -> None:
        self.name = name
        self.index = index
        self._segments = segments
        self.numbers = boot_numbers(segments)

    def choose(self, word: str) -> int:
        """Return the number of the boot that is meant."""
        try:
            return choose.choose_boot(word, self.numbers, self.ended)
        except choose.NoSuchBootError as error:
            raise CommandError(f"{self.name}: {error}", Exit.NO) from None

    def ended(self, outcomes: Sequence[str]) -> list[int]:
        """Return the boots that ended like this, ascending."""
        return [row["boot"] for row in self.index.boots([self.name], outcomes=outcomes)]

    def good_before(self, number: int) -> int:
        """Return the newest good boot but this one, of those before if there are."""
        there = set(self.numbers)
        good = [
            boot
            for boot in self.ended(choose.OUTCOMES["last-good"])
            if boot in there and boot != number
        ]
        earlier = [boot for boot in good if boot < number]
        if not good:
            message = "there is no good boot to compare with; name two boots"
            raise CommandError(f"{self.name}: {message}", Exit.NO)
        return (earlier or good)[-1]

    def side(self, number: int) -> Side:
        """Return what is needed of one boot."""
        row = next(self.index.boots([self.name], boot=number), None)
        if row is None:
            message = f"boot {number} is not in the index: run solrecctl reindex"
            raise CommandError(f"{self.name}: {message}", Exit.NO)
        events = self.index.events([self.name], boot=number, kinds=["stage"])
        segments = [each for each in self._segments if each.name.boot == number]
        return Side(row, segments, StageOf(stage_spans(events)))


def _sides(console: _ComparedConsole, words: Sequence[str]) -> tuple[Side, Side]:
    second = console.choose(words[-1] if words else "-1")
    two = len(words) == 2
    first = console.choose(words[0]) if two else console.good_before(second)
    return console.side(first), console.side(second)


def _compared(first: Side, second: Side, faults: Faults) -> list[dict[str, Any]]:
    said = [list(_said(side, faults)) for side in (first, second)]
    before, after = first.boot, second.boot
    difference = compare(said[0], said[1], stopped=_rank(after) < _rank(before))
    return differences.objects(before, after, difference)


def _rank(boot: Mapping[str, Any]) -> int:
    # Nothing recognised yet is as far as off.
    return max(Stage(boot["last_stage"]).rank, Stage.OFF.rank)


def _said(side: Side, faults: Faults) -> Iterator[Said]:
    from solrecd.cli.shared.when import stamp_of  # noqa: PLC0415

    for line in read_lines(side.segments, faults):
        if line.note:
            continue
        if line.number > MAX_LINES:
            warn(f"boot {side.boot['boot']}: only its first {MAX_LINES} lines count")
            return
        at = stamp_of(line.time) if line.time else None
        for key, text in masked_messages(line.text):
            yield Said(key, text, at, line.number, side.stage_of[line.number])


def _novelties(
    archive: Archive, console: _ComparedConsole, word: str, faults: Faults
) -> list[dict[str, Any]]:
    side = console.side(console.choose(word))
    novel = Novel()
    for block in blocks(side.segments, faults):
        novel.add(block)
    good = _good_boots(console, side.boot["boot"])
    if not good:
        raise CommandError("the archive holds no other good boot", Exit.NO)
    read = cross_out(novel, archive, good, faults)
    found = _first_said(side, novel, faults)
    return differences.novel_objects(side.boot, found, read)


def _good_boots(console: _ComparedConsole, but: int) -> list[tuple[str, int]]:
    """Return all good boots, the console's own newest first: they cross out most."""
    outcomes = choose.OUTCOMES["last-good"]
    good = [
        (row["console"], row["boot"])
        for row in console.index.boots(outcomes=outcomes)
        if (row["console"], row["boot"]) != (console.name, but)
    ]
    return sorted(good, key=lambda boot: (boot[0] != console.name, boot[0], -boot[1]))


def _first_said(side: Side, novel: Novel, faults: Faults) -> list[Found]:
    """Return the messages that are left, each where it was said first."""
    times = {lines[0]: len(lines) for lines in novel.lines}
    found: dict[int, Found] = {}
    for said in _said(side, faults):
        if said.line in times and said.line not in found:
            found[said.line] = Found(said, times[said.line])
    return list(found.values())
