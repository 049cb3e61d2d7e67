#!/bin/bash
# google-re2: Set.Match() returns None for no match, and an order of its own
#
# Guess:   a list of the patterns that match, in the order in which they were added.
# Truth:   None where none does, and otherwise an order that is neither that of the
#          patterns nor that of the matches in the text.
# Matters: a loop over the answer fails on the first text without a match, and the first
#          of several rules is not the one that was written first.
# Version: google-re2 1.1.20251105; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check google-re2==1.1.20251105
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import re2

several = re2.Set.SearchSet()
for pattern in ("b", "a", "c"):
    several.Add(pattern)
several.Compile()
found, none = several.Match("abc"), several.Match("zzz")
print("google-re2", importlib.metadata.version("google-re2"), "finds", found, "and", none)
assert none is None, "behaviour changed"
assert found != sorted(found), "behaviour changed"
assert sorted(found) == [0, 1, 2], "behaviour changed"
PYTHON
