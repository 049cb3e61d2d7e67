"""`solrecctl msg`: send a message to the users attached to consoles."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)
    parser.add_argument("text", metavar="TEXT", nargs="+")


def main(args: argparse.Namespace) -> int:
    """Tell them."""
    return request_each(args, "message", text=" ".join(args.text))
