#!/bin/bash
# google-re2: searching a str costs several times what searching its bytes does
#
# Guess:   str and bytes are searched at the same speed: RE2 works on UTF-8 either way.
# Truth:   the wrapper encodes a str again for every call, and turns offsets in bytes into
#          offsets in characters; a pattern compiled from bytes does neither.
# Matters: a program that matches every line of a console as str spends most of its time
#          on that, and not on matching.
# Version: google-re2 1.1.20251105; tried 2026-12-01.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check google-re2==1.1.20251105
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import time

import re2

LINE = "[    2.667272] ledtrig-cpu: registered to indicate activity on CPUs Kernel panic"
PATTERN = "Kernel (panic|Oops)"


def cost(pattern, line):
    """Microseconds of processor time of a search: the least of nine runs."""
    compiled, times = re2.compile(pattern), []
    for _ in range(9):
        begun = time.process_time()
        for _ in range(20000):
            compiled.search(line).span()
        times.append((time.process_time() - begun) / 20000 * 1e6)
    return min(times)


text, data = cost(PATTERN, LINE), cost(PATTERN.encode(), LINE.encode())
version = importlib.metadata.version("google-re2")
print(f"google-re2 {version}: str {text:.2f} us, bytes {data:.2f} us, {text / data:.1f} times")
assert text > 1.3 * data, "behaviour changed"
PYTHON
