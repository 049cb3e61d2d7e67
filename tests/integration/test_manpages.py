"""Manual pages come from the parsers, and man(1) has nothing to complain about."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.manpages import PROGRAMS, SECTIONS, pages

PAGES = dict(pages())


def test_every_command_has_a_page() -> None:
    expected = {
        f"{program.name}-{command.name}.{SECTIONS[program.name]}"
        for program in PROGRAMS
        for command in program.commands
    }

    assert PAGES.keys() == expected | {"solrecctl.1", "solrecd.8"}


def test_a_page_names_every_option_and_what_it_means() -> None:
    text = PAGES["solrecctl-boots.1"]

    assert "\\fB\\-\\-failed\\fR\nonly boots that failed or got stuck" in text
    assert "(default: \\-1)" in PAGES["solrecctl-log.1"]


def test_no_line_of_text_is_taken_for_a_request() -> None:
    requests = {"TH", "SH", "TP", "PP", "B", "BR", "I", "br"}
    for text in PAGES.values():
        found = re.findall(r"^[.'](\S*)", text, re.MULTILINE)
        assert set(found) <= requests


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
