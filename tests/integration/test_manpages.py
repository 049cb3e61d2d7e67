"""Manual pages come from the parsers, and man(1) has nothing to complain about."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from solrecd.alerts.senders.table import RECEIVERS
from solrecd.config.tables import tables
from solrecd.sources.table import CONSOLE_KINDS
from tools.manpages import PROGRAMS, SECTIONS, pages
from tools.roff import plain

PAGES = dict(pages())


def test_every_command_has_a_page() -> None:
    expected = {
        f"{program.name}-{command.name}.{SECTIONS[program.name]}"
        for program in PROGRAMS
        for command in program.commands
    }

    others = {"solrecctl.1", "solrecd.8", "solrecd.toml.5"}
    assert PAGES.keys() == expected | others


def test_a_page_names_every_option_and_what_it_means() -> None:
    text = PAGES["solrecctl-boots.1"]

    assert "\\fB\\-\\-failed\\fR\nonly boots that failed or got stuck" in text
    assert "(default: \\-1)" in PAGES["solrecctl-log.1"]


def test_no_line_of_text_is_taken_for_a_request() -> None:
    requests = {"TH", "SH", "SS", "TP", "PP", "B", "BR", "I", "br", "nf", "fi"}
    for text in PAGES.values():
        found = re.findall(r"^[.'](\S*)", text, re.MULTILINE)
        assert set(found) <= requests


def test_the_configurations_page_names_every_key_with_its_default() -> None:
    text = PAGES["solrecd.toml.5"]

    for table in tables(CONSOLE_KINDS, RECEIVERS):
        assert f".SH {plain(table.header)}\n" in text
        assert all(f"\n.B {name}\n" in text for name in table.keys)
    assert '.br\nDefault: "64MiB"\n' in text


def test_prose_of_an_epilog_is_filled_and_examples_are_listed() -> None:
    grep, wait = PAGES["solrecctl-grep.1"], PAGES["solrecctl-wait.1"]

    assert "matched against the text of each line" in grep
    assert ".TP\n.B solrecctl wait node001 \\-\\-timeout 10m\n" in wait
    assert "exit status" not in grep + wait


def test_what_a_command_says_of_its_status_replaces_what_holds_for_all() -> None:
    text = PAGES["solrecctl-grep.1"]

    assert ".TP\n0\nsomething matched\n" in text
    assert ".TP\n2\nan error, or part of the archive could not be read\n" in text
    assert ".TP\n3\nthe daemon does not answer\n" in text


@pytest.mark.skipif(not shutil.which("man"), reason="needs man-db")
def test_man_shows_the_pages_without_a_warning(tmp_path: Path) -> None:
    paths = []
    for name, text in PAGES.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text, "utf-8")

    done = subprocess.run(
        ["man", "-l", "--warnings", *paths],
        env={"PATH": "/usr/bin:/bin", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stderr == ""
    assert "solrecctl-boots - list boots" in done.stdout
