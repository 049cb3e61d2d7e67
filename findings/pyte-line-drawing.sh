#!/bin/bash
# pyte: the DEC line drawing set is ignored in the mode that reads UTF-8
#
# Guess:   ESC ( 0 makes l, q and k the corners and lines of a box, as on a VT100.
# Truth:   ByteStream begins in UTF-8 mode, in which the selection of character sets is
#          ignored; after ESC % @, which no firmware sends, the same bytes are a box.
# Matters: menus of boot loaders and installers show letters for lines.
# Version: pyte 0.8.2; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyte==0.8.2 wcwidth==0.2.13
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import pyte


def drawn(data: bytes) -> str:
    screen = pyte.Screen(12, 1)
    pyte.ByteStream(screen).feed(data)
    return screen.display[0].rstrip()


box = b"\x1b(0lqk\x1b(B"
usual, latin = drawn(box), drawn(b"\x1b%@" + box)
print("pyte", importlib.metadata.version("pyte"), "as it begins:", usual, "after ESC % @:", latin)
assert (usual, latin) == ("lqk", "\u250c\u2500\u2510"), "behaviour changed"
PYTHON
