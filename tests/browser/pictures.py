"""The pictures of the README: ``python -m tests.browser.pictures``, with a demo.

They are made anew when pages change; no test compares them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
PICTURES: Final = ROOT / "packaging" / "docs" / "pictures"

PATHS: Final = {
    "wall": "/",
    "console": "/console/demo3",
    "boots": "/console/demo1/boots",
    "boot": "/console/demo2/boot/last-failed",
    "diff": "/console/demo1/diff?boot=last-good&boot=last-failed",
}

RECORDED: Final = 75.0
"""Seconds until the machines have booted and failed a few times."""


def main() -> None:
    """Record a demo, then photograph it."""
    PICTURES.mkdir(exist_ok=True)
    program = Path(sys.executable).with_name("solrecd")
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [program, "demo", "--consoles", "20", "--speed", "4", "--dir", folder],
            stdout=subprocess.PIPE,
            text=True,
        ) as demo,
    ):
        try:
            assert demo.stdout is not None
            found = re.search(r"http://\S+", demo.stdout.readline())
            assert found is not None
            time.sleep(RECORDED)
            _photograph(found[0])
        finally:
            demo.terminate()


def _photograph(link: str) -> None:
    wish = {
        "scenario": "pictures",
        "link": link,
        "paths": PATHS,
        "folder": str(PICTURES),
        "width": 1200,
        "height": 640,
    }
    modules = ROOT / "build" / "browser" / "node_modules"
    subprocess.run(
        ["node", Path(__file__).with_name("drive.js")],
        input=json.dumps(wish),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "BROWSER_MODULES": str(modules)},
    )


if __name__ == "__main__":
    main()
