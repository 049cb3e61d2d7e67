"""`solrecctl top`: every console on one screen, as it changes; trouble first."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from solrecd.api.client import ApiError, UnreachableError, quote
from solrecd.api.rows import TROUBLE, News, State, Wall, state_of
from solrecd.cli.commands.ls import MACHINE, machine_of
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import when
from solrecd.cli.shared.output import Cell, Colour, Column, screen, value_of
from solrecd.cli.shared.source import Source, asking

if TYPE_CHECKING:
    from solrecd.cli.top.app import RowActions

EXTRA: Final = "pip install 'solrecd[top]'"

_COLOURS: Final[Mapping[State, Colour]] = {
    **dict.fromkeys(TROUBLE, Colour.BAD),
    State.BOOTING: Colour.WARNING,
    State.OK: Colour.GOOD,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.epilog = f"""\
On a terminal the screen follows changes, ? lists the keys; this requires
textual: {EXTRA}. Piped, or with --json, the current
state is printed once."""


def main(args: argparse.Namespace) -> int:
    """Show the wall until the person leaves, or print it once; 1 when it is empty."""
    source = Source(args)
    if source.is_folder:
        raise CommandError("top needs the daemon; boots and events read an archive")
    chosen = _chosen(source, args.names)
    if args.json or not (sys.stdout.isatty() and sys.stdin.isatty()):
        return _print(source, chosen, as_json=args.json)
    return _show(source, chosen, _again(args))


def _chosen(source: Source, words: list[str]) -> list[str] | None:
    """Return the names that words mean; None for all, also those added later."""
    known = source.recorded()
    return source.choose(words, known) if words else None


# Once.


def _print(source: Source, chosen: list[str] | None, *, as_json: bool) -> int:
    found = _snapshot(source, chosen)
    wall = Wall()
    wall.take(News(is_whole=True, rows=dict(found)))
    rows = [found[row.name] for row in wall.shown]
    output = screen()
    now = when.format_when(time.time_ns() // 1000)
    columns = _columns(now)
    if any(map(machine_of, rows)):
        columns.insert(1, MACHINE)
    count = output.objects(rows) if as_json else output.table(columns, rows)
    return Exit.DONE if count else Exit.NO


def _snapshot(
    source: Source, chosen: list[str] | None
) -> Mapping[str, Mapping[str, Any]]:
    """Return the first set of rows, by name."""
    query = {} if chosen is None else {"names": ",".join(chosen)}
    found: dict[str, Mapping[str, Any]] = {}
    with asking():
        for each in source.daemon.stream("/v1/watch", **query):
            if "time" in each:
                break
            if "console" in each:
                found[each["console"]] = each
    return found


def _columns(now: str) -> list[Column]:
    def age(row: Mapping[str, Any]) -> Cell:
        since = row["stage_since"]
        between = when.seconds_between
        return Cell("-" if since is None else when.duration(between(since, now)))

    return [
        Column("CONSOLE", lambda row: Cell(row["console"])),
        Column("STATE", _state),
        Column("STAGE", lambda row: Cell(row["stage"] or "-")),
        Column("FOR", age, value_of("stage_since")),
        Column("ACKNOWLEDGED", lambda row: Cell(_acknowledged(row)), spare=1),
        Column("PROBLEM", lambda row: Cell(_problem(row), Colour.BAD), least=20),
        Column("LAST LINE", lambda row: Cell(row["line"] or "")),
    ]


def _state(row: Mapping[str, Any]) -> Cell:
    state = state_of(row)
    return Cell(state, _COLOURS.get(state, Colour.PLAIN))


def _acknowledged(row: Mapping[str, Any]) -> str:
    given = row["acknowledged"]
    return "" if given is None else given["user"]


def _problem(row: Mapping[str, Any]) -> str:
    return row["error"] or row["title"] or ""


# As it changes.


def _show(source: Source, chosen: list[str] | None, again: list[str]) -> int:
    try:
        # Imported here: it takes longer than all other commands together.
        from solrecd.cli.top.app import WallApp  # noqa: PLC0415
    except ImportError:
        raise CommandError(
            f"the screen needs textual: {EXTRA}; or pipe it: solrecctl top | cat"
        ) from None
    from solrecd.cli.top.feed import Feed  # noqa: PLC0415

    feed = Feed(source.daemon, chosen)
    feed.start()
    app = WallApp(feed, _row_actions(source, again))
    app.run()
    return app.return_code or Exit.DONE


def _again(args: argparse.Namespace) -> list[str]:
    """Return how to run another command against the same daemon."""
    command = [sys.executable, "-m", "solrecd.cli.solrecctl"]
    if args.server is not None:
        command += ["-s", args.server]
    if args.config is not None:
        command += ["-c", args.config]
    return command


def _row_actions(source: Source, again: list[str]) -> RowActions:
    from solrecd.cli.top.app import RowActions  # noqa: PLC0415

    def run(*words: str) -> None:
        if subprocess.run([*again, *words], check=False).returncode:
            input("Enter returns to top ")

    def read(*words: str) -> None:
        subprocess.run([*again, *words], check=False)
        input("Enter returns to top ")

    def wish(what: str) -> Callable[[str], str]:
        def post(name: str) -> str:
            try:
                source.daemon.post(f"/v1/consoles/{quote(name)}/{what}")
            except (ApiError, UnreachableError) as error:
                return str(error)
            return ""

        return post

    return RowActions(
        attach=lambda name: run("attach", "--", name),
        watch=lambda name: run("attach", "-m", "--", name),
        acknowledge=wish("acknowledge"),
        unacknowledge=wish("unacknowledge"),
        read=lambda command, name: read(command, "--", name),
    )
