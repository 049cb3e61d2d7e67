"""`solrecctl ls`: one line per console, now."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any, Final

from solrecd.cli.program import Exit
from solrecd.cli.shared import names, when
from solrecd.cli.shared.output import (
    Cell,
    Colour,
    Column,
    Screen,
    outcome,
    screen,
    value_of,
)
from solrecd.cli.shared.source import Source, asking

_SESSION = {
    "up": Colour.GOOD,
    "connecting": Colour.WARNING,
    "down": Colour.BAD,
    "yielded": Colour.WARNING,
    "foreign": Colour.WARNING,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.add_argument(
        "--down", action="store_true", help="only consoles whose session is not up"
    )


def main(args: argparse.Namespace) -> int:
    """List consoles; exit status 1 when there are none."""
    rows = chosen(Source(args), args.names)
    if args.down:
        rows = [row for row in rows if row["session"] != "up"]
    count = show(screen(), rows, as_json=args.json)
    return Exit.DONE if count else Exit.NO


def chosen(source: Source, words: list[str]) -> list[dict[str, Any]]:
    """Return the daemon's objects of the consoles that words mean."""
    with asking():
        rows: list[dict[str, Any]] = source.daemon.get("/v1/consoles")
    by_name = {row["console"]: row for row in rows}
    labels = {name: names.labels_of(row) for name, row in by_name.items()}
    return [
        by_name[name] for name in names.select(words, list(by_name), lambda: labels)
    ]


def show(output: Screen, rows: list[dict[str, Any]], *, as_json: bool) -> int:
    """Print consoles; return how many."""
    if as_json:
        return output.objects(rows)
    columns = _columns(when.format_when(time.time_ns() // 1000))
    if any(map(machine_of, rows)):
        columns.insert(1, MACHINE)
        rows = names.together(rows, machine_of)
    return output.table(columns, rows)


def machine_of(row: Mapping[str, Any]) -> str:
    """Return the machine of a console; empty where it has none of a name."""
    return row.get("machine") or ""


MACHINE: Final = Column("MACHINE", lambda row: Cell(machine_of(row) or "-"))


def _columns(now: str) -> list[Column]:
    return [
        Column("CONSOLE", lambda row: Cell(row["console"])),
        Column("SESSION", lambda row: Cell(row["session"], _colour(row["session"]))),
        Column("STAGE", lambda row: Cell(row["stage"] or "-")),
        Column(
            "FOR", lambda row: _age(row["stage_since"], now), value_of("stage_since")
        ),
        Column("BOOT", lambda row: _number(row["boot"]), right=True),
        Column("OUTCOME", lambda row: outcome(row["outcome"])),
        Column("POWER", lambda row: Cell(row["power"])),
        Column(
            "OUTPUT", lambda row: _age(row["last_output"], now), value_of("last_output")
        ),
        Column("ERROR", lambda row: _error(row, now), value_of("error")),
    ]


def _colour(session: str) -> Colour:
    return _SESSION.get(session, Colour.PLAIN)


def _number(value: int | None) -> Cell:
    return Cell("-" if value is None else str(value))


def _age(then: str | None, now: str) -> Cell:
    return Cell("-" if then is None else when.duration(when.seconds_between(then, now)))


def _error(row: Mapping[str, Any], now: str) -> Cell:
    text = row["error"] or ""
    if text and row["next_try"] is not None:
        wait = when.seconds_between(now, row["next_try"])
        text += f", next try in {when.duration(wait)}"
    return Cell(text, Colour.BAD)
