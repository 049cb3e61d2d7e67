"""The RPM, as far as rpm itself can tell: Debian has no system made of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packages.conftest import DIST, HOW_BUILT
from tests.support.peers import need

CONFIGURATION = "etc/solrecd/solrecd.toml"


def rpm(*arguments: str | Path) -> str:
    """Run rpm; return what it prints."""
    done = subprocess.run(
        ["rpm", *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def package() -> Path:
    """Return the package that `make rpm` built."""
    need("not installed: rpm", available=shutil.which("rpm") is not None)
    found = sorted(DIST.glob("solrecd-*.rpm"))
    need(f"{DIST} has no package: run `make rpm`", available=len(found) == 1)
    return found[0]


@pytest.fixture
def root(package: Path, tmp_path: Path) -> Path:
    """Return a root folder with nothing but the package in it."""
    options = ("--nodeps", "--noscripts", "--ignorearch", "--root", tmp_path)
    rpm("--install", *options, package)
    return tmp_path


def test_its_files_are_where_systemd_and_shells_look(root: Path) -> None:
    for path in (
        "usr/lib/systemd/system/solrecd.service",
        "usr/lib/systemd/system/solrecd@.service",
        "usr/lib/systemd/system/solrecd.socket",
        "usr/lib/systemd/catalog/solrecd.catalog",
        "usr/lib/sysusers.d/solrecd.conf",
        "usr/lib/tmpfiles.d/solrecd.conf",
        "usr/share/zsh/site-functions/_solrecctl",
        "usr/share/man/man5/solrecd.toml.5.gz",
        "usr/share/man/man8/solrecd.8.gz",
        CONFIGURATION,
    ):
        assert (root / path).is_file()


def test_its_program_says_how_it_was_built(root: Path) -> None:
    python = root / "usr/lib/solrecd/bin/python3"

    told = subprocess.check_output(
        [python, "-I", "-m", "solrecd.cli.solrecd", "--version"], text=True
    )

    assert told.endswith(f"({HOW_BUILT})\n")


def test_its_program_runs_from_its_own_libraries(root: Path) -> None:
    python = root / "usr/lib/solrecd/bin/python3"

    done = subprocess.run(
        [python, "-I", "-m", "solrecd.cli.solrecd", "demo", "--for", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_it_asks_for_what_it_links_to_and_for_nothing_that_it_brings(
    package: Path,
) -> None:
    needed = rpm("--query", "--package", "--requires", package)

    assert re.search(r"(?m)^/usr/bin/python3\.\d+$", needed)
    assert "python3dist" not in needed
    assert "cpython" not in needed


def test_a_changed_configuration_outlives_the_package(root: Path) -> None:
    (root / CONFIGURATION).write_text("[daemon]\n")

    rpm("--erase", "--nodeps", "--noscripts", "--root", root, "solrecd")

    assert (root / f"{CONFIGURATION}.rpmsave").read_text() == "[daemon]\n"
    assert not (root / "usr/lib/solrecd").exists()
