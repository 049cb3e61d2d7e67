"""`solrecd check` tells all that is wrong, and what administrators' rules change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from solrecd.cli.program import run
from solrecd.cli.solrecd import PROGRAM
from solrecd.process import descriptors

CONFIG = """
[daemon]
markers_dir = "{folder}/markers"
[defaults]
username = "recorder"
password = "secret"
[console.node1]
bmc = "192.0.2.1"
"""

RULE = """
[[marker]]
id = "site.raid"
role = "failure"
name = "raid"
severity = "critical"
pattern = 'RAID degraded'
example = "RAID degraded: disk 3"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration whose folder of marker files is there, and empty."""
    (tmp_path / "markers").mkdir()
    file = tmp_path / "solrecd.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    file.chmod(0o600)
    return file


def write(config: Path, name: str, text: str) -> str:
    file = config.parent / "markers" / name
    file.write_text(text)
    return str(file)


def test_rules_of_ones_own_are_counted(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(config, "a.toml", "disable = ['io.err', 'hung.die']\n" + RULE)
    other = RULE.replace("site.raid", "oom.kill").replace("RAID", "Array")
    write(config, "b.toml", other)

    status = run(PROGRAM, ["check", "-c", str(config)])

    captured = capsys.readouterr()
    assert (status, captured.err) == (0, "")
    assert captured.out.splitlines()[1] == (
        f"{config.parent}/markers: ok, marker rules: 1 added, 1 replaced, "
        "2 switched off"
    )


def test_without_rules_of_ones_own_nothing_is_said_of_them(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(PROGRAM, ["check", "-c", str(config)])

    assert status == 0
    assert capsys.readouterr().out == f"{config}: ok, 1 console\n"


def test_a_bad_web_configuration_is_told_with_its_keys(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = config.parent / "web-config.yml"
    web.write_text("tls_server_config: {cert_file: server.pem}\ncolour: red\n")
    text = config.read_text().replace(
        "[daemon]", f'[daemon]\nmetrics_web_config = "{web}"'
    )
    config.write_text(text)

    status = run(PROGRAM, ["check", "-c", str(config)])

    captured = capsys.readouterr()
    allowed = "tls_server_config", "http_server_config", "basic_auth_users"
    assert (status, captured.out) == (2, "")
    assert captured.err.splitlines() == [
        f"{web}: colour: is unknown; allowed: {', '.join(allowed)}",
        f"{web}: tls_server_config.key_file: is missing",
    ]

    web.write_text("")

    assert run(PROGRAM, ["check", "-c", str(config)]) == 0


def test_a_bad_configuration_and_bad_rules_are_told_in_one_run(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text() + "colour = 1\n")
    first = write(config, "a.toml", RULE.replace("RAID d", "(?=RAID) d"))
    second = write(config, "b.toml", RULE + "unless = 'disk'\n")
    (config.parent / "markers" / "c.toml").write_bytes(b"\xff")

    status = run(PROGRAM, ["check", "-c", str(config)])

    captured = capsys.readouterr()
    places = [line.split(": ")[0] for line in captured.err.splitlines()]
    assert (status, captured.out) == (2, "")
    assert places == [
        f"{config}:9",
        f"{config.parent}/markers/c.toml",
        f"{first}:7",
        f"{second}:9",
    ]


def test_a_folder_of_rules_can_be_checked_before_it_is_used(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "x.toml").write_text("[[marker]]\nid = 'x'\n")

    status = run(PROGRAM, ["check", "-c", str(config), "--markers", str(folder)])

    assert status == 2
    assert f"{folder}/x.toml:1: x: role is missing" in capsys.readouterr().err


def test_a_rule_that_another_one_hides_is_doubted(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = RULE.replace("RAID degraded", "Kernel panic - not syncing")
    place = write(config, "a.toml", hidden)

    status = run(PROGRAM, ["check", "-c", str(config)])

    errors = capsys.readouterr().err
    assert status == 0
    assert errors.startswith(f"warning: {place}:2: site.raid: its example is taken by ")
    assert "or use that id to replace it" in errors


def test_a_new_name_that_looks_like_a_known_one_is_doubted(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = write(config, "a.toml", RULE.replace('"raid"', '"pannic"'))

    run(PROGRAM, ["check", "-c", str(config)])

    assert capsys.readouterr().err == (
        f"warning: {place}:2: site.raid: the name 'pannic' is new; "
        "did you mean 'panic'?\n"
    )


def test_what_a_console_takes_is_known_without_a_way_to_one() -> None:
    code = "import sys, solrecd.sources.table; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert {"trio", "pyghmi", "structlog"}.isdisjoint(done.stdout.split())


def test_a_limit_on_open_files_that_is_too_low_is_told(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "limit", lambda: 100)

    status = run(PROGRAM, ["check", "-c", str(config)])

    assert status == 0
    assert capsys.readouterr().err == (
        "warning: 1 consoles need 276 open files, and 100 are allowed;"
        " set LimitNOFILE=276 in the unit, or raise ulimit -Hn\n"
    )
