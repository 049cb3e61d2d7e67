"""Installs what solrecd needs to run, and `solrecctl top`, beside this Python.

``make demo`` runs it with the Python of a virtual environment. The checkout itself is
not built: its folder goes onto the path, and two scripts start the programs. That takes
a third of the time of ``pip install --editable``.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

_SCRIPT = """\
#!{python}
import sys

from {module} import {function}

sys.exit({function}())
"""


def main() -> None:
    """Install the dependencies and write the scripts."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["top"]]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "--disable-pip-version-check", *wanted], check=True)
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "solrecd.pth").write_text(f"{CHECKOUT}\n", "utf-8")
    for name, entry in project["scripts"].items():
        module, _, function = entry.partition(":")
        text = _SCRIPT.format(python=sys.executable, module=module, function=function)
        script = Path(sysconfig.get_path("scripts")) / name
        script.write_text(text, "utf-8")
        script.chmod(0o755)


if __name__ == "__main__":
    main()
