"""`solrecctl power`: see and switch the power, over the recording session."""

from __future__ import annotations

import argparse

from solrecd.api.client import quote
from solrecd.cli.program import Exit
from solrecd.cli.shared.console_requests import (
    TIMEOUT,
    Question,
    RefusedError,
    add_names,
    chosen,
    refusable,
    request_each,
)
from solrecd.cli.shared.output import screen, warn
from solrecd.cli.shared.sessions import session_words
from solrecd.cli.shared.source import Source, asking

_WISHES = {
    "status": "",
    "on": "on",
    "off": "off",
    "cycle": "cycle",
    "reset": "reset",
    "soft": "shutdown",
    "diag": "diag",
}
"""What people say, and what the daemon calls it."""

_ACTIONS = {
    "on": "switch on",
    "off": "switch off immediately",
    "cycle": "switch off and on",
    "reset": "reset",
    "soft": "shut down",
    "diag": "interrupt (NMI: a panic, or a crash dump)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser, asks=True)
    parser.add_argument(
        "wish",
        choices=_WISHES,
        help="soft: orderly shutdown; diag: NMI; cycle: off and on",
    )


def main(args: argparse.Namespace) -> int:
    """Show or switch; exit status 1 when a BMC refused."""
    if args.wish == "status":
        return _show(args)
    question = Question(_ACTIONS[args.wish])
    return request_each(args, "power", question, wish=_WISHES[args.wish])


def _show(args: argparse.Namespace) -> int:
    source, output, refused = Source(args), screen(), 0
    for name in chosen(source, [args.names]):
        try:
            with refusable():
                path = f"/v1/consoles/{quote(name)}/power"
                answer = source.daemon.get_patiently(path, TIMEOUT)
        except RefusedError as error:
            refused += 1
            warn(f"{error}{_session(source, name)}")
            answer = {"power": None, "error": str(error)}
        if args.json:
            output.objects([{"console": name, **answer}])
        elif "error" not in answer:
            output.line(f"{name}\t{answer['power']}")
    return Exit.NO if refused else Exit.DONE


def _session(source: Source, name: str) -> str:
    """Return why the BMC cannot be asked, where that is its session."""
    with asking():
        row = source.daemon.get(f"/v1/consoles/{quote(name)}")
    is_other_way = "power_by" in row  # the console's own session has no part in it
    hidden = is_other_way or row["session"] == "up"
    return "" if hidden else f" ({session_words(row)})"
