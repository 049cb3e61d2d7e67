"""`solrecctl diff --fleet`: a failed boot against all good ones, in processes."""

import json
import os
from pathlib import Path

import pytest

from solrecd.cli.program import Exit, run
from solrecd.cli.shared.fleet import BOOTS_PER_JOB
from solrecd.cli.solrecctl import PROGRAM
from solrecd.process.stamps import SECOND, parse_stamp
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
KERNEL = "[    0.000000] Linux version 6.1.0-56-amd64 (debian@lists) #1 SMP"
RESTART = "[    9.000000] reboot: Restarting system"
"""Without it the next boot would tell that this one was reset, and it were not good."""
PANIC = "Kernel panic - not syncing: VFS: Unable to mount root fs"


def write(archive: Path, console: str, number: int, *texts: str) -> None:
    start = NOON + number * 600 * SECOND
    lines = [Printed(start + n * SECOND, text) for n, text in enumerate(texts)]
    write_segment(archive, console, lines, boot=number, closed=True)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive in which every console says a word of the boot that failed."""
    words = [f"word-{chr(ord('a') + n) * 4} is said" for n in range(4)]
    for console in range(3):
        for number in range(1, BOOTS_PER_JOB + 3):
            said = words[console] if number == BOOTS_PER_JOB + 2 else "nothing"
            write(
                tmp_path,
                f"node{console}",
                number,
                KERNEL,
                said,
                "node login: ",
                RESTART,
            )
    panic = f"[    2.000000] {PANIC}"
    write(tmp_path, "node0", BOOTS_PER_JOB + 3, KERNEL, *words, panic)
    return tmp_path


def novel(output: str) -> list[str]:
    return [each["text"] for each in map(json.loads, output.splitlines()[1:])]


@pytest.mark.parametrize("processes", [1, 3])
def test_what_any_good_boot_says_is_no_news(
    archive: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processes)))

    status = run(PROGRAM, ["diff", "--dir", str(archive), "--json", "node0", "--fleet"])

    output = capsys.readouterr().out
    assert status == Exit.DONE
    assert novel(output) == ["word-dddd is said", PANIC]
    assert json.loads(output.splitlines()[0])["compared"] == 3 * (BOOTS_PER_JOB + 2)


def test_damage_in_a_good_boot_is_told(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (log,) = (archive / "node2").glob("*boot-000010.log.zst")
    log.write_bytes(log.read_bytes()[:40])

    status = run(PROGRAM, ["diff", "--dir", str(archive), "--json", "node0", "--fleet"])

    output, errors = capsys.readouterr()
    assert status == Exit.NO
    assert "word-cccc is said" in novel(output)
    assert errors.count(f"{log}: byte 0: ") == 1
