"""Show what would be understood otherwise than expected; ``--accept`` takes it.

    python -m tests.golden.refresh [--accept] [NAME ...]

Read the difference before you accept it: these files are what users see.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence

from tests.support.golden import GOLDEN, Case, cases, understood


def main(arguments: Sequence[str] | None = None) -> int:
    """Print differences; exit status 1 while some are not accepted."""
    parser = argparse.ArgumentParser(prog="refresh", description=__doc__)
    parser.add_argument("names", nargs="*", help="of logs (default: all)")
    parser.add_argument("--accept", action="store_true", help="write them")
    args = parser.parse_args(arguments)
    status = 0
    for case in cases():
        if args.names and case.name not in args.names:
            continue
        before = case.expected.read_text() if case.expected.exists() else ""
        after = understood(case.data)
        if before != after:
            sys.stdout.write(_difference(case, before, after))
            status = 0 if args.accept else 1
            if args.accept:
                case.expected.write_text(after)
    return status


def _difference(case: Case, before: str, after: str) -> str:
    name = str(case.expected.relative_to(GOLDEN))
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, name, "expected", "now", 1, ""
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
