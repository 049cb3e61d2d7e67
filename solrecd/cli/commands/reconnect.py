"""`solrecctl reconnect`: a fresh session with a BMC, at once."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.wishes import add_names, grant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)


def main(args: argparse.Namespace) -> int:
    """End the sessions and begin fresh ones."""
    return grant(args, "reconnect")
