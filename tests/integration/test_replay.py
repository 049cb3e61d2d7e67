"""A boot on a real terminal, and through util-linux's own `scriptreplay`."""

import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from solrecd.history.segments import Archive
from solrecd.stamps import parse_stamp
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000
LINES = [
    Printed(NOON, "first \x1b]0;title\x07\x1b[6nline"),
    Printed(NOON + SECOND // 10, "second \x1b[?25l\x1b[31mline"),
    Printed(NOON + 3600 * SECOND, "last line"),
]
PATIENCE = 20.0
"""Seconds that a busy machine may need."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive with a closed and an open boot."""
    write_segment(tmp_path, "a", LINES, boot=1, closed=True)
    later = [Printed(line.at + 7200 * SECOND, line.text) for line in LINES]
    write_segment(tmp_path, "a", later, boot=2)
    return tmp_path


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "solrecd.cli.solrecctl", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.shown = b""

    def wait_for(self, text: bytes) -> None:
        until = time.monotonic() + PATIENCE
        while text not in self.shown:
            left = until - time.monotonic()
            assert left > 0, self.shown
            if select.select([self.master], [], [], left)[0]:
                self.shown += os.read(self.master, 4096)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def replay(archive: Path) -> Iterator[Terminal]:
    """Return a replay of the closed boot that waits before its last line."""
    options = ("--boot", "1", "--max-pause", "3600")
    terminal = Terminal("replay", "--dir", str(archive), "a", *options)
    yield terminal
    terminal.close()


def test_a_replay_can_be_left_and_leaves_the_terminal_as_it_was(
    replay: Terminal,
) -> None:
    replay.wait_for(b"second")
    replay.type(b"q")
    replay.wait_for(b"left before its end")

    assert replay.process.wait(PATIENCE) == 0
    assert termios.tcgetattr(replay.slave) == replay.before
    assert b"\x1b]0" not in replay.shown
    assert b"\x1b[6n" not in replay.shown
    assert b"\x1b[31mline" in replay.shown
    assert replay.shown.rindex(b"\x1b[?25h") > replay.shown.rindex(b"\x1b[?25l")


def test_a_replay_goes_to_its_end(replay: Terminal) -> None:
    replay.wait_for(b"second")
    replay.type(b".")
    replay.wait_for(b"boot 1: its end")

    assert replay.process.wait(PATIENCE) == 0
    assert b"last line" in replay.shown


@pytest.mark.skipif(not shutil.which("scriptreplay"), reason="needs bsdutils")
def test_scriptreplay_plays_the_files_as_the_readme_says(archive: Path) -> None:
    _, segment = Archive(archive).segments("a")
    raw, timing = segment.files["raw"], segment.files["timing"]
    command = f"scriptreplay -d 100000 -T '{timing}' -O <(echo; cat '{raw}')"

    found = subprocess.run(
        ["bash", "-c", command], capture_output=True, check=True, timeout=PATIENCE
    )

    # It ends with a line end of its own.
    assert found.stdout == raw.read_bytes() + b"\n"


@pytest.mark.skipif(not shutil.which("scriptreplay"), reason="needs bsdutils")
def test_scriptreplay_plays_closed_files_too(archive: Path) -> None:
    segment, _ = Archive(archive).segments("a")
    raw, timing = segment.files["raw"], segment.files["timing"]
    command = (
        f"scriptreplay -d 100000 -T <(zstdcat '{timing}')"
        f" -O <(echo; zstdcat '{raw}') | cmp - <(zstdcat '{raw}'; echo)"
    )

    subprocess.run(["bash", "-c", command], check=True, timeout=PATIENCE)
