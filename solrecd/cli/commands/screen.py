"""`solrecctl screen`: the current screen of a console."""

from __future__ import annotations

import argparse
import re
from typing import NamedTuple

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.output import safe, screen
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source, reading_archive
from solrecd.storage.history.terminal import TAIL, Shown, read_tail, show

LARGEST = 500
"""Columns or rows; more no terminal has."""

_SIZE = re.compile(r"(\d{1,3})x(\d{1,3})", re.ASCII)


class Size(NamedTuple):
    """Of a terminal."""

    columns: int
    rows: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--size",
        metavar="COLUMNSxROWS",
        type=parse_size,
        default=Size(80, 24),
        help="terminal size that the machine assumes (default: 80x24)",
    )


def main(args: argparse.Namespace) -> int:
    """Show the screen; exit status 1 when nothing was ever printed."""
    source, faults = Source(args), Faults()
    name = source.choose_one(args.name, source.archived())
    with reading_archive():
        segments = source.archive.segments(name)
    data = read_tail(segments, TAIL, faults)
    if not data:
        raise CommandError(source.nothing_recorded(name), Exit.NO)
    found = show(data, columns=args.size.columns, rows=args.size.rows)
    if args.json:
        screen().objects([_object(name, segments[-1].name.boot, args.size, found)])
    else:
        for line in _without_end(found.lines):
            screen().line(safe(line))
    return faults.status


def _object(name: str, boot: int, size: Size, found: Shown) -> dict[str, object]:
    return {
        "console": name,
        "boot": boot,
        "columns": size.columns,
        "rows": size.rows,
        "cursor": found.cursor._asdict(),
        "title": found.title,
        "lines": found.lines,
    }


def _without_end(lines: list[str]) -> list[str]:
    """Return lines without the empty ones at the end."""
    last = max((n for n, line in enumerate(lines, 1) if line), default=0)
    return lines[:last]


def parse_size(text: str) -> Size:
    """Return the size that an option says, ``80x24``."""
    found = _SIZE.fullmatch(text)
    size = Size(int(found[1]), int(found[2])) if found else Size(0, 0)
    if not (1 <= size.columns <= LARGEST and 1 <= size.rows <= LARGEST):
        raise argparse.ArgumentTypeError(
            f"invalid size {text!r}: use COLUMNSxROWS, at most {LARGEST}x{LARGEST}"
        )
    return size
