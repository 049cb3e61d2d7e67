"""`solrecctl wait`: until consoles have come to a stage; for scripts that reboot."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from solrecd.cli.program import Exit
from solrecd.cli.shared.console_requests import chosen
from solrecd.cli.shared.output import screen, warn
from solrecd.cli.shared.source import Source, asking
from solrecd.cli.shared.when import seconds_in
from solrecd.events.boots import Outcome
from solrecd.events.stages import Stage

POLL = 0.5
"""Seconds between two questions."""

_ORDER = tuple(stage.value for stage in Stage)
_LOST = frozenset({Outcome.FAILED.value, Outcome.STUCK.value})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = (
        "exit status: 0 all reached the stage, 1 a boot failed or is stuck, 4 timed out"
    )
    parser.add_argument("names", metavar="NAMES", nargs="+")
    parser.add_argument(
        "--stage",
        choices=_ORDER,
        metavar="STAGE",
        default=Stage.LOGIN.value,
        help=f"this stage or a later one (default: %(default)s): {', '.join(_ORDER)}",
    )
    parser.add_argument(
        "--new",
        action="store_true",
        help="wait for a boot that begins from now on, not the current one",
    )
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=seconds_in,
        default=None,
        help="as in 90, 10m or 1h (default: no limit)",
    )


def main(args: argparse.Namespace) -> int:
    """Wait, and say of each console where it is."""
    source = Source(args)
    waiting = set(chosen(source, args.names))
    old = _boots(source) if args.new else frozenset()
    until = math.inf if args.timeout is None else time.monotonic() + args.timeout
    lost = 0
    while True:
        for row in _rows(source):
            if row["console"] not in waiting or (row["console"], row["boot"]) in old:
                continue
            is_lost = row["outcome"] in _LOST
            if is_lost or _is_there(row, args.stage):
                waiting.discard(row["console"])
                lost += is_lost
                _tell(args, row)
        if not waiting:
            return Exit.NO if lost else Exit.DONE
        if time.monotonic() >= until:
            warn(f"timed out before stage {args.stage}: {', '.join(sorted(waiting))}")
            return Exit.TIMED_OUT
        time.sleep(POLL)


def _rows(source: Source) -> Sequence[Mapping[str, Any]]:
    with asking():
        rows: Sequence[Mapping[str, Any]] = source.daemon.get("/v1/consoles")
    return rows


def _boots(source: Source) -> frozenset[tuple[str, int | None]]:
    return frozenset((row["console"], row["boot"]) for row in _rows(source))


def _is_there(row: Mapping[str, Any], stage: str) -> bool:
    return _ORDER.index(row["stage"]) >= _ORDER.index(stage)


def _tell(args: argparse.Namespace, row: Mapping[str, Any]) -> None:
    output = screen()
    if args.json:
        output.objects([row])
    else:
        output.line(f"{row['console']}\t{row['stage']}\t{row['outcome']}")
    output.flush()
