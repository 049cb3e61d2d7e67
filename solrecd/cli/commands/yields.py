"""`solrecctl yield`: release a BMC to other tools for a while."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each
from solrecd.cli.shared.when import seconds_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = """\
The session ends, so that ipmitool or the vendor's tools can use the console;
its output is not recorded meanwhile. `solrecctl take` ends this early."""
    add_names(parser)
    parser.add_argument(
        "time",
        metavar="TIME",
        nargs="?",
        type=seconds_in,
        default=900.0,
        help="as in 90, 15m or 1h30m (default: 15m)",
    )


def main(args: argparse.Namespace) -> int:
    """End the sessions."""
    return request_each(args, "yield", seconds=f"{args.time:g}")
