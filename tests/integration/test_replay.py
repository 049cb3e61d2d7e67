"""A boot on a real terminal, and through util-linux's own `scriptreplay`."""

import shutil
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from solrecd.process.stamps import parse_stamp
from solrecd.storage.history.segments import Archive
from tests.support.archives import Printed, write_segment
from tests.support.terminal import TIMEOUT, Terminal

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
SECOND = 1_000_000
LINES = [
    Printed(NOON, "first \x1b]0;title\x07\x1b[6nline"),
    Printed(NOON + SECOND // 10, "second \x1b[?25l\x1b[31mline"),
    Printed(NOON + 3600 * SECOND, "last line"),
]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive with a closed and an open boot."""
    write_segment(tmp_path, "a", LINES, boot=1, closed=True)
    later = [Printed(line.at + 7200 * SECOND, line.text) for line in LINES]
    write_segment(tmp_path, "a", later, boot=2)
    return tmp_path


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

    assert replay.process.wait(TIMEOUT) == 0
    assert termios.tcgetattr(replay.slave) == replay.before
    assert b"\x1b]0" not in replay.shown
    assert b"\x1b[6n" not in replay.shown
    assert b"\x1b[31mline" in replay.shown
    assert replay.shown.rindex(b"\x1b[?25h") > replay.shown.rindex(b"\x1b[?25l")


def test_a_replay_goes_to_its_end(replay: Terminal) -> None:
    replay.wait_for(b"second")
    replay.type(b".")
    replay.wait_for(b"boot 1: its end")

    assert replay.process.wait(TIMEOUT) == 0
    assert b"last line" in replay.shown


@pytest.mark.skipif(not shutil.which("scriptreplay"), reason="needs bsdutils")
def test_scriptreplay_plays_the_files_as_the_readme_says(archive: Path) -> None:
    _, segment = Archive(archive).segments("a")
    raw, timing = segment.files["raw"], segment.files["timing"]
    command = f"scriptreplay -d 100000 -T '{timing}' -O <(echo; cat '{raw}')"

    found = subprocess.run(
        ["bash", "-c", command], capture_output=True, check=True, timeout=TIMEOUT
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

    subprocess.run(["bash", "-c", command], check=True, timeout=TIMEOUT)
