"""`solrecctl ls`: one line per console, now."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any, Final

from solrecd.api.console_objects import is_unseen, labels_of, together
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
from solrecd.cli.shared.sessions import next_try
from solrecd.cli.shared.source import Source, asking
from solrecd.events.stages import Stage
from solrecd.storage.history import choose

PERIOD = 2.0
"""Seconds between two looks of ``--watch``."""

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
    parser.add_argument(
        "--failed", action="store_true", help="only where the boot failed or got stuck"
    )
    parser.add_argument(
        "--stage", metavar="STAGE", choices=list(Stage), help=f"only {', '.join(Stage)}"
    )
    parser.add_argument(
        "-w", "--watch", action="store_true", help="every 2 seconds, until Ctrl-C"
    )


def main(args: argparse.Namespace) -> int:
    """List consoles; exit status 1 when there are none."""
    source, output = Source(args), screen()
    count = show(output, _wanted(args, source), as_json=args.json)
    while args.watch:
        output.flush()
        time.sleep(PERIOD)
        rows = _wanted(args, source)
        output.clear()
        count = show(output, rows, as_json=args.json)
    return Exit.DONE if count else Exit.NO


def _wanted(args: argparse.Namespace, source: Source) -> list[dict[str, Any]]:
    return [
        row
        for row in chosen(source, args.names)
        if (not args.down or row["session"] != "up")
        and (not args.failed or row["outcome"] in choose.OUTCOMES["last-failed"])
        and (args.stage is None or row["stage"] == args.stage)
    ]


def chosen(source: Source, words: list[str]) -> list[dict[str, Any]]:
    """Return the daemon's objects of the consoles that words mean."""
    with asking():
        rows: list[dict[str, Any]] = source.daemon.get("/v1/consoles")
    by_name = {row["console"]: row for row in rows}
    labels = {name: labels_of(row) for name, row in by_name.items()}
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
        rows = together(rows, machine_of)
    return output.table(columns, rows)


def machine_of(row: Mapping[str, Any]) -> str:
    """Return the machine of a console; empty where it has none of a name."""
    return row.get("machine") or ""


MACHINE: Final = Column("MACHINE", lambda row: Cell(machine_of(row) or "-"), spare=5)


def _columns(now: str) -> list[Column]:
    return [
        Column("CONSOLE", lambda row: Cell(row["console"]), least=7),
        Column(
            "SESSION",
            lambda row: Cell(row["session"], _colour(row["session"])),
            least=4,
        ),
        Column("STAGE", _stage, value_of("stage"), least=5),
        _age_column("FOR", "stage_since", now, spare=1),
        Column("BOOT", lambda row: _number(row["boot"]), right=True, spare=2),
        Column("OUTCOME", _outcome, lambda row: row["outcome"] or "-", least=4),
        Column("POWER", lambda row: Cell(row["power"]), spare=4),
        _age_column("OUTPUT", "last_output", now, spare=3),
        Column("ERROR", lambda row: _error(row, now), value_of("error")),
    ]


def _colour(session: str) -> Colour:
    return _SESSION.get(session, Colour.PLAIN)


def _stage(row: Mapping[str, Any]) -> Cell:
    return Cell("-" if is_unseen(row) else row["stage"] or "-")


def _outcome(row: Mapping[str, Any]) -> Cell:
    return Cell("running, boot not seen") if is_unseen(row) else outcome(row["outcome"])


def _number(value: int | None) -> Cell:
    return Cell("-" if value is None else str(value))


def _age_column(title: str, key: str, now: str, spare: int) -> Column:
    return Column(title, lambda row: _age(row[key], now), value_of(key), spare=spare)


def _age(then: str | None, now: str) -> Cell:
    return Cell("-" if then is None else when.duration(when.seconds_between(then, now)))


def _error(row: Mapping[str, Any], now: str) -> Cell:
    text = row["error"]
    return Cell(text + next_try(row, now) if text else "", Colour.BAD)
