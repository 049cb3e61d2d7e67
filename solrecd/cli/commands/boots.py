"""`solrecctl boots`: one line per boot: start, stages, times, outcome."""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from solrecd.cli.program import Exit
from solrecd.cli.shared import amounts, when
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import (
    SEVERITY,
    Cell,
    Colour,
    Column,
    outcome,
    screen,
    warn,
)
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.events.stages import Stage
from solrecd.storage.index import Index

if TYPE_CHECKING:
    from solrecd.storage.index.filters import BootFilters

Row = Mapping[str, Any]
"""A boot or an event as the contract has it."""

BAD_OUTCOMES = ("failed", "stuck")
"""What ``--failed`` and ``last-failed`` look for."""

_STAGES = {
    Stage.FIRMWARE: "FW",
    Stage.BOOTDEV: "DEV",
    Stage.LOADER: "LOADER",
    Stage.KERNEL: "KERN",
    Stage.INITRAMFS: "INITRD",
    Stage.INIT: "INIT",
    Stage.LOGIN: "LOGIN",
}
"""Titles of the columns that say how many seconds each stage took to reach."""

_PLAIN = (
    "started",
    "console",
    "boot",
    "kernel",
    *(f"stages.{stage}" for stage in _STAGES),
    "outcome",
    "last_stage",
    "failures",
    "gaps",
    "title",
)
"""What a script gets of a boot: what people see, in the same order, exactly."""

_TITLE = 40
"""Characters that a title gets before other columns do."""

_MORE = ("ended", "cause", "bytes", "cmdline")
"""What ``--verbose`` adds to that."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.add_argument(
        "--failed", action="store_true", help="only boots that failed or got stuck"
    )
    parser.add_argument(
        "--kernel", metavar="VERSION", help="only this kernel: 6.1, or a glob *-amd64"
    )
    parser.add_argument("--since", metavar="TIME", help=when.HELP)
    parser.add_argument("--until", metavar="TIME", help="as --since")
    parser.add_argument(
        "-n",
        metavar="N",
        type=amounts.positive,
        dest="newest",
        help="only the last N of each console",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="also how each boot began and ended, its kernel command line, every"
        " failure, and the BMC's event log of that time",
    )


def main(args: argparse.Namespace) -> int:
    """List boots, oldest first; exit status 1 when there are none."""
    now = time.time_ns() // 1000
    source, faults = Source(args), Faults()
    with indexed(
        source,
        partial(source.choose, args.names),
        faults,
    ) as (index, chosen):
        wanted: BootFilters = {
            "since": when.parse_bound(args.since, now),
            "until": when.parse_bound(args.until, now),
            "kernel": args.kernel,
            "outcomes": BAD_OUTCOMES if args.failed else None,
            "newest": args.newest,
        }
        output = screen()
        if args.json:
            machines = source.machines()
            count = output.objects(
                {**row, "machine": machines.get(row["console"])}
                for row in index.boots(chosen, **wanted)
            )
        elif output.is_terminal:
            rows = list(index.boots(chosen, **wanted))
            count = _show(index, rows, source.machines(), verbose=args.verbose)
        else:
            keys = _PLAIN + _MORE if args.verbose else _PLAIN
            count = output.tabbed(index.boot_lines(keys, chosen, **wanted))
    if not count and not (args.since or args.until or args.kernel or args.failed):
        warn("no boots recorded yet")
    return faults.status if count else Exit.NO


def _show(
    index: Index, rows: Sequence[Row], machines: Mapping[str, str], *, verbose: bool
) -> int:
    details = _Details(index, rows) if verbose else None
    columns = _columns(rows)
    if any(row["console"] in machines for row in rows):
        columns.insert(2, _machine_column(machines))
    # No pager: the newest one is the last line, where people look.
    return screen().table(columns, rows, details)


def _machine_column(machines: Mapping[str, str]) -> Column:
    return Column("MACHINE", lambda row: Cell(machines.get(row["console"], "-")))


class _Details:
    """What ``--verbose`` says below a boot."""

    def __init__(self, index: Index, rows: Sequence[Row]) -> None:
        """Find the failures of these boots."""
        self._failures: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
        self._entries: defaultdict[str, list[Row]] = defaultdict(list)
        """Of the BMCs' event logs, by console."""
        if rows:
            consoles = {row["console"] for row in rows}
            for event in index.events(consoles, kinds=("failure", "stuck")):
                self._failures[event["console"], event["boot"]].append(event)
            for entry in index.events(consoles, kinds=("sel",)):
                self._entries[entry["console"]].append(entry)

    def __call__(self, row: Row) -> Iterator[Cell]:
        """Yield the lines of one boot."""
        yield Cell(_story(row), Colour.QUIET)
        if row["cmdline"]:
            yield Cell(f"command line: {row['cmdline']}", Colour.QUIET)
        for name, value in row["facts"].items():
            yield Cell(f"{name}: {value}", Colour.QUIET)
        for event in self._failures[row["console"], row["boot"]]:
            after = when.seconds_between(row["started"], event["time"])
            text = f"+{after:.1f} s  {event['name']}: {event['title']}"
            yield Cell(text, SEVERITY.get(event["severity"], Colour.PLAIN))
        for entry in self._entries[row["console"]]:
            after = when.seconds_between(row["started"], entry["time"])
            if _falls_into(row, after):
                when_ = "time unknown" if "clock" in entry["fields"] else ""
                text = f"{when_ or f'{after:+.1f} s'}  BMC: {entry['title']}"
                yield Cell(text, SEVERITY.get(entry["severity"], Colour.PLAIN))


def _falls_into(row: Row, after: float) -> bool:
    """Whether something of the BMC's log, so long after its start, belongs to a boot.

    The log has whole seconds, and the BMC hears of a power switch before the console
    prints; of a machine that dies it writes a while later.
    """
    ended = row["ended"]
    length = math.inf
    if ended is not None:
        length = when.seconds_between(row["started"], ended)
    return -_BEFORE <= after <= length + _AFTER


_BEFORE = 5.0
_AFTER = 30.0
"""Seconds around a boot that count as its own for the BMC's log."""


def _story(row: Row) -> str:
    ended = "has not ended"
    if row["ended"] is not None:
        length = when.duration(when.seconds_between(row["started"], row["ended"]))
        ended = f"ended {when.short(row['ended'])} after {length}"
    return f"begun by {row['cause']}, {ended}, {row['bytes']:,} bytes"


def _columns(rows: Sequence[Row]) -> list[Column]:
    reached = {stage for row in rows for stage in row["stages"]}
    stages = [stage for stage in _STAGES if stage in reached]
    return [
        Column("STARTED", lambda row: Cell(when.short(row["started"])), least=11),
        Column("CONSOLE", lambda row: Cell(row["console"]), least=7),
        Column("BOOT", lambda row: Cell(str(row["boot"])), right=True),
        Column("KERNEL", lambda row: Cell(row["kernel"] or "-"), least=9, spare=10),
        *map(_stage_column, stages),
        Column("OUTCOME", lambda row: outcome(row["outcome"])),
        Column("LAST", lambda row: Cell(row["last_stage"]), spare=11),
        _count_column("FAILURES", "failures", Colour.BAD, spare=8),
        _count_column("GAPS", "gaps", Colour.WARNING, spare=9),
        Column("TITLE", lambda row: Cell(row["title"] or "", Colour.BAD), least=_TITLE),
    ]


def _count_column(title: str, key: str, colour: Colour, spare: int) -> Column:
    """How many; a person sees none as a dash."""

    def cell(row: Row) -> Cell:
        return Cell(str(row[key]), colour) if row[key] else Cell("-")

    return Column(title, cell, right=True, spare=spare)


def _stage_column(stage: Stage) -> Column:
    """Seconds from the boot's start to its first entry into a stage."""

    def seconds(row: Row) -> Cell:
        value = row["stages"].get(stage)
        return Cell("-" if value is None else f"{value:.1f}")

    return Column(
        _STAGES[stage],
        seconds,
        right=True,
        # How long it took to the end is what is asked for last.
        spare=len(_STAGES) - list(_STAGES).index(stage),
    )
