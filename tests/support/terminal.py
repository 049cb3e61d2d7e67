"""A terminal with `solrecctl` on it, for what people see and type."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from typing import Final

TIMEOUT: Final = 60.0
"""Seconds that a busy machine may need."""


class Terminal:
    """`solrecctl` on a terminal of its own."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "solrecd.cli.solrecctl", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", **environment},
        )
        self.shown = b""

    def wait_for(self, text: bytes) -> None:
        """Read until something is shown."""
        until = time.monotonic() + TIMEOUT
        while text not in self.shown:
            left = until - time.monotonic()
            assert left > 0, self.shown
            if select.select([self.master], [], [], left)[0]:
                self.shown += os.read(self.master, 4096)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def close(self) -> None:
        """End the process, and the terminal."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)
