"""The index from the bytes again, by the program that the daemon runs for it."""

import json
import subprocess
from pathlib import Path

import pytest

from solrecd.storage import rebuild
from solrecd.storage.index import FILE_NAME, Index, is_complete
from tests.support.archives import Printed, write_segment

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
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    printed = [Printed(n * 1_000_000, f"RAID degraded: disk {n}") for n in range(1, 3)]
    write_segment(folder, "node001", printed, closed=True)
    return folder


def run(archive: Path, markers: Path) -> subprocess.CompletedProcess[str]:
    command = rebuild.command(archive, archive / FILE_NAME, str(markers))
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_rebuilds_with_the_rules_it_is_told(
    archive: Path, tmp_path: Path
) -> None:
    markers = tmp_path / "markers"
    markers.mkdir()
    (markers / "site.toml").write_text(RULE)

    done = run(archive, markers)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"consoles": 1, "boots": 1, "faults": 0}
    assert is_complete(archive / FILE_NAME)
    index = Index.read(archive / FILE_NAME)
    rules = {event["fields"].get("rule") for event in index.events()}
    index.close()
    assert "site.raid" in rules


def test_the_program_tells_what_is_damaged_and_keeps_the_rest(
    archive: Path, tmp_path: Path
) -> None:
    (damaged,) = (archive / "node001").glob("*.raw.zst")
    damaged.write_bytes(b"no frame" + damaged.read_bytes())

    done = run(archive, tmp_path)

    assert done.returncode == 1
    assert str(damaged) in done.stderr
    assert json.loads(done.stdout) == {"consoles": 1, "boots": 1, "faults": 1}


@pytest.mark.parametrize("what", ["archive", "rules"])
def test_the_program_says_why_it_cannot(
    archive: Path, tmp_path: Path, what: str
) -> None:
    markers = tmp_path / "markers"
    markers.mkdir()
    if what == "archive":
        archive.rename(tmp_path / "elsewhere")
        named = archive
    else:
        named = markers / "site.toml"
        named.write_text("colour = 1\n")

    done = run(archive, markers)

    assert done.returncode == 1
    assert str(named) in done.stderr
    assert "Traceback" not in done.stderr
