"""Long output on a terminal goes through a pager, as git's does."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solrecd.cli.program import PIPE_CLOSED
from solrecd.process.stamps import parse_stamp
from tests.support.archives import Printed, write_segment
from tests.support.terminal import TIMEOUT, Terminal

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
LINES = 5000
"""More than a terminal, and more than a pipe holds."""

Show = Callable[..., Terminal]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive with one long boot."""
    text = "\x1b[2J\x1b]0;hostile\x07 line"
    lines = [Printed(NOON + n, f"{text} {n:04}") for n in range(LINES)]
    write_segment(tmp_path, "a", lines)
    return tmp_path


@pytest.fixture
def show(archive: Path) -> Iterator[Show]:
    """Return what runs `solrecctl log` on a terminal."""
    opened: list[Terminal] = []

    def run(*arguments: str, **environment: str) -> Terminal:
        options = ("log", "--dir", str(archive), "a", *arguments)
        opened.append(Terminal(*options, **environment))
        return opened[-1]

    yield run
    for terminal in opened:
        terminal.close()


@pytest.mark.skipif(not shutil.which("less"), reason="needs less")
def test_the_first_page_is_shown_and_q_ends_it(show: Show) -> None:
    terminal = show(LESS="FRX", PAGER="less")

    terminal.wait_for(b"line 0003")
    terminal.wait_for(b":")
    terminal.type(b"q")

    assert terminal.process.wait(TIMEOUT) == 0
    assert b"line 4999" not in terminal.shown


def test_what_a_console_printed_does_not_reach_the_terminal(show: Show) -> None:
    terminal = show(PAGER="cat")

    terminal.wait_for(b"line 0100")

    assert b"\\x1b[2J\\x1b]0;hostile" in terminal.shown
    assert b"\x1b[2J" not in terminal.shown
    assert b"\x1b]0" not in terminal.shown


def test_a_pager_that_leaves_early_is_no_error(show: Show) -> None:
    terminal = show(SOLRECCTL_PAGER="head -3")

    terminal.wait_for(b"line 0002")

    assert terminal.process.wait(TIMEOUT) == 0
    assert b"Traceback" not in terminal.shown


def test_without_the_pager_everything_is_shown_at_once(show: Show) -> None:
    terminal = show(PAGER="no-such-pager --option")

    terminal.wait_for(b"line 4999")

    assert terminal.process.wait(TIMEOUT) == 0


def test_a_reader_that_leaves_the_pipe_ends_it_quietly(archive: Path) -> None:
    program = [sys.executable, "-m", "solrecd.cli.solrecctl"]
    with subprocess.Popen(
        [*program, "log", "--dir", str(archive), "a"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()

        assert process.wait(TIMEOUT) == PIPE_CLOSED
        assert process.stderr.read() == b""
