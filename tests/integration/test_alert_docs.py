"""The signature checks that the documentation shows work as they stand there."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from solrecd.alerts.payload import signature
from solrecd.config import Secret

PAGE = (Path(__file__).parents[2] / "packaging/docs/alerts.md").read_text("utf-8")
BODY = '{"title": "Kernel panic, größer"}'.encode()


def example(language: str) -> str:
    """Return the page's example in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert isinstance(found, str)
    return found


def signed(at: float) -> tuple[str, str]:
    """Return the two headers of a request."""
    timestamp = str(int(at))
    return timestamp, signature(Secret(b"a key"), timestamp, BODY)


@pytest.mark.parametrize(
    ("age", "secret", "body", "genuine"),
    [
        (0, "a key", BODY, True),
        (0, "another", BODY, False),
        (0, "a key", BODY + b" ", False),
        (3600, "a key", BODY, False),
    ],
)
def test_the_examples_tell_genuine_requests_from_others(
    tmp_path: Path, age: int, secret: str, body: bytes, *, genuine: bool
) -> None:
    timestamp, header = signed(time.time() - age)
    scope: dict[str, Any] = {}
    exec(example("python"), scope)  # noqa: S102 - it is ours
    file = tmp_path / "body"
    file.write_bytes(body)
    script = f'{example("sh")}\nis_genuine "$@"'
    command = ["sh", "-c", script, "sh", secret, timestamp, header, str(file)]

    in_python = scope["is_genuine"](secret.encode(), timestamp, header, body)
    in_shell = subprocess.run(command, check=False).returncode == 0

    assert (in_python, in_shell) == (genuine, genuine)
