"""Runs a program on a terminal, or says why not and what helps."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import trio

from solrecd.events import Lost, LostReason
from solrecd.process.threads import Job, in_thread
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.explaining import explained
from solrecd.sources.findings import Finding, bad, ok
from solrecd.sources.stream.connection import close_all
from solrecd.sources.stream.exec.place import TROUBLES, ExecOptions
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.pty import PtyProcess, environment, spawn
from solrecd.sources.stream.terminal import (
    HELD,
    TERMINAL,
    TerminalConnection,
    left_terminal,
)
from solrecd.sources.stream.way import Say

LOOKING: Final = 10.0
"""Seconds for the file system of a program to answer."""

_LOOK: Final = Job("the file system of a program", "the next start looks again")

LAST_WORDS: Final = 0.2
"""Seconds in which what a program printed last is read, once it has ended."""

_ENDED_EVERY: Final = 0.01
"""Seconds between two looks whether a program that closed its terminal has ended."""

_TAIL: Final = 512
"""Bytes of its output in which its last line is looked for."""
_LINE: Final = 200
"""Characters of it in a message."""
_LEFT: Final = 1 << 18
"""Bytes that are read of it once it has ended: a terminal holds less, but what it left
behind may print on."""
_SHOWN: Final = 100
"""Characters of a command in a message."""

_WELL: Final = "exit status 0"

_PROCESS: Final = "p"
"""What the descriptor of a process is called; its number follows."""

_ESCAPES: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-_])")
_LINE_ENDS: Final = re.compile(rb"[\r\n]+")


class ExecWay:
    """The way to a console that a program shows; fits `way.Way`."""

    longest_wait: Final = 60.0
    """A program costs more than a connection, and the same machine pays for it."""
    unnoticed: Final = 0.0
    has_break: Final = False

    def __init__(self, options: ExecOptions) -> None:
        self._command = options.command
        self._options = options

    @property
    def place(self) -> str:
        """See `Way`."""
        return self._options.place

    @property
    def _shown(self) -> str:
        return self.place if len(self.place) <= _SHOWN else f"{self.place[:_SHOWN]}..."

    def details(self) -> Mapping[str, Any]:
        """See `Way`."""
        return self._options.details()

    async def open(self, recorder: Recorder) -> ExecConnection:
        """See `Way`."""
        del recorder
        environ = environment(os.environ)
        try:
            await _readable(self._command[0], environ["PATH"])
            process = spawn(self._command, environ)
        except OSError as error:
            raise explained(error, self._command[0], TROUBLES) from None
        return ExecConnection(process, HeldBytes(), self._shown)

    def adopt(
        self, recorder: Recorder, descriptors: Mapping[str, int]
    ) -> ExecConnection:
        """See `Way`."""
        del recorder
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
        return ExecConnection(PtyProcess(fd, pid, pidfd), held, self._shown)

    async def examine(self, tell: Tell) -> bool:
        """See `Way`; the program is not run a second time."""
        program = self._command[0]
        try:
            place = await _readable(program, environment(os.environ)["PATH"])
        except OSError as error:
            said = explained(error, program, TROUBLES)
            await tell(bad("program", said.what, said.cure))
            return True
        await tell(ok("program", f"{program} is {place}"))
        return False


async def _readable(program: str, path: str) -> str:
    """Return where a program is; in a thread, as its file system may not answer.

    Raises:
        OSError: it is nowhere, or may not be run.
    """
    try:
        with trio.fail_after(LOOKING):
            return await in_thread(_LOOK, _place, program, path)
    except trio.TooSlowError:
        raise OSError(errno.ETIMEDOUT, "") from None


def _place(program: str, path: str) -> str:
    found = shutil.which(program, path=path)
    if found is not None:
        return found
    code = errno.EACCES if Path(program).exists() else errno.ENOENT
    raise OSError(code, os.strerror(code))


class ExecConnection(TerminalConnection):
    """A program that runs; fits `way.Connection`."""

    def __init__(self, process: PtyProcess, held: HeldBytes, command: str) -> None:
        super().__init__(process.terminal, held)
        self._process = process
        self._command = command
        self._tail = b""
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
        self._tail = (self._tail + bytes(self._held))[-_TAIL:]
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
        with trio.move_on_after(LAST_WORDS):
            # `tend` has the only task that may wait for it.
            while not self._process.has_ended:  # noqa: ASYNC110
                await trio.sleep(_ENDED_EVERY)
        return Lost(LostReason.CLOSED, f"{self._command}: {self._why()}")

    def _why(self) -> str:
        process, said = self._process, _last_line(self._tail)
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


def _last_line(output: bytes) -> str:
    """Return the last line that says something; safe to show."""
    for line in reversed(_LINE_ENDS.split(_ESCAPES.sub(b"", output))):
        text = line.decode(errors="replace").strip()
        text = "".join(c if c.isprintable() else " " for c in text).strip()
        if text:
            return text[-_LINE:]
    return ""
