"""`solrecctl ack`: acknowledge a problem, so that others know who works on it."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = """\
An acknowledgement lasts until something new happens to the machine or its
session. Others see it in `solrecctl top`, in `status` and in the console's log."""
    add_names(parser)
    parser.add_argument(
        "text", metavar="TEXT", nargs="*", help="what is known about the problem"
    )
    parser.add_argument(
        "--undo", action="store_true", help="withdraw the acknowledgement"
    )


def main(args: argparse.Namespace) -> int:
    """Acknowledge."""
    if args.undo:
        return request_each(args, "unacknowledge")
    return request_each(args, "acknowledge", text=" ".join(args.text))
