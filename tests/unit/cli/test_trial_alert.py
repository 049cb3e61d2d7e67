"""`solrecd check --send-test-alert`: the receivers' answers, as people read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from solrecd.cli.program import run
from solrecd.cli.solrecd import PROGRAM


def written(folder: Path, text: str) -> str:
    """Write a configuration with a receiver; return its path."""
    path = folder / "solrecd.toml"
    path.write_text(f'[daemon]\nstate_dir = "{folder}"\n{text}')
    path.chmod(0o600)
    return str(path)


def test_a_program_is_told_and_its_answer_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told"
    command = ["/bin/sh", "-c", f"cat > {told}"]
    path = written(
        tmp_path, f'[alerts.page]\ntype = "exec"\ncommand = {json.dumps(command)}'
    )

    status = run(PROGRAM, ["check", "-c", path, "--send-test-alert"])

    assert status == 0
    assert json.loads(told.read_text())["status"] == "test"
    assert "page\t/bin/sh\tok\texit status 0\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("receiver", "status", "told"),
    [
        ("", 1, "no receiver configured: there is no [alerts.NAME]"),
        ("pager", 2, "there is no receiver 'pager'"),
    ],
)
def test_who_is_not_there_is_not_told(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    receiver: str,
    status: int,
    told: str,
) -> None:
    path = written(tmp_path, "")

    found = run(PROGRAM, ["check", "-c", path, f"--send-test-alert={receiver}"])

    assert found == status
    assert told in capsys.readouterr().err


def test_a_secret_that_only_the_service_has_is_not_made_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = 'type = "webhook"\nurl = "http://127.0.0.1:9/"\nsecret_credential = "x"'
    path = written(tmp_path, f"[alerts.hook]\n{hook}")

    status = run(PROGRAM, ["check", "-c", path, "--send-test-alert", "hook"])

    assert status == 1
    assert "hook\t\tFAILED\tneeds a credential that" in capsys.readouterr().out
