"""`solrecctl setup` on a system that is mounted somewhere."""

import json
from pathlib import Path

import pytest

from solrecd.cli.program import run
from solrecd.cli.solrecctl import PROGRAM


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A Debian of which nothing is set up."""
    files = {
        "etc/os-release": "ID=debian\n",
        "etc/default/grub": "GRUB_TIMEOUT=5\n",
        "boot/grub/grub.cfg": "",
        "proc/cmdline": "root=/dev/sda1 ro\n",
        "etc/securetty": "tty1\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_what_is_printed_can_be_pasted(
    system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(PROGRAM, ["setup", "--root", str(system), "--unit", "0"])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert "update-grub" in lines
    assert "systemctl enable serial-getty@ttyS0.service" in lines
    assert not (system / "etc/default/grub.d").exists()


def test_installing_writes_files_and_runs_nothing_elsewhere(
    system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(PROGRAM, ["setup", "--root", str(system), "--install", "--yes"])

    assert status == 0
    assert "ttyS1" in (system / "etc/default/grub.d/solrecd.cfg").read_text()
    assert (system / "etc/securetty").read_text() == "tty1\nttyS1\n"
    assert "not run outside of its own system: update-grub" in capsys.readouterr().err


def test_nothing_is_written_without_a_yes(
    system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(PROGRAM, ["setup", "--root", str(system), "--install"])

    assert status == 2
    assert "--yes" in capsys.readouterr().err
    assert not (system / "etc/default/grub.d").exists()


def test_every_step_is_an_object(
    system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(PROGRAM, ["setup", "--json", "--root", str(system), "--distro", "suse"])

    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {step["state"] for step in steps} == {"missing"}
    assert any("grub2-mkconfig" in step["shell"] for step in steps)


def test_an_unknown_distribution_asks_for_its_family(
    system: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (system / "etc/os-release").write_text("ID=plan9\n")

    status = run(PROGRAM, ["setup", "--root", str(system)])

    assert status == 2
    assert "--distro" in capsys.readouterr().err
