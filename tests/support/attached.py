"""`solrecctl` on a terminal of its own: a pty, with a person who types and reads."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import trio

TIMEOUT = 60.0
"""Seconds for what takes a fraction of one."""


SIZE = (24, 80)
"""Lines and columns of the terminal."""


class Person:
    """The person at the other end of the pty."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self.master = master
        self.process = process
        self.seen = bytearray()
        """Everything that was ever on the screen."""
        self._looked = 0
        """Up to here `sees` has found what it looked for."""

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    async def paste(self, data: bytes) -> None:
        """Press many keys, as fast as the terminal takes them."""
        while data:
            await trio.lowlevel.wait_writable(self.master)
            data = data[os.write(self.master, data[:1024]) :]

    async def sees(self, *texts: bytes, seconds: float = TIMEOUT) -> None:
        """Read until texts are on the screen, behind what was looked for before.

        Several may come in any order.
        """
        end = self._looked
        with trio.fail_after(seconds):
            for text in texts:
                begin = self._looked
                while (found := self.seen.find(text, begin)) < 0:
                    begin = max(begin, len(self.seen) - len(text))
                    await self._read()
                end = max(end, found + len(text))
        self._looked = end

    async def _read(self) -> None:
        await trio.lowlevel.wait_readable(self.master)
        self.seen += os.read(self.master, 65536)

    async def leaves(self) -> int:
        """Wait for the program to end; return its exit status."""
        with trio.fail_after(TIMEOUT):
            while self.process.poll() is None:
                with trio.move_on_after(0.02):
                    await self._read_all()
                    await trio.sleep_forever()
            # What it wrote last is still to be read.
            await self._read_all()
        return self.process.returncode

    async def _read_all(self) -> None:
        """Read until the other end is closed: it has ended, or is about to."""
        with suppress(OSError):
            while True:
                await self._read()

    def resize(self, lines: int, columns: int) -> None:
        """Drag the window's corner."""
        termios.tcsetwinsize(self.master, (lines, columns))
        self.process.send_signal(signal.SIGWINCH)

    def is_raw(self) -> bool:
        """Whether the terminal lets every key through."""
        return not termios.tcgetattr(self.master)[3] & termios.ICANON


@asynccontextmanager
async def solrecctl(
    control: Path | str,
    words: Sequence[str],
    environ: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Person]:
    """Run a command on a terminal; it is killed on leaving."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, SIZE)
    command = [sys.executable, "-m", "solrecd.cli.solrecctl", "-s", str(control)]
    process = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        [*command, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, **environ, "TERM": "xterm"},
    )
    os.close(slave)
    try:
        yield Person(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)
