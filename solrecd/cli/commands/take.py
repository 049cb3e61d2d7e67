"""`solrecctl take`: take a console back from another client."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser)


def main(args: argparse.Namespace) -> int:
    """Take them."""
    return request_each(args, "take")
