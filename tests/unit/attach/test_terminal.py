"""What is left of a console on a person's window, on a terminal that can be asked."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyte
import pytest

from solrecd.cli.attach.terminal import RESTORE, Terminal


@pytest.fixture(name="pair")
def _pair() -> Iterator[tuple[int, Terminal]]:
    keys, keyboard = os.pipe()
    shown, screen = os.pipe()
    yield shown, Terminal(keys, screen)
    for descriptor in (keys, keyboard, shown, screen):
        os.close(descriptor)


def screen_after(pair: tuple[int, Terminal], *pieces: bytes) -> pyte.Screen:
    """Return the window of a person who saw these bytes and left."""
    shown, terminal = pair
    for piece in pieces:
        terminal.write(piece)
    terminal.write(terminal.undo())
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(os.read(shown, 65536))
    return screen


def test_the_cursor_stays_behind_the_last_line(pair: tuple[int, Terminal]) -> None:
    screen = screen_after(pair, b"one\r\ntwo\r\nlogin: ")

    assert (screen.cursor.y, screen.cursor.x) == (2, 7)


def test_a_screen_that_was_painted_on_is_left_below(
    pair: tuple[int, Terminal],
) -> None:
    screen = screen_after(pair, b"\x1b[2J\x1b[5", b";1H*Debian\x1b[1;3r")

    assert screen.cursor.y == 23
    assert screen.display[3].startswith("*Debian"), "one line up: a new one below"
    assert screen.margins is None


@pytest.mark.parametrize(
    ("pieces", "leaves"),
    [
        ((b"plain",), False),
        ((b"\x1b[?1049h", b"vim"), True),
        ((b"\x1b[?10", b"49h", b"vim"), True),
        ((b"\x1b[?1049hvim\x1b[?1049l",), False),
        ((b"\x1b[?47h", b"less"), True),
    ],
)
def test_the_other_screen_is_left_only_where_it_is_on(
    pair: tuple[int, Terminal], pieces: tuple[bytes, ...], *, leaves: bool
) -> None:
    _, terminal = pair

    for piece in pieces:
        terminal.write(piece)

    assert (b"\x1b[?1049l" in terminal.undo()) == leaves
    assert RESTORE in terminal.undo()
