"""`solrecctl who`: list attached users."""

from __future__ import annotations

import argparse

from solrecd.cli.program import Exit
from solrecd.cli.shared import when
from solrecd.cli.shared.console_requests import chosen
from solrecd.cli.shared.output import Cell, Column, screen, value_of
from solrecd.cli.shared.source import Source, asking

_COLUMNS = (
    Column("CONSOLE", lambda row: Cell(row["console"])),
    Column("USER", lambda row: Cell(row["user"])),
    Column("MODE", lambda row: Cell(row["mode"])),
    Column("SINCE", lambda row: Cell(when.short(row["since"])), value_of("since")),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")


def main(args: argparse.Namespace) -> int:
    """List them; exit status 1 when there are none."""
    source, output = Source(args), screen()
    found = ",".join(chosen(source, args.names))
    with asking():
        rows = source.daemon.get("/v1/who", names=found)
    if args.json:
        output.objects(rows)
    else:
        output.table(_COLUMNS, rows)
    return Exit.DONE if rows else Exit.NO
