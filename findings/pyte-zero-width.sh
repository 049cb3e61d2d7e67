#!/bin/bash
# pyte: a zero-width character ends the run of text that it is in
#
# Guess:   a terminal ignores U+200B and prints what follows it.
# Truth:   Screen.draw() returns at the first character of width 0 that does not combine:
#          everything after it in the same run is not drawn.
# Matters: a console's screen lacks words, and no one sees that they are missing.
# Version: pyte 0.8.2; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyte==0.8.2 wcwidth==0.2.13
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import pyte

screen = pyte.Screen(12, 1)
pyte.Stream(screen).feed("abc\u200bdef")
shown = screen.display[0].rstrip()
print("pyte", importlib.metadata.version("pyte"), "draws abc<U+200B>def as", repr(shown))
assert shown == "abc", "behaviour changed"
PYTHON
