"""A boot as a file for others."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.process.stamps import parse_stamp
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000
TEXTS = (
    "[    0.000000] Linux version 6.1.0-56-amd64 (debian@lists) #1 SMP",
    "\x1b]0;title\x07\x1b[31mred\x1b[0m",
    "[    2.000000] Kernel panic - not syncing: VFS: Unable to mount root fs",
)
Ctl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `solrecctl` on an archive with one boot."""
    lines = [Printed(NOON + n * SECOND, text) for n, text in enumerate(TEXTS)]
    write_segment(tmp_path / "log", "a", lines, closed=True)

    def call(command: str, *arguments: str) -> tuple[int, str, str]:
        options = ["--dir", str(tmp_path / "log"), "a", *arguments]
        status = run(PROGRAM, [command, *options])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_an_asciicast_has_output_and_markers(ctl: Ctl) -> None:
    status, output, _ = ctl("export", "--asciicast", "--size", "100x30")

    header, *events = map(json.loads, output.splitlines())
    assert status == Exit.DONE
    assert (header["version"], header["width"], header["height"]) == (2, 100, 30)
    assert header["timestamp"] == NOON // SECOND
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    markers = [data for _, code, data in events if code == "m"]
    assert markers[0].startswith("kernel: ")
    shown = "".join(data for _, code, data in events if code == "o")
    assert "\x1b[31mred\x1b[0m\r\n" in shown
    assert "title" not in shown


def test_text_is_safe_and_raw_is_exact(ctl: Ctl) -> None:
    _, text, _ = ctl("export", "--text")
    _, raw, _ = ctl("export", "--raw")

    assert "\x1b" not in text
    assert text.splitlines()[0] == f"2026-11-22T12:00:00.000000Z | {TEXTS[0]}"
    assert raw == "".join(f"{each}\r\n" for each in TEXTS)


@pytest.mark.parametrize(
    ("name", "begin"),
    [("x.html", "<!doctype html>"), ("x.cast", '{"version": 2'), ("x.txt", "2026-")],
)
def test_the_suffix_of_a_file_is_a_format(
    ctl: Ctl, tmp_path: Path, name: str, begin: str
) -> None:
    path = tmp_path / name

    status, output, _ = ctl("export", "-o", str(path))

    assert status == Exit.DONE
    assert output == f"{path}: {path.stat().st_size:,} bytes\n"
    assert path.read_text().startswith(begin)


def test_a_folder_gets_a_file_with_the_boots_name(ctl: Ctl, tmp_path: Path) -> None:
    ctl("export", "--html", "-o", str(tmp_path))

    path = tmp_path / "a-boot-000001.html"
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "x.doc"], "as what? one of --html"),
        ([], "as what?"),
        (["--html", "-o", "/nowhere/x.html"], "/nowhere/x.html: No such file"),
        (["--html", "--boot", "9"], "boot 9 is not in the archive"),
    ],
)
def test_a_mistake_is_one_line(ctl: Ctl, arguments: list[str], words: str) -> None:
    status, output, errors = ctl("export", *arguments)

    assert status != Exit.DONE
    assert output == ""
    assert words in errors
    assert errors.count("\n") == 1


def test_damage_is_told_and_the_rest_written(ctl: Ctl, tmp_path: Path) -> None:
    (path,) = (tmp_path / "log" / "a").glob("*.log.zst")
    data = bytearray(path.read_bytes())
    data[5] ^= 0xFF
    path.write_bytes(data)

    status, output, errors = ctl("export", "--text")

    assert status == Exit.NO
    assert f"{path}: byte 0: " in errors
    assert TEXTS[2] in output


@pytest.mark.parametrize("command", [("export", "--html"), ("diff", "1", "2")])
def test_damage_of_another_boot_is_told_and_is_no_failure(
    ctl: Ctl, tmp_path: Path, command: tuple[str, ...]
) -> None:
    for number in (2, 3):
        printed = [Printed(NOON + number * 600 * SECOND, TEXTS[0])]
        write_segment(tmp_path / "log", "a", printed, boot=number, closed=True)
    for raw in (tmp_path / "log" / "a").glob("*boot-000003.raw*"):
        raw.write_bytes(raw.read_bytes()[:20])
    boot = ("--boot", "1") if command[0] == "export" else ()

    status, output, errors = ctl(*command, *boot)

    assert status == Exit.DONE
    assert "Kernel panic" in output
    assert "boot-000003.raw" in errors
