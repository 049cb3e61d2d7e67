"""`solrecctl break`: send a serial break, optionally with a SysRq letter."""

from __future__ import annotations

import argparse

from solrecd.cli.shared.console_requests import Question, add_names, request_each

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
    """Send it, after asking where it does more than print, or to several."""
    is_harmless = not args.key or args.key in _HARMLESS
    action = f"send SysRq {args.key}" if args.key else "send a break"
    return request_each(args, "break", Question(action, is_harmless), key=args.key)
