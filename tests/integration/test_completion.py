"""Shells complete commands, options and the names of consoles."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from solrecd.cli.commands.completion import script
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.process.stamps import parse_stamp
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
TIMEOUT = 30.0
"""Seconds that a busy machine may need."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive of three consoles."""
    for name in ("node001", "node002", "other"):
        write_segment(tmp_path / "log", name, [Printed(NOON, "text")])
    return tmp_path / "log"


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return an environment in which `solrecctl` is this one."""
    program = tmp_path / "bin" / "solrecctl"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} -m solrecd.cli.solrecctl "$@"'
    )
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}


def test_the_names_are_those_of_the_archive(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(PROGRAM, ["completion", "names", "--dir", str(archive)])

    assert status == Exit.DONE
    assert capsys.readouterr().out.split() == ["node001", "node002", "other"]


def test_a_shell_that_completes_sees_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(PROGRAM, ["completion", "names", "--dir", str(tmp_path / "none")])

    assert (status, *capsys.readouterr()) == (Exit.DONE, "", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["boo"], "boots"),
        (["boots", "--fai"], "--failed"),
        (["log", "--dir", "{archive}", "node"], "node001 node002"),
    ],
)
def test_bash_completes(
    archive: Path, environment: Mapping[str, str], words: list[str], expected: str
) -> None:
    typed = [word.format(archive=archive) for word in words]
    last = typed[-2] if len(typed) > 1 else "solrecctl"
    lines = [
        script(PROGRAM, "bash"),
        f"COMP_WORDS=(solrecctl {' '.join(typed)}); COMP_CWORD={len(typed)}",
        f"_shtab_solrecctl solrecctl {typed[-1]} {last}",
        'echo "${COMPREPLY[@]}"',
    ]

    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )

    assert done.stdout.split() == expected.split()


def test_fish_completes_the_names_of_the_archive_that_is_named(
    archive: Path, environment: Mapping[str, str]
) -> None:
    if not shutil.which("fish"):
        pytest.skip("needs fish")
    typed = f"solrecctl log --dir {archive} node"

    done = subprocess.run(
        ["fish", "-c", f'{script(PROGRAM, "fish")}\ncomplete -C "{typed}"'],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )

    names = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert names == ["node001", "node002"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_script_is_one_for_its_shell(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    path = tmp_path / "script"
    path.write_text(script(PROGRAM, shell))

    subprocess.run([shell, "-n", str(path)], check=True, timeout=TIMEOUT)
