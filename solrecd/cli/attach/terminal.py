"""The user's terminal while a console is shown: raw, and restored afterwards."""

from __future__ import annotations

import os
import re
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

RESTORE: Final = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l"  # no mouse reports
    b"\x1b[?2004l"  # no bracketed paste
    b"\x1b[?7h\x1b[?25h"  # lines wrap, the cursor is seen
    b"\x1b7\x1b[r\x1b8"  # the whole screen scrolls; that alone would move the cursor
    b"\x1b(B\x0f"  # letters are letters
    b"\x1b[0m"  # no colours
)
"""What a full-screen program on the console may have left behind, undone. Not a full
reset: the window's contents stay."""

MAIN_SCREEN: Final = b"\x1b[?1049l"
"""Only where the other one is on: it moves the cursor on many terminals."""

BELOW: Final = b"\x1b[999;1H\r\n"
"""To the end of a screen that was painted on, not into the middle of the picture."""

_SWITCH = re.compile(rb"\x1b\[\?(?:47|1047|1049)([hl])")
_PAINTED = re.compile(rb"\x1b\[[0-9;]+[Hf]")
_LONGEST: Final = 16
"""Bytes of such a sequence, at most: it may come in two pieces."""

_READ: Final = 64 * 1024


class _Picture:
    """What the bytes of a console have made of a terminal's screen."""

    def __init__(self) -> None:
        self._end = b""
        self._is_alternate = False
        self._is_painted = False

    def take(self, data: bytes) -> None:
        """Learn what is written."""
        if b"\x1b" not in data and b"\x1b" not in self._end:
            return
        data = self._end + data
        self._end = data[-_LONGEST:]
        for found in _SWITCH.finditer(data):
            self._is_alternate = found[1] == b"h"
        self._is_painted = self._is_painted or bool(_PAINTED.search(data))

    def undo(self) -> bytes:
        """Return what leaves the window as people expect it."""
        leave = MAIN_SCREEN if self._is_alternate else b""
        below = BELOW if self._is_painted and not self._is_alternate else b""
        return leave + RESTORE + below


class Terminal:
    """A terminal by its two descriptors; either may be a pipe instead."""

    def __init__(self, keyboard: int, screen: int) -> None:
        self.keyboard = keyboard
        self.screen = screen
        self._before: list[Any] | None = None
        self._picture = _Picture()

    @property
    def is_raw(self) -> bool:
        """Whether keys come one by one."""
        return self._before is not None

    def read(self) -> bytes:
        """Wait for keys; nothing at the end."""
        return os.read(self.keyboard, _READ)

    def write(self, data: bytes) -> None:
        """Show all of it, however long the terminal takes."""
        self._picture.take(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self.screen, view) :]

    def undo(self) -> bytes:
        """Return what leaves the window as people expect it."""
        return self._picture.undo()

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Let every key through while the context lasts, then undo it all."""
        try:
            self._enter()
            yield
        finally:
            self._leave()

    def suspend(self) -> None:
        """Give the terminal back, and stop until the shell lets us go on."""
        was_raw = self.is_raw
        self._leave()
        os.kill(os.getpid(), signal.SIGTSTP)
        if was_raw:
            self._enter()

    def _enter(self) -> None:
        if os.isatty(self.keyboard):
            self._before = termios.tcgetattr(self.keyboard)
            tty.setraw(self.keyboard, termios.TCSADRAIN)

    def _leave(self) -> None:
        if self._before is None:
            return
        self.write(self.undo())
        self._picture = _Picture()
        termios.tcsetattr(self.keyboard, termios.TCSADRAIN, self._before)
        self._before = None
