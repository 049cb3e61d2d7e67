"""A machine, and the packages that `make deb` and `make rpm` left in ``dist``."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages.debs import Deb, aged
from tests.support.peers import need
from tests.systemd import nspawn
from tests.systemd.nspawn import Machine
from tests.systemd.rootfs import CHECKOUT

DIST = CHECKOUT / "dist"

IS_PURE = os.environ.get("SOLRECD_BUILD") == "pure"
HOW_BUILT = "pure Python" if IS_PURE else "compiled"
"""What ``--version`` says of what was built with the same environment.

Where there are a C compiler and Python's headers, as `make deb` installs."""


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine that runs, with nothing installed."""
    reason = nspawn.missing()
    need(str(reason), available=reason is None)
    with Machine(tmp_path_factory.mktemp("machine")) as booted:
        yield booted


@pytest.fixture(scope="session")
def built() -> Path:
    """Return the package that `make deb` built."""
    found = sorted(DIST.glob("solrecd_*.deb"))
    need(f"{DIST} has no package: run `make deb`", available=len(found) == 1)
    return found[0]


@pytest.fixture(scope="session")
def older(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same package, with an older version."""
    return aged(built, tmp_path_factory.mktemp("older"))


@pytest.fixture
def deb(machine: Machine) -> Iterator[Deb]:
    """Return the package's fate in the machine; nothing of it is left afterwards."""
    package = Deb(machine)
    package.forget()
    yield package
    package.forget()
