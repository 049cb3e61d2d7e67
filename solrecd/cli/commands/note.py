"""`solrecctl note`: write a line into consoles' logs."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)
    parser.add_argument("text", metavar="TEXT", nargs="+")


def main(args: argparse.Namespace) -> int:
    """Write the note."""
    return request_each(args, "note", text=" ".join(args.text))
