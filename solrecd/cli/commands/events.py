"""`solrecctl events`: lists failures, stages, power changes and gaps."""

from __future__ import annotations

import argparse
import fnmatch
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import amounts, when
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import (
    SEVERITY,
    Cell,
    Colour,
    Column,
    paged,
    screen,
    value_of,
    warn,
)
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source, asking
from solrecd.storage.history.groups import group

KINDS = ("stage", "failure", "session", "gap", "power", "operator", "stuck", "sel")

GROUPED = ("failure", "stuck")
"""Kinds that ``--group`` looks at unless told otherwise: stages are not findings."""

FOLLOWED = 20
"""Events that are shown before those that come, unless told otherwise."""

Event = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.add_argument(
        "--kind",
        metavar="KIND",
        action="append",
        type=_kinds,
        help=f"only these: {', '.join(KINDS)}; several with commas",
    )
    parser.add_argument(
        "--name",
        metavar="NAME",
        action="append",
        type=_words,
        help="only these: panic, oom, login, ...; a glob; several with commas",
    )
    parser.add_argument("--since", metavar="TIME", help=when.HELP)
    parser.add_argument("--until", metavar="TIME", help="as --since")
    parser.add_argument(
        "-n", metavar="N", type=amounts.positive, dest="newest", help="only the last N"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--group",
        action="store_true",
        help="one line per failure, with the number of machines that have it",
    )
    form.add_argument(
        "-f", "--follow", action="store_true", help="keep running and show new events"
    )


def main(args: argparse.Namespace) -> int:
    """List events, oldest first; exit status 1 when there are none."""
    source = Source(args)
    if args.follow and source.is_folder:
        raise CommandError("-f needs the daemon: leave --dir out")
    live = source.choose(args.names, source.recorded()) if args.follow else None
    faults = Faults()
    events = _recorded(args, source, live, faults)
    rows = group(events) if args.group else events
    columns = _GROUP_COLUMNS if args.group else _COLUMNS
    # Events that arrive are watched; a list may have to be scrolled.
    with nullcontext(screen()) if args.json or args.follow else paged() as output:
        count = output.objects(rows) if args.json else output.table(columns, rows)
    if live is not None:
        screen().flush()
        _follow(args, source, live, {_key(each) for each in events})
    return faults.status if count else Exit.NO


def _recorded(
    args: argparse.Namespace,
    source: Source,
    live: Sequence[str] | None,
    faults: Faults,
) -> list[dict[str, Any]]:
    """Return the events of the consoles that are meant."""

    def choose(known: Collection[str]) -> Collection[str]:
        if live is not None:
            return live
        return source.choose(args.names, known)

    now = time.time_ns() // 1000
    with indexed(source, choose, faults) as (index, chosen):
        found = index.events(
            chosen,
            since=when.parse_bound(args.since, now),
            until=when.parse_bound(args.until, now),
            kinds=_wanted_kinds(args),
            names=_flat(args.name),
            newest=_newest(args),
        )
        return list(found)


def _wanted_kinds(args: argparse.Namespace) -> Sequence[str] | None:
    return _flat(args.kind) or (GROUPED if args.group else None)


def _newest(args: argparse.Namespace) -> int | None:
    """Return how many to begin with: following is about new events, not history."""
    begin = FOLLOWED if args.follow and args.since is None else None
    return args.newest or begin


# Showing.


def _time_column(title: str, key: str, spare: int = 0) -> Column:
    def cell(row: Event) -> Cell:
        return Cell(when.short(row[key]))

    return Column(title, cell, value_of(key), spare=spare)


def _title(row: Event) -> Cell:
    return Cell(row["title"], SEVERITY.get(row["severity"], Colour.PLAIN))


_COLUMNS = (
    _time_column("TIME", "time"),
    Column("CONSOLE", lambda row: Cell(row["console"])),
    Column("BOOT", lambda row: Cell(value_of("boot")(row) or "-"), right=True),
    Column("KIND", lambda row: Cell(row["kind"])),
    Column("NAME", lambda row: Cell(row["name"])),
    Column("TITLE", _title),
)

_GROUP_COLUMNS = (
    Column("COUNT", lambda row: Cell(str(row["count"])), right=True),
    Column("MACHINES", lambda row: Cell(str(row["machines"])), right=True),
    _time_column("FIRST", "first", spare=1),
    _time_column("LAST", "last"),
    Column("NAME", lambda row: Cell(row["name"])),
    Column(
        "CONSOLES",
        lambda row: Cell(_some(row["consoles"])),
        lambda row: ",".join(row["consoles"]),
        least=8,
    ),
    Column("TITLE", _title),
)

_SHOWN = 3
"""Consoles named in a row for people; ``--json`` has all."""


def _some(consoles: Sequence[str]) -> str:
    rest = len(consoles) - _SHOWN
    return ",".join(consoles[:_SHOWN]) + (f" +{rest}" if rest > 0 else "")


# Following.


def _follow(
    args: argparse.Namespace,
    source: Source,
    live: Sequence[str],
    shown: set[object],
) -> None:
    """Show what comes; and what came between the look at the index and the stream."""
    missing = True
    for event in _news(args, source, live):
        if missing:
            missing = False
            _show_new(_recorded(args, source, live, Faults()), shown, as_json=args.json)
        _show_new([event], shown, as_json=args.json)
        # The stream tells nothing twice: only its beginning can overlap.
        shown.clear()


def _show_new(events: Iterable[Event], shown: set[object], *, as_json: bool) -> None:
    new = [each for each in events if _key(each) not in shown]
    shown.update(map(_key, new))
    if as_json:
        screen().objects(new)
    else:
        for each in new:
            _show_line(each)
    screen().flush()


def _show_line(event: Event) -> None:
    """Show an event as it comes: a table's widths are known at its end only."""
    output = screen()
    if not output.is_terminal:
        output.table(_COLUMNS, [event])
        return
    from solrecd.cli.shared.output import safe  # noqa: PLC0415

    title = output.paint(safe(event["title"]), _title(event).colour)
    where = safe(f"{event['console']} {event['kind']} {event['name']}")
    output.line(f"{when.short(event['time'])}  {where}  {title}")


def _news(
    args: argparse.Namespace, source: Source, live: Sequence[str]
) -> Iterator[Event]:
    kinds, wanted = _wanted_kinds(args), _flat(args.name)
    with asking():
        for item in source.daemon.stream("/v1/tail", names=",".join(live)):
            if "missed" in item:
                warn(f"{item['missed']} items were dropped: this client is too slow")
            elif "kind" in item and _is_wanted(item, kinds, wanted):
                yield item


def _is_wanted(
    event: Event, kinds: Sequence[str] | None, wanted: Sequence[str] | None
) -> bool:
    if kinds is not None and event["kind"] not in kinds:
        return False
    if wanted is None:
        return True
    return any(fnmatch.fnmatchcase(event["name"], each) for each in wanted)


def _key(event: Event) -> object:
    return event["console"], event["time"], event["kind"], event["name"], event["line"]


# Options.


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _kinds(text: str) -> list[str]:
    words = _words(text)
    for word in words:
        if word not in KINDS:
            raise argparse.ArgumentTypeError(
                f"{word!r} is not a kind; allowed: {', '.join(KINDS)}"
            )
    return words


def _flat(given: Sequence[Sequence[str]] | None) -> list[str] | None:
    return None if given is None else [word for words in given for word in words]
