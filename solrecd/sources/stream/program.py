"""A connection that is a program's terminal, while the program runs.

What kinds share that are reached by a program: `exec` and `ssh`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import trio

from solrecd.events.sessions import Lost, LostReason
from solrecd.sources.findings import Finding, ok
from solrecd.sources.stream.connection import close_all
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.printed import last_line
from solrecd.sources.stream.pty import PtyProcess
from solrecd.sources.stream.terminal import (
    HELD,
    TERMINAL,
    TerminalConnection,
    left_terminal,
)
from solrecd.sources.stream.way import Say

LAST_WORDS: Final = 0.2
"""Seconds in which what a program printed last is read, once it has ended."""

_ENDED_EVERY: Final = 0.01
"""Seconds between two looks whether a program that closed its terminal has ended."""

_TAIL: Final = 512
"""Bytes of its output in which its last line is looked for."""
_LEFT: Final = 1 << 18
"""Bytes that are read of it once it has ended: a terminal holds less, but what it left
behind may print on."""

_WELL: Final = "exit status 0"

_PROCESS: Final = "p"
"""What the descriptor of a process is called; its number follows."""


def left_program(descriptors: Mapping[str, int]) -> tuple[PtyProcess, HeldBytes]:
    """Return a program that an earlier process left, and the bytes it held of it.

    Args:
        descriptors: those of `ProgramConnection.descriptors`; closed where they are of
            no use.

    Raises:
        OSError: they are none.
    """
    named = [name for name in descriptors if name.startswith(_PROCESS)]
    if not named:
        close_all(descriptors.values())
        raise OSError("no process")
    terminal = {tag: fd for tag, fd in descriptors.items() if tag not in named}
    pidfd = descriptors[named[0]]
    try:
        fd, held = left_terminal(terminal)
    except OSError:
        os.close(pidfd)
        raise
    pid = int(named[0].removeprefix(_PROCESS), 16)
    return PtyProcess(fd, pid, pidfd), held


class ProgramConnection(TerminalConnection):
    """A program that runs; fits `way.Connection`."""

    def __init__(self, process: PtyProcess, held: HeldBytes, command: str) -> None:
        super().__init__(process.terminal, held)
        self._process = process
        self._command = command
        self.tail = b""
        """What it printed last, as far as that was taken."""
        self._is_over = False
        """The program has ended; only what it left behind may print."""
        self._left = _LEFT

    @property
    def descriptors(self) -> Mapping[str, int]:
        """See `Connection`."""
        process = self._process
        more = {} if process.pidfd is None else {self._name: process.pidfd}
        return {TERMINAL: self.fd, HELD: self._held.fd, **more}

    @property
    def _name(self) -> str:
        return f"{_PROCESS}{self._process.pid:x}"

    def look(self) -> bytes | None:
        """See `Connection`."""
        if self._left < 0:
            return None
        try:
            return super().look()
        except BlockingIOError:
            if self._is_over:
                return None
            raise
        except OSError as error:
            if error.errno == errno.EIO:  # all have closed it
                return None
            raise

    def take(self) -> None:
        """See `Connection`."""
        self.tail = (self.tail + bytes(self._held))[-_TAIL:]
        self._left -= self._is_over * len(self._held)
        super().take()

    async def wait(self) -> None:
        """See `Connection`."""
        with suppress(trio.ClosedResourceError):  # it is over
            await super().wait()

    async def wait_sendable(self) -> None:
        """See `Connection`."""
        try:
            await super().wait_sendable()
        except trio.ClosedResourceError:
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from None

    async def tend(self, say: Say) -> None:
        """See `Connection`: notice that the program ends, though others run on."""
        del say
        await self._process.wait()
        await trio.sleep(LAST_WORDS)
        self._is_over = True
        trio.lowlevel.notify_closing(self.fd)

    async def ended(self) -> Lost:
        """See `Connection`."""
        await self.wait_ended()
        return Lost(LostReason.CLOSED, f"{self._command}: {self._why()}")

    async def wait_ended(self) -> None:
        """Give a program that has closed its terminal a moment to end, too."""
        with trio.move_on_after(LAST_WORDS):
            # `tend` has the only task that may wait for it.
            while not self._process.has_ended:  # noqa: ASYNC110
                await trio.sleep(_ENDED_EVERY)

    def _why(self) -> str:
        process, said = self._process, last_line(self.tail)
        if not process.has_ended:
            return "it has closed its terminal and runs on; have it stay on it"
        how = process.ending
        ended = f"ended with {how}" if how else "ended"
        if self._is_over and process.is_held():
            return f"{ended} and left others behind; have it stay in the foreground"
        if said:
            return f"{ended}: {said}"
        hint = "; it has to stay in the foreground" if how == _WELL else ""
        return f"{ended}, and said nothing{hint}"

    async def aclose(self) -> None:
        """See `Connection`."""
        await self._process.end()
        self._held.close()

    def leave(self) -> None:
        """See `Connection`."""
        self._process.leave()
        self._held.close()

    def details(self) -> Mapping[str, Any]:
        """See `Connection`."""
        return {"pid": self._process.pid}

    def findings(self) -> Sequence[Finding]:
        """See `Connection`."""
        return (ok("process", f"runs as process {self._process.pid}"),)
