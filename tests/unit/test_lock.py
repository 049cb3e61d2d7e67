"""The libraries that packages carry are those that the project asks for."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "packaging/requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["top"]]


def plain(name: str) -> str:
    """Return a project's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("asked", ASKED)
def test_every_dependency_is_locked_as_new_as_asked_for(asked: str) -> None:
    found = re.fullmatch(r"([\w.-]+)(?:\[\w+\])?>=([\d.]+)", asked)
    assert found
    name, floor = found.groups()
    locked = dict(re.findall(r"^([\w.-]+)==([\d.]+)", LOCK, re.MULTILINE))

    assert plain(name) in locked, "run `make lock`"
    numbers = [
        tuple(map(int, it.strip(".").split("."))) for it in (locked[plain(name)], floor)
    ]
    assert numbers[0] >= numbers[1], "run `make lock`"


def test_every_locked_version_has_a_hash() -> None:
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]

    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
