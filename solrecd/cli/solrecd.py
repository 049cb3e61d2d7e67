"""`solrecd`: the recorder itself."""

from __future__ import annotations

import argparse
import sys

from solrecd.cli.program import Program, command, run

COMMANDS = (
    command("run", "record the consoles of the configuration"),
    command("check", "check a configuration, change nothing"),
    command("token", "make a token for the API, and its hash", "tokens"),
    command("demo", "record a small simulated fleet, to try it"),
)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that all commands have: none yet."""


PROGRAM = Program(
    "solrecd",
    "Record the serial consoles of a fleet over IPMI, for ever.",
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
