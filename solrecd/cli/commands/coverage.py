"""`solrecctl coverage`: how much of their time consoles were recorded."""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import when
from solrecd.cli.shared.output import Cell, Colour, Column, screen, value_of
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source, asking, reading_archive
from solrecd.process.stamps import SECOND
from solrecd.storage.formats.coverage import Recorded, cover

USUAL: Final = "30d"
"""How far it looks back."""

_GOOD: Final = 0.999
_FAIR: Final = 0.99
"""Shares from which on a console is shown as well recorded, or not badly."""

Row = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.add_argument(
        "--since", metavar="TIME", default=USUAL, help=f"{when.HELP}; default: {USUAL}"
    )
    parser.add_argument(
        "--below",
        metavar="PERCENT",
        type=_percent,
        help="only consoles that were recorded for less of the time: 99.9",
    )


def _percent(text: str) -> float:
    value = float(text.removesuffix("%"))
    if not 0 <= value <= 100:
        raise ValueError(text)
    return value / 100


def main(args: argparse.Namespace) -> int:
    """Show consoles; exit status 1 when there are none."""
    source, faults = Source(args), Faults()
    now = time.time_ns() // 1000
    since = when.parse_when(args.since, now)
    if since >= now:
        raise CommandError(f"--since {args.since}: that is not over yet")
    if source.is_folder:
        rows = _archived(source, args.names, since, faults)
    else:
        rows = _asked(source, args.names, (now - since) // SECOND)
    shown = [row for row in rows if args.below is None or row["coverage"] < args.below]
    output = screen()
    count = output.objects(shown) if args.json else output.table(_COLUMNS, shown)
    return faults.status if count else Exit.NO


def _asked(source: Source, words: Sequence[str], seconds: int) -> list[Row]:
    """Return what the daemon tells."""
    chosen = source.choose(words, source.recorded())
    if not chosen:
        return []
    query = {"names": ",".join(chosen)} if words else {}
    with asking():
        rows: list[Row] = source.daemon.get(
            "/v1/coverage", seconds=str(max(seconds, 1)), **query
        )
    return rows


def _archived(
    source: Source, words: Sequence[str], since: int, faults: Faults
) -> list[Row]:
    """Return what an archive tells, up to the last sign of any of its consoles."""
    # Imported here: a daemon is asked far more often.
    from solrecd.storage.history.recorded import last_sign  # noqa: PLC0415

    known = source.archived()
    chosen = source.choose(words, known)
    with reading_archive():
        if source.is_store:
            stored = source.store_archive
            until = stored.last_sign()
            return [
                cover(stored.recorded(name), since, until).as_row(name)
                for name in chosen
            ]
        until = last_sign(source.archive, known)
        found = _recorded(source, chosen, since, faults)
    return [cover(found[name], since, until).as_row(name) for name in chosen]


def _recorded(
    source: Source, consoles: Sequence[str], since: int, faults: Faults
) -> Mapping[str, Recorded]:
    from solrecd.storage.history.recorded import (  # noqa: PLC0415
        from_archive,
        from_index,
    )
    from solrecd.storage.index import Index, IndexFileError  # noqa: PLC0415

    try:
        with closing(Index.read(source.index_path)) as index:
            return from_index(index, consoles, since)
    except (IndexFileError, sqlite3.Error):
        return from_archive(source.archive, consoles, since, faults)


def _share(row: Row) -> Cell:
    share = row["coverage"]
    colour = Colour.GOOD if share >= _GOOD else Colour.WARNING
    text = f"{int(share * 100_000) / 1000:.3f} %"
    return Cell(text, colour if share >= _FAIR else Colour.BAD)


def _lost(row: Row) -> Cell:
    return Cell(when.duration(row["lost_seconds"]) if row["lost_seconds"] else "-")


_COLUMNS: Final = (
    Column("CONSOLE", lambda row: Cell(row["console"]), least=7),
    Column("OLDEST", lambda row: Cell(when.short(row["oldest"])), value_of("oldest")),
    Column("COVERAGE", _share, value_of("coverage"), right=True),
    Column("GAPS", lambda row: Cell(str(row["gaps"])), right=True),
    Column("LOST", _lost, value_of("lost_seconds"), right=True),
)
