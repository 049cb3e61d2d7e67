"""Runs a program on a terminal, or says why not and what helps."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import trio

from solrecd.process.threads import Job, in_thread
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.explaining import explained
from solrecd.sources.findings import bad, ok
from solrecd.sources.stream.exec.place import TROUBLES, ExecOptions
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.program import ProgramConnection, left_program
from solrecd.sources.stream.pty import environment, spawn

LOOKING: Final = 10.0
"""Seconds for the file system of a program to answer."""

_LOOK: Final = Job("the file system of a program", "the next start looks again")

_SHOWN: Final = 100
"""Characters of a command in a message."""


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

    async def open(self, recorder: Recorder) -> ProgramConnection:
        """See `Way`."""
        del recorder
        environ = environment(os.environ)
        try:
            await _readable(self._command[0], environ["PATH"])
            process = spawn(self._command, environ)
        except OSError as error:
            raise explained(error, self._command[0], TROUBLES) from None
        return ProgramConnection(process, HeldBytes(), self._shown)

    def adopt(
        self, recorder: Recorder, descriptors: Mapping[str, int]
    ) -> ProgramConnection:
        """See `Way`."""
        del recorder
        process, held = left_program(descriptors)
        return ProgramConnection(process, held, self._shown)

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
