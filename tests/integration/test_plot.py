"""The last boots as a picture."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from solrecd.cli.commands.plot import bars
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.process.stamps import parse_stamp
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000
GOOD = (
    "[    0.000000] Linux version 6.1.0-56-amd64 (debian@lists) #1 SMP",
    "[    1.000000] Run /init as init process",
    "Debian GNU/Linux 12 node001 ttyS0",
    "node001 login: ",
)
BAD = (GOOD[0], "[    2.000000] Kernel panic - not syncing: VFS: no root")
Ctl = Callable[..., int]


@pytest.fixture
def ctl(tmp_path: Path) -> Ctl:
    """Return `solrecctl plot` on an archive of a good and a bad boot."""
    for boot, lines in enumerate((GOOD, BAD), 1):
        start = NOON + boot * 600 * SECOND
        printed = [Printed(start + n * SECOND, text) for n, text in enumerate(lines)]
        write_segment(tmp_path / "log", "a$b", printed, boot=boot)
    return lambda *options: run(
        PROGRAM, ["plot", "--dir", str(tmp_path / "log"), *options]
    )


def test_a_bar_has_the_stages_that_a_boot_left() -> None:
    row: dict[str, Any] = {
        "console": "a",
        "boot": 7,
        "outcome": "ok",
        "last_stage": "login",
        "stages": {"firmware": 0.0, "kernel": 20.5, "login": 30.0},
    }
    other = row | {"boot": 6, "outcome": "failed", "last_stage": "kernel"}
    other["stages"] = {"firmware": 0.0, "kernel": 20.5}

    (its,) = bars([row, other]).values()

    assert [bar.number for bar in its] == [6, 7]
    assert [dict(bar.seconds) for bar in its] == [
        {"firmware": 20.5},
        {"firmware": 20.5, "kernel": 9.5},
    ]


def test_a_picture_names_consoles_boots_and_where_one_failed(
    ctl: Ctl, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "boots.svg"

    status = ctl("--output", str(path))

    assert status == Exit.DONE
    text = " ".join(ET.parse(path).getroot().itertext())  # noqa: S314 - our own
    assert "a$b" in text
    assert "\N{MULTIPLICATION SIGN} kernel" in text


def test_the_same_boots_make_the_same_file(ctl: Ctl, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")

    for name in ("one.svg", "two.svg"):
        ctl("--output", str(tmp_path / name))

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "x.doc"], "has to end in .svg, .png or .pdf"),
        (["--output", "/nowhere/x.svg"], "/nowhere/x.svg: No such file"),
    ],
)
def test_a_mistake_is_one_line(
    ctl: Ctl, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    if "nowhere" in options[1]:
        pytest.importorskip("matplotlib")

    assert ctl(*options) == Exit.USAGE

    errors = capsys.readouterr().err
    assert words in errors
    assert errors.count("\n") == 1


def test_without_matplotlib_the_remedy_is_told(
    ctl: Ctl,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert ctl("--output", str(tmp_path / "x.svg")) == Exit.USAGE
    assert "pip install 'solrecd[plot]'" in capsys.readouterr().err


def test_no_boots_are_no_picture(ctl: Ctl, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"

    assert ctl("--output", str(path), "--since", "2027-01-01") == Exit.NO
    assert not path.exists()
