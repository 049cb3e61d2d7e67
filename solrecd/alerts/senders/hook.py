"""A program of somebody's own, started for each notice.

No shell, no environment of ours, a session of its own, the notice on its standard
input, a time limit that its children do not outlive, and no more output than a line of
our log holds. A console's notices come one after the other, others side by side.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import trio

from solrecd.alerts import Notice
from solrecd.alerts.payload import Envelope, envelope
from solrecd.alerts.senders.sender import Health, Receipt, Tally, Tools
from solrecd.alerts.senders.waiting import Waiting
from solrecd.config import Hook, ReceiverConfig

OUTPUT_MAX: Final = 4096
"""Bytes of a program's output that are kept; the rest is read and forgotten."""

SHOWN: Final = 200
"""Characters of it that a warning quotes."""

AFTERWARDS: Final = 0.5
"""Seconds that output is read after the program has ended: a child may hold it open."""

REAPING: Final = 2.0
"""Seconds in which a program that was killed goes."""

ENVIRONMENT: Final[Mapping[str, str]] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
"""All that a program finds: what we were given may hold secrets."""


class HookSender:
    """Starts a program for each notice.

    Args:
        config: of the receiver.
        target: its part that is about the program.
        tools: of the machine.
    """

    def __init__(self, config: ReceiverConfig, target: Hook, tools: Tools) -> None:
        self.tally = Tally()
        self._config = config
        self._target = target
        self._tools = tools
        self._waiting = Waiting(config, tools.host, send_resolved=target.send_resolved)
        self._busy: set[str] = set()
        self._health = Health(config.name, target.command[0])

    @property
    def waiting(self) -> int:
        """How many notices wait."""
        return len(self._waiting)

    @property
    def works(self) -> bool:
        """Whether the last program was a success."""
        return self._health.problem is None

    def offer(self, notices: Iterable[Notice]) -> None:
        """Take notices; never waits, never raises."""
        self.tally.dropped += self._waiting.add(notices)

    def resume(self, notices: Iterable[Notice]) -> None:
        """Do nothing: somebody has told them."""

    def follow(self, before: object) -> None:
        """Take over what waits at an earlier sender of the same receiver."""
        if isinstance(before, HookSender):
            self._waiting.take_over(before._waiting)  # noqa: SLF001 - one of us

    async def run(self) -> None:
        """Start programs, for ever."""
        async with trio.open_nursery() as programs:
            while True:
                self._waiting.wanted = trio.Event()
                while (content := self._next()) is not None:
                    self._busy.add(content.console)
                    programs.start_soon(self._tell, content)
                await self._waiting.wanted.wait()

    async def finish(self) -> None:
        """Do nothing: what has not begun is not begun any more."""

    async def test(self, notice: Notice) -> Sequence[Receipt]:
        """Run the program for a notice, beside the others."""
        content = envelope(notice, self._config, self._tools.host)
        problem = await execute(self._target, content.body)
        answer = problem or "exit status 0"
        command = self._target.command[0]
        return [Receipt(self._config.name, command, problem is None, answer)]

    def _next(self) -> Envelope | None:
        """Remove and return the oldest notice that may be told now."""
        if len(self._busy) >= self._target.concurrency:
            return None
        for index, content in enumerate(self._waiting.notices):
            if content.console not in self._busy:
                del self._waiting.notices[index]
                return content
        return None

    async def _tell(self, content: Envelope) -> None:
        try:
            problem = await execute(self._target, content.body)
        finally:
            self._busy.discard(content.console)
            self._waiting.wanted.set()
        if problem is None:
            self.tally.delivered += 1
            self._health.good()
        else:
            self.tally.failed += 1
            self.tally.dropped += 1
            self._health.bad(problem)


async def execute(hook: Hook, body: bytes) -> str | None:
    """Run a program; return what went wrong, in one line.

    Cancelled or out of time, it and everything in its session is killed.
    """
    try:
        process = await trio.lowlevel.open_process(
            hook.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return f"cannot be started: {error.strerror or error}"
    output = bytearray()
    try:
        with trio.move_on_after(hook.timeout) as limit:
            await _converse(process, body, output)
    finally:
        if process.returncode is None:
            _kill(process.pid)
        # At once as a rule, but a program may hang in the kernel.
        with trio.move_on_after(REAPING, shield=True):
            await process.wait()
            await _close(process)
    if limit.cancelled_caught:
        return f"killed after {hook.timeout:g} s{_quoted(output)}"
    if process.returncode:
        return f"exit status {process.returncode}{_quoted(output)}"
    return None


async def _converse(process: trio.Process, body: bytes, output: bytearray) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_feed, process, body)
        nursery.start_soon(_drain, process, output)
        await process.wait()
        nursery.cancel_scope.deadline = trio.current_time() + AFTERWARDS


async def _feed(process: trio.Process, body: bytes) -> None:
    if process.stdin is None:
        return
    try:
        async with process.stdin:
            await process.stdin.send_all(body)
    except trio.BrokenResourceError:
        # It does not want to know more.
        return


async def _drain(process: trio.Process, output: bytearray) -> None:
    if process.stdout is None:
        return
    async for chunk in process.stdout:
        output += chunk[: OUTPUT_MAX - len(output)]


async def _close(process: trio.Process) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            await trio.aclose_forcefully(stream)


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _quoted(output: bytearray) -> str:
    text = " ".join(output.decode("utf-8", "replace").split())[-SHOWN:]
    return f": {text}" if text else ""
