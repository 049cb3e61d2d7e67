"""`solrecd`: the recorder itself."""

from __future__ import annotations

import argparse
import sys

from solrecd.cli.program import Program, command, run

COMMANDS = (
    command("run", "record the consoles of the configuration"),
    command("check", "check a configuration, change nothing"),
    command("token", "create a token for the API, and its hash", "tokens"),
    command("demo", "try it: record a small simulated fleet"),
)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands have: none yet."""


PROGRAM = Program(
    "solrecd",
    "Record the serial consoles of a fleet permanently, over IPMI.",
    COMMANDS,
    add_common,
    {},
    "solrecctl shows what was recorded.",
)


def main() -> int:
    """Run `solrecd`."""
    return run(PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
