"""`solrecctl note`: a line into consoles' logs."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.wishes import add_names, grant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)
    parser.add_argument("text", metavar="TEXT", nargs="+")


def main(args: argparse.Namespace) -> int:
    """Write the note."""
    return grant(args, "note", text=" ".join(args.text))
