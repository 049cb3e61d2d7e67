"""`solrecctl diff`: new and missing messages of a boot, and what became slower."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import boot_choice, differences
from solrecd.cli.shared.fleet import blocks, cross_out
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import paged, screen, warn
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.storage.history import choose
from solrecd.storage.history.compare import Found
from solrecd.storage.history.difference_objects import novel_objects
from solrecd.storage.history.novel import Novel
from solrecd.storage.history.segments import Archive
from solrecd.storage.history.two_boots import ComparedConsole, Side, compared, said


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
    with indexed(source, lambda _: wanted, faults) as (index, _), _choosing(name):
        console = ComparedConsole(name, index, segments)
        if args.fleet:
            objects = _novelties(source.archive, console, args.fleet, faults)
            status = faults.status
        else:
            sides = console.sides(args.boots)
            objects = compared(*sides, faults, warn)
            status = faults.status_of(chain(*(side.segments for side in sides)))
    if args.json:
        screen().objects(objects)
    else:
        with paged() as output:
            differences.show(output, objects)
    return status


@contextmanager
def _choosing(name: str) -> Iterator[None]:
    """Turn a boot that is not there into one line and an exit status."""
    try:
        yield
    except choose.NoSuchBootError as error:
        raise CommandError(f"{name}: {error}", Exit.NO) from None


def _novelties(
    archive: Archive, console: ComparedConsole, word: str, faults: Faults
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
    return novel_objects(side.boot, found, read)


def _good_boots(console: ComparedConsole, but: int) -> list[tuple[str, int]]:
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
    for each in said(side, faults, warn):
        if each.line in times and each.line not in found:
            found[each.line] = Found(each, times[each.line])
    return list(found.values())
