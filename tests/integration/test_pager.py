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


@pytest.mark.skipif(not shutil.which("less"), reason="needs less")
def test_a_log_opens_at_the_failure(tmp_path: Path) -> None:
    lines = [f"[  {n}.000000] line {n:04}" for n in range(1000)]
    lines[0] = "[    0.000000] Linux version 6.1.0-56-amd64 (debian@lists) #1 SMP"
    lines[700] = (
        "[  700.000000] Kernel panic - not syncing: VFS: Unable to mount root fs"
    )
    write_segment(tmp_path, "a", [Printed(NOON + n, t) for n, t in enumerate(lines)])
    terminal = Terminal("log", "--dir", str(tmp_path), "a", LESS="FRX", PAGER="less")

    terminal.wait_for(b"Kernel panic")
    terminal.wait_for(b"line 0710")
    terminal.type(b"q")

    assert terminal.process.wait(TIMEOUT) == 0
    assert b"line 0699" not in terminal.shown
    terminal.close()


@pytest.mark.skipif(not shutil.which("less"), reason="needs less")
def test_a_log_opens_at_its_end_when_asked_to(show: Show) -> None:
    terminal = show("-e", LESS="FRX", PAGER="less")

    terminal.wait_for(b"line 4999")
    terminal.type(b"q")

    assert terminal.process.wait(TIMEOUT) == 0
    assert b"line 0003" not in terminal.shown


def test_a_terminal_that_knows_nothing_gets_plain_lines(show: Show) -> None:
    terminal = show(TERM="dumb", PAGER="less")

    terminal.wait_for(b"line 4999")

    assert terminal.process.wait(TIMEOUT) == 0
    assert b"\x1b" not in terminal.shown


def test_a_terminal_in_another_encoding_gets_what_it_can_show(tmp_path: Path) -> None:
    write_segment(tmp_path, "a", [Printed(NOON, "ready \u2713 \xe9")])
    terminal = Terminal(
        "log", "--dir", str(tmp_path), "a", PAGER="cat", PYTHONIOENCODING="iso-8859-1"
    )

    terminal.wait_for(b"ready \\u2713 \xe9")

    assert terminal.process.wait(TIMEOUT) == 0
    terminal.close()


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
