"""``python -m bench``: all figures in one run, as a table; ``-m bench NAME``: some.

``--base COMMIT`` has the same of an older commit run in turn, and prints ratios.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bench import (
    base,
    endtoend,
    fleet,
    interpret,
    journal,
    keystrokes,
    receive,
    saturation,
    scrape,
    search,
    streams,
    web,
)
from bench.figures import Figure, machine, markdown

BENCHMARKS: Mapping[str, Callable[[Path], Iterable[Figure]]] = {
    "receive": receive.measure,
    "journal": journal.measure,
    "interpret": interpret.measure,
    "endtoend": endtoend.measure,
    "fleet": fleet.measure,
    "saturation": saturation.measure,
    "keystrokes": keystrokes.measure,
    "scrape": scrape.measure,
    "search": search.measure,
    "streams": streams.measure,
    "web": web.measure,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, or all; figures are judged by people."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--base", metavar="COMMIT", help="compare with this one")
    parser.add_argument("--rounds", type=int, default=3, help="of a comparison")
    options = parser.parse_args(argv)
    names = options.names or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(
            f"no benchmark {', '.join(unknown)}; there is: {', '.join(BENCHMARKS)}"
        )
    if options.base is None:
        return _measure(names)
    lines = base.compare(base.install(options.base), names, options.rounds)
    print(f"\n{machine()}\n", *lines, sep="\n")
    return 0


def _measure(names: Sequence[str]) -> int:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in names:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            figures += BENCHMARKS[name](Path(folder) / name)
    print(f"\n{machine()}\n\n{markdown(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
