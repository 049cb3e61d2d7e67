"""``python -m tests.reliability PROGRAM``: the long proofs of what solrecd promises.

Each prints a table and ends with status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import trio

from bench.figures import machine, markdown

PROGRAMS = (
    "damage",
    "torture",
    "gaps",
    "neighbours",
    "hostile",
    "disks",
    "soak",
    "chaos",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one program."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability")
    commands = parser.add_subparsers(dest="program", required=True)
    for name in PROGRAMS:
        program = import_module(f"tests.reliability.{name}")
        program.add_arguments(commands.add_parser(name, description=program.__doc__))
    arguments = parser.parse_args(argv)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    program = import_module(f"tests.reliability.{arguments.program}")
    with tempfile.TemporaryDirectory(prefix="solrecd-") as folder:
        figures = trio.run(program.run, arguments, Path(folder))
    sys.stdout.write(f"\n{machine()}\n\n{markdown(figures)}\n")
    return int(any(figure.verdict == "MISSED" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
