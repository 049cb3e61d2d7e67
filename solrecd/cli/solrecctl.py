"""`solrecctl`: queries and operates recorded consoles."""

from __future__ import annotations

import argparse
import os
import sys
import time

from solrecd.cli.program import CommandError, Program, command, run

COMMANDS = (
    command("ls", "list consoles: session, stage, outcome, error"),
    command("top", "watch all consoles, problems first"),
    command("status", "show everything known of a console"),
    command("boots", "list boots: stages, times, outcomes"),
    command("log", "show what a console printed during a boot"),
    command("grep", "search what consoles printed"),
    command("diff", "compare two boots, or one with the fleet"),
    command("events", "list failures, stages, power, gaps"),
    command("coverage", "show how much of their time consoles were recorded"),
    command("replay", "replay a boot on the terminal"),
    command("export", "export a boot as HTML, asciicast or text"),
    command("plot", "plot how long boots took"),
    command("tail", "show the last lines of consoles, and follow"),
    command("screen", "show a console's current screen"),
    command("attach", "connect to a console"),
    command("web", "print a link to the pages, and log in there"),
    command("who", "list attached users"),
    command("msg", "send a message to attached users"),
    command("note", "write a line into consoles' logs"),
    command("ack", "acknowledge a problem"),
    command("break", "send a break, or a SysRq letter", "breaks"),
    command("power", "show or switch the machines' power"),
    command("wait", "wait until consoles reach a stage"),
    command("yield", "release BMCs to other tools for a while", "yields"),
    command("take", "take consoles back from other clients"),
    command("reconnect", "log in to BMCs again"),
    command("scan", "find boots and failures in any console log"),
    command("import", "turn a conman.conf or the like into TOML", "imports"),
    command("discover", "find the consoles of a network, as TOML"),
    command("doctor", "diagnose why a console is not recorded"),
    command("reload", "reload the configuration"),
    command("setup", "set up this machine's serial console"),
    command("reindex", "rebuild the index from the archive"),
    command("completion", "print a shell completion script"),
)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands have."""
    group = parser.add_argument_group("options common to all commands")
    group.add_argument(
        "-s",
        "--server",
        metavar="ADDRESS",
        default=argparse.SUPPRESS,
        help="the daemon: path of its socket or https://HOST:PORT"
        " (default: $SOLRECCTL_SERVER, else as configured)",
    )
    group.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="configuration file that names the socket and the archive"
        " (default: $SOLRECCTL_CONFIG, else /etc/solrecd/solrecd.toml)",
    )
    group.add_argument(
        "--dir",
        metavar="ARCHIVE",
        default=argparse.SUPPRESS,
        help="read this archive instead of asking the daemon: a folder, or"
        " s3://BUCKET/PREFIX",
    )
    group.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON object per line",
    )
    group.add_argument(
        "--utc",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show and read times in UTC (default: local time; scripts get UTC)",
    )


_NEEDS_NO_ARCHIVE = frozenset({"import", "scan", "setup"})
"""Neither ask the daemon nor read an archive; those that ask refuse --dir then."""


def prepare(name: str, args: argparse.Namespace) -> None:
    """Set the time zone that is wanted, for this process and its pager."""
    if args.dir is not None and name in _NEEDS_NO_ARCHIVE:
        raise CommandError(f"{name} reads no archive: leave --dir out")
    if args.utc:
        os.environ["TZ"] = "UTC"
        time.tzset()


PROGRAM = Program(
    "solrecctl",
    "Query and operate recorded serial consoles.",
    COMMANDS,
    add_common,
    {"server": None, "config": None, "dir": None, "json": False, "utc": False},
    """\
NAMES are host ranges (node[001-128]), globs (node*), labels (@rack=r1) or a
unique prefix of a name; the default is all. Piped tables are tab-separated.
solrecctl NAME is short for solrecctl status NAME.

exit status: 0 done, 1 nothing matched or the answer is no, 2 usage or
configuration, 3 the daemon does not answer, 4 timed out""",
    prepare,
    "status",
)


def main() -> int:
    """Run `solrecctl`."""
    return run(PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
