"""`solrecctl`: what every console does now, did, and printed when it died."""

from __future__ import annotations

import argparse
import sys

from solrecd.cli.program import Command, Program, run

COMMANDS = (
    Command("ls", "solrecd.cli.ls", "list consoles: session, stage, outcome, error"),
    Command("top", "solrecd.cli.top", "see all consoles change, trouble first"),
    Command("status", "solrecd.cli.status", "show everything known of a console"),
    Command("boots", "solrecd.cli.boots", "list boots: how far, how fast, how ended"),
    Command("log", "solrecd.cli.log", "show what a console printed during a boot"),
    Command("grep", "solrecd.cli.grep", "search what consoles printed"),
    Command("diff", "solrecd.cli.diff", "compare two boots, or one with the fleet"),
    Command("events", "solrecd.cli.events", "list failures, stages, power, gaps"),
    Command("replay", "solrecd.cli.replay", "play a boot on the terminal as it came"),
    Command("export", "solrecd.cli.export", "write a boot as a page, a film, a text"),
    Command("plot", "solrecd.cli.plot", "draw how long boots took, as a picture"),
    Command("tail", "solrecd.cli.tail", "show the last lines of consoles, and follow"),
    Command("screen", "solrecd.cli.screen", "show a console's screen as it stands"),
    Command("attach", "solrecd.cli.attach", "have a console on this terminal"),
    Command("who", "solrecd.cli.who", "list who is attached where"),
    Command("msg", "solrecd.cli.msg", "tell something to all who are attached"),
    Command("note", "solrecd.cli.note", "write a line into consoles' logs"),
    Command("ack", "solrecd.cli.ack", "say that you take care of what is wrong"),
    Command("break", "solrecd.cli.breaks", "send a break, or a SysRq letter"),
    Command("power", "solrecd.cli.power", "see or switch the machines' power"),
    Command("wait", "solrecd.cli.wait", "wait until consoles come to a stage"),
    Command("yield", "solrecd.cli.yields", "give BMCs to somebody else for a while"),
    Command("take", "solrecd.cli.take", "have consoles back, whoever holds them"),
    Command("reconnect", "solrecd.cli.reconnect", "begin fresh sessions with BMCs"),
    Command("scan", "solrecd.cli.scan", "find boots and failures in any console log"),
    Command(
        "import", "solrecd.cli.imports", "turn a conman.conf or the like into TOML"
    ),
    Command("doctor", "solrecd.cli.doctor", "find out why a console is not recorded"),
    Command("reload", "solrecd.cli.reload", "have the configuration read anew"),
    Command("setup", "solrecd.cli.setup", "put this machine's console on its port"),
    Command("reindex", "solrecd.cli.reindex", "rebuild the index from the archive"),
    Command("completion", "solrecd.cli.completion", "let the shell complete names"),
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
