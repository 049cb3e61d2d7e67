"""What `make dist` left: a wheel that installs anywhere, an archive that builds it."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.packages.conftest import DIST, HOW_BUILT
from tests.support.peers import need
from tests.systemd.rootfs import CHECKOUT

WHEELS = CHECKOUT / "build/wheels"


def only(pattern: str) -> Path:
    """Return the one file of that kind."""
    found = sorted(DIST.glob(pattern))
    need(f"{DIST} has no {pattern}: run `make dist`", available=len(found) == 1)
    return found[0]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a fresh virtual environment with the wheel in it."""
    wheel = only("*.whl")
    need(f"{WHEELS} is missing: run `make wheels`", available=WHEELS.is_dir())
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    offline = ("--no-index", "--find-links", WHEELS, "--disable-pip-version-check")
    subprocess.run([folder / "bin/pip", "install", "-q", *offline, wheel], check=True)
    return folder / "bin"


def run(program: Path, *arguments: str, cwd: Path) -> tuple[int, str]:
    """Run a program; return its status and all that it prints."""
    done = subprocess.run(
        [program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
        cwd=cwd,
    )
    return done.returncode, done.stdout


def test_a_wheel_says_how_it_was_built(environment: Path, tmp_path: Path) -> None:
    status, told = run(environment / "solrecd", "--version", cwd=tmp_path)

    assert status == 0
    assert told.endswith(f"({HOW_BUILT})\n")


def test_a_wheel_checks_a_configuration(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "solrecd.toml").write_text(
        (CHECKOUT / "packaging/solrecd.toml").read_text()
    )

    told = run(environment / "solrecd", "check", "-c", "solrecd.toml", cwd=tmp_path)

    assert told == (0, "solrecd.toml: ok, 0 consoles\n")


def test_a_wheel_shows_the_demonstration(environment: Path, tmp_path: Path) -> None:
    status, told = run(environment / "solrecd", "demo", "--for", "5", cwd=tmp_path)

    assert status == 0, told
    assert "Traceback" not in told


def test_the_source_archive_has_all_that_building_and_testing_need() -> None:
    with tarfile.open(only("*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    listed = subprocess.run(
        ["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert set(listed.stdout.splitlines()) - names == set()
