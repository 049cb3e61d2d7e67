#!/bin/bash
# sdnotify: a notifier outside of systemd leaves its socket open
#
# Guess:   without NOTIFY_SOCKET there is nothing to open.
# Truth:   the constructor opens a socket, fails to connect it, and drops it unclosed:
#          Python reports a ResourceWarning for every notifier.
# Matters: a test suite that treats warnings as errors fails in tests that have nothing to
#          do with systemd.
# Version: sdnotify 0.3.2; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sdnotify==0.3.2
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import os
import warnings

import sdnotify

os.environ.pop("NOTIFY_SOCKET", None)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    sdnotify.SystemdNotifier()
leaks = [one for one in caught if one.category is ResourceWarning]
print("sdnotify", importlib.metadata.version("sdnotify"), "leaves", len(leaks), "socket open:", *[one.message for one in leaks])
assert len(leaks) == 1, "behaviour changed"
PYTHON
