"""The same benchmarks of an older commit, in turn with ours: what has changed.

The commit is put into a folder below ``build`` and installed there by its own Makefile,
compiled if we are and it knows how. Both run in the same minute, several times in
turn; the median of each figure counts, and what is told is a ratio.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

HERE = Path(__file__).resolve().parents[1]
Row = tuple[str, str]
"""Name and unit of a figure."""


class Base(NamedTuple):
    """A commit that is installed."""

    commit: str
    tree: Path


def install(commit: str) -> Base:
    """Check a commit out and install it, unless that was done before.

    Raises:
        subprocess.CalledProcessError: there is no such commit, or it does not install.
    """
    top = Path(_output("git", "-C", str(HERE), "rev-parse", "--show-toplevel"))
    full = _output(
        "git", "-C", str(top), "rev-parse", "--verify", f"{commit}^{{commit}}"
    )
    tree = top / "build" / "base" / full
    if not tree.exists():
        _run(
            "git", "clone", "--quiet", "--shared", "--no-checkout", str(top), str(tree)
        )
        _run("git", "-C", str(tree), "checkout", "--quiet", "--detach", full)
    text = (tree / "Makefile").read_text()
    target = "compiled" if top != HERE and "\ncompiled:" in text else "venv"
    _run("make", "--no-print-directory", "-C", str(tree), target)
    compiled = tree / "build" / "compiled"
    return Base(full[:8], compiled if target == "compiled" else tree)


def compare(base: Base, names: Sequence[str], rounds: int) -> Iterator[str]:
    """Yield the lines of a table of ratios.

    Args:
        base: what we are compared with.
        names: of the benchmarks; they have to be its as well.
        rounds: how often each of the two runs.
    """
    yield f"| figure | unit | {base.commit} | now | {base.commit} / now |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for name in names:
        then: list[Mapping[Row, float]] = []
        now: list[Mapping[Row, float]] = []
        for number in range(rounds):
            message = f"measuring {name}, {number + 1} of {rounds} ..."
            print(message, file=sys.stderr, flush=True)
            then.append(
                _measure(base.tree / ".venv" / "bin" / "python", base.tree, name)
            )
            now.append(_measure(Path(sys.executable), HERE, name))
        yield from _rows(then, now)


def _rows(
    then: Sequence[Mapping[Row, float]], now: Sequence[Mapping[Row, float]]
) -> Iterator[str]:
    for row in now[0]:
        if all(row in each for each in (*then, *now)):
            old = median(each[row] for each in then)
            new = median(each[row] for each in now)
            ratio = f"{old / new:.2f}" if new else ""
            yield f"| {row[0]} | {row[1]} | {old:.3g} | {new:.3g} | {ratio} |"


def _measure(python: Path, tree: Path, name: str) -> Mapping[Row, float]:
    """Run one benchmark of a tree; return its figures."""
    done = subprocess.run(
        [python, "-m", "bench", name],
        cwd=tree,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in done.stdout.splitlines()
        if line.startswith("|")
    ]
    # The head and the line below it are not figures.
    return {(row[0], row[2]): float(row[1]) for row in cells[2:]}


def _output(*command: str) -> str:
    return subprocess.check_output(command, text=True).strip()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)
