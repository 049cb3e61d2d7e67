"""Somebody's terminal while a console is on it: raw, and given back as it was."""

from __future__ import annotations

import os
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

RESTORE: Final = (
    b"\x1b[?1049l"  # the main screen, not the alternate one
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l"  # no mouse reports
    b"\x1b[?2004l"  # no bracketed paste
    b"\x1b[?7h\x1b[?25h"  # lines wrap, the cursor is seen
    b"\x1b[r\x1b(B\x0f"  # the whole screen scrolls; letters are letters
    b"\x1b[0m"  # no colours
)
"""What a full-screen program on the console may have left behind, undone. Not a full
reset: the window's contents stay."""

_READ: Final = 64 * 1024


class Terminal:
    """A terminal by its two descriptors; either may be a pipe instead."""

    def __init__(self, keyboard: int, screen: int) -> None:
        self.keyboard = keyboard
        self.screen = screen
        self._before: list[Any] | None = None

    @property
    def is_raw(self) -> bool:
        """Whether keys come one by one."""
        return self._before is not None

    def read(self) -> bytes:
        """Wait for keys; nothing at the end."""
        return os.read(self.keyboard, _READ)

    def write(self, data: bytes) -> None:
        """Show all of it, however long the terminal takes."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.screen, view) :]

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
        self.write(RESTORE)
        termios.tcsetattr(self.keyboard, termios.TCSADRAIN, self._before)
        self._before = None
