"""`solrecctl msg`: tell everybody who is attached to consoles."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.wishes import add_names, grant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)
    parser.add_argument("text", metavar="TEXT", nargs="+")


def main(args: argparse.Namespace) -> int:
    """Tell them."""
    return grant(args, "message", text=" ".join(args.text))
