"""One spelling an idea; an old one still works, and tells the new one."""

import argparse
from pathlib import Path

import pytest

from solrecd.cli.commands import attach, grep
from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.process.stamps import parse_stamp
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_segment(tmp_path / "log", "n1", [Printed(NOON, "panic"), Printed(NOON, "x")])
    return tmp_path / "log"


@pytest.mark.parametrize("words", [["-c", "panic"], ["panic", "-c"], ["-ic", "PANIC"]])
def test_the_old_count_of_grep_still_counts(
    archive: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(PROGRAM, ["grep", "--dir", str(archive), *words]) == Exit.DONE

    output, errors = capsys.readouterr()
    assert output == "n1:1:1\n"
    assert "its count is now --count" in errors


def test_the_configuration_of_grep_is_c(archive: Path, tmp_path: Path) -> None:
    config = tmp_path / "solrecd.toml"
    config.write_text(f'[daemon]\nlog_dir = "{archive}"\n')

    assert run(PROGRAM, ["grep", "-c", str(config), "panic"]) == Exit.DONE


def test_a_pattern_is_never_taken_for_an_old_option() -> None:
    assert grep.renewed(["--", "-c"]) == ["--", "-c"]
    assert grep.renewed(["-C", "3", "x"]) == ["-C", "3", "x"]


@pytest.mark.parametrize("option", ["-o", "--output", "--out"])
def test_files_are_written_by_one_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    hosts, out = tmp_path / "hosts", tmp_path / "out.toml"
    hosts.write_text("ipmitool -I lanplus -H bmc1 -U u sol activate\n")

    assert run(PROGRAM, ["import", option, str(out), str(hosts)]) == Exit.DONE

    errors = capsys.readouterr().err
    assert out.exists()
    assert "1 console in " in errors
    assert ("--out is now --output" in errors) == (option == "--out")


def test_an_option_that_is_none_gets_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(PROGRAM, ["boots", "--faild"])

    assert "did you mean --failed?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["ls"], ["who"], ["status", "a"], ["scan", "f"], ["import", "f"], ["setup"]],
    ids=" ".join,
)
def test_an_archive_is_refused_where_it_would_do_nothing(
    archive: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(PROGRAM, ["--dir", str(archive), *words]) == Exit.USAGE
    assert "leave --dir out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "escape", "told"),
    [
        ({}, "&", ""),
        ({"SOLRECCTL_ESCAPE": "~"}, "~", ""),
        ({"SOLRECD_ESCAPE": "~"}, "~", "SOLRECD_ESCAPE is now SOLRECCTL_ESCAPE"),
        ({"SOLRECD_ESCAPE": "~", "SOLRECCTL_ESCAPE": "^Ec"}, "^Ec", ""),
    ],
)
def test_the_escape_is_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    escape: str,
    told: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    parser = argparse.ArgumentParser()
    attach.add_arguments(parser)

    found = attach.escape_of(parser.parse_args(["node1"]))

    assert found == escape
    assert told in capsys.readouterr().err
