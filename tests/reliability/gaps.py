"""Random outages in virtual time: is each gap told with its length?"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import structlog
import trio

from bench.figures import Figure
from solrecd.simbmc.options import Habits
from tests.support.outages import TOLERANCE, Found, Outage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this program."""
    parser.add_argument("--outages", type=int, default=100, help="for each kind of BMC")


async def run(arguments: argparse.Namespace, _folder: Path) -> Sequence[Figure]:
    """Suffer them all; return the figures."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    figures: list[Figure] = []
    for habits in Habits:
        # A loop of its own, with a clock that jumps.
        found = await trio.to_thread.run_sync(_suffer, arguments.outages, habits)
        figures += _figures(habits, found)
    return figures


def _suffer(outages: int, habits: Habits) -> Sequence[Found]:
    return [Outage.drawn(seed).suffered(seed, habits) for seed in range(outages)]


def _figures(habits: Habits, found: Sequence[Found]) -> list[Figure]:
    told = sum(len(each.gaps) for each in found)
    what = f"{len(found)} random outages, {habits.value} BMC"
    worst = max(each.error for each in found)
    unmarked = sum(each.unmarked for each in found)
    doubled = sum(each.doubled for each in found)
    return [
        Figure(f"{what}: gaps told", told, ""),
        Figure(f"{what}: worst error of a length", worst, "s", goal=TOLERANCE),
        Figure(f"{what}: lines missing without a mark", unmarked, "", goal=0),
        Figure(f"{what}: lines recorded twice", doubled, "", goal=0),
    ]
