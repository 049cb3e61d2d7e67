"""`solrecctl ack`: say that somebody takes care of what is wrong."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = """\
It lasts until something new happens to the machine or its session. Others see it in
`solrecctl top` and `status`, and in the console's log."""
    add_names(parser)
    parser.add_argument("text", metavar="TEXT", nargs="*", help="what is known of it")
    parser.add_argument("--undo", action="store_true", help="take it back")


def main(args: argparse.Namespace) -> int:
    """Acknowledge."""
    if args.undo:
        return request_each(args, "unacknowledge")
    return request_each(args, "acknowledge", text=" ".join(args.text))
