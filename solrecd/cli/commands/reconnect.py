"""`solrecctl reconnect`: end the session with a BMC and log in again."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)


def main(args: argparse.Namespace) -> int:
    """End the sessions and begin fresh ones."""
    return request_each(args, "reconnect")
