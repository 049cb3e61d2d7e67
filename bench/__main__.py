"""``python -m bench``: all figures in one run, as a table; ``-m bench NAME``: some."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench import (
    endtoend,
    fleet,
    interpret,
    journal,
    keystrokes,
    receive,
    scrape,
    search,
)
from bench.figures import Figure, machine, markdown

BENCHMARKS: Mapping[str, Callable[[Path], Iterable[Figure]]] = {
    "receive": receive.measure,
    "journal": journal.measure,
    "interpret": interpret.measure,
    "endtoend": endtoend.measure,
    "fleet": fleet.measure,
    "keystrokes": keystrokes.measure,
    "scrape": scrape.measure,
    "search": search.measure,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; figures are judged by people."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in names or BENCHMARKS:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            figures += BENCHMARKS[name](Path(folder) / name)
    print(f"\n{machine()}\n\n{markdown(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
