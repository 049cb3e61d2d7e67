"""`solrecctl break`: send a serial break, optionally with a SysRq letter."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import add_names, request_each

_HARMLESS = frozenset("hlmpqtvwz?")
"""SysRq letters that only print (Documentation/admin-guide/sysrq.rst)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_names(parser, asks=True)
    parser.add_argument(
        "key",
        metavar="KEY",
        nargs="?",
        default="",
        help="SysRq letter for the kernel: w lists blocked tasks, c writes a crash"
        " dump, b reboots immediately",
    )


def main(args: argparse.Namespace) -> int:
    """Send it, after asking where the letter does more than print."""
    is_harmless = not args.key or args.key in _HARMLESS
    question = "" if is_harmless else f"SysRq {args.key}"
    return request_each(args, "break", question, key=args.key)
