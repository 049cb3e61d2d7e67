"""`solrecctl`: what every console does now, did, and printed when it died."""

from __future__ import annotations

import argparse
import sys

from solrecd.cli.program import Program, command, run

COMMANDS = (
    command("ls", "list consoles: session, stage, outcome, error"),
    command("top", "see all consoles change, trouble first"),
    command("status", "show everything known of a console"),
    command("boots", "list boots: how far, how fast, how ended"),
    command("log", "show what a console printed during a boot"),
    command("grep", "search what consoles printed"),
    command("diff", "compare two boots, or one with the fleet"),
    command("events", "list failures, stages, power, gaps"),
    command("replay", "play a boot on the terminal as it came"),
    command("export", "write a boot as a page, a film, a text"),
    command("plot", "draw how long boots took, as a picture"),
    command("tail", "show the last lines of consoles, and follow"),
    command("screen", "show a console's screen as it stands"),
    command("attach", "have a console on this terminal"),
    command("who", "list who is attached where"),
    command("msg", "tell something to all who are attached"),
    command("note", "write a line into consoles' logs"),
    command("ack", "say that you take care of what is wrong"),
    command("break", "send a break, or a SysRq letter", "breaks"),
    command("power", "see or switch the machines' power"),
    command("wait", "wait until consoles come to a stage"),
    command("yield", "give BMCs to somebody else for a while", "yields"),
    command("take", "have consoles back, whoever holds them"),
    command("reconnect", "begin fresh sessions with BMCs"),
    command("scan", "find boots and failures in any console log"),
    command("import", "turn a conman.conf or the like into TOML", "imports"),
    command("doctor", "find out why a console is not recorded"),
    command("reload", "have the configuration read anew"),
    command("setup", "put this machine's console on its port"),
    command("reindex", "rebuild the index from the archive"),
    command("completion", "let the shell complete names"),
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
        " (default: as configured)",
    )
    group.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="configuration that names socket and archive"
        " (default: /etc/solrecd/solrecd.toml)",
    )
    group.add_argument(
        "--dir",
        metavar="ARCHIVE",
        default=argparse.SUPPRESS,
        help="read this archive folder, ask no daemon",
    )
    group.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON object per line",
    )


PROGRAM = Program(
    "solrecctl",
    "Ask the console recorder: what is it doing now, what did it print when it died.",
    COMMANDS,
    add_common,
    {"server": None, "config": None, "dir": None, "json": False},
    """\
NAMES are host ranges (node[001-128]), globs (node*), labels (@rack=r1) or the unique
beginning of a name; none means all. Tables are tab-separated when piped.

exit status: 0 done, 1 nothing matched or the answer is no, 2 usage or configuration,
3 the daemon does not answer, 4 timed out""",
)


def main() -> int:
    """Run `solrecctl`."""
    return run(PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
