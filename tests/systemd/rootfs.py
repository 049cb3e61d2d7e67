"""Debian's root file system for the test machine, and the wheels it installs from.

Both are built once, in ``var/systemd`` of the checkout, under a name that tells what
they were built from; another recipe gets another name and the old one is removed.
"""

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_CACHE = CHECKOUT / "var" / "systemd"

PYTHON = (3, 11)
"""Of Debian 12; compiled wheels are for one version."""

_MMDEBSTRAP = (
    *("mmdebstrap", "--mode=root", "--variant=minbase", "--quiet"),
    # D-Bus is how the service asks systemd whether a stop is half a restart.
    "--include=systemd-sysv,dbus,python3-venv,procps",
    '--aptopt=Acquire::Languages "none"',
    *(f"--dpkgopt=path-exclude=/usr/share/{it}/*" for it in ("doc", "man", "locale")),
    "bookworm",
)


def rootfs() -> Path:
    """Return a folder with Debian 12; nothing may be changed in it.

    Raises:
        subprocess.CalledProcessError: it cannot be built, the error output says why.
    """
    return _cached("root", _MMDEBSTRAP, lambda to: _run(*_MMDEBSTRAP, str(to)))


def wheels() -> Path:
    """Return a folder with everything that ``pip install .`` needs.

    Raises:
        subprocess.CalledProcessError: it cannot be built, the error output says why.
    """
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet")
    return _cached(
        "wheels", wanted, lambda to: _run(*pip, "--wheel-dir", str(to), *wanted)
    )


def _cached(kind: str, recipe: Sequence[str], build: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:16]
    done = _CACHE / f"{kind}-{digest}"
    if not done.exists():
        unfinished = _CACHE / f"{kind}.new"
        for old in _CACHE.glob(f"{kind}[-.]*"):
            shutil.rmtree(old)
        _CACHE.mkdir(parents=True, exist_ok=True)
        build(unfinished)
        unfinished.rename(done)
    return done


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
