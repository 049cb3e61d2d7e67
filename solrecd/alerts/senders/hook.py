"""A program of the administrator's, started for each notice.

No shell, no environment of ours, a session of its own, the notice on its standard
input, a time limit that its children do not outlive, and no more output than a line of
our log holds. A console's notices come one after the other, others side by side.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import trio

from solrecd.alerts.payload import Envelope
from solrecd.alerts.senders.kind import ReceiverKind
from solrecd.alerts.senders.queued import RESOLVED_KEYS, Outcome, QueuedSender
from solrecd.alerts.senders.sender import Tools
from solrecd.config import Key, OptionReader, ReceiverConfig
from solrecd.config.alert_values import list_of, word
from solrecd.config.values import duration, integer, refusal

OUTPUT_MAX: Final = 4096
"""Bytes of a program's output that are kept; the rest is read and forgotten."""

SHOWN: Final = 200
"""Characters of it that a warning quotes."""

AFTERWARDS: Final = 0.5
"""Seconds that output is read after the program has ended: a child may hold it open."""

REAPING: Final = 2.0
"""Seconds that a killed program has to end."""

ENVIRONMENT: Final[Mapping[str, str]] = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
"""All that a program finds: what we were given may hold secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A program that is started for each alert."""

    command: tuple[str, ...]
    """Arguments; no shell reads them. The first is an absolute path."""
    timeout: float = 10.0
    """Seconds after which it is killed, with all its children."""
    concurrency: int = 2
    """Programs at the same time."""
    send_resolved: bool = True


def _options(options: OptionReader) -> Hook:
    return Hook(**options.values("command", "timeout", "concurrency", "send_resolved"))


class HookSender(QueuedSender):
    """Starts a program for each notice.

    Args:
        config: of the receiver.
        target: its part that is about the program.
        tools: of the machine.
    """

    def __init__(self, config: ReceiverConfig, target: Hook, tools: Tools) -> None:
        super().__init__(
            config, tools, shown=target.command[0], send_resolved=target.send_resolved
        )
        self._target = target
        self._busy: set[str] = set()

    async def run(self) -> None:
        """Start programs until cancelled."""
        async with trio.open_nursery() as programs:
            while True:
                self._wanted = trio.Event()
                while (content := self._next()) is not None:
                    self._busy.add(content.console)
                    programs.start_soon(self._deliver, content)
                await self._wanted.wait()

    def _next(self) -> Envelope | None:
        """Remove and return the oldest notice that may be delivered now."""
        if len(self._busy) >= self._target.concurrency:
            return None
        for index, content in enumerate(self._notices):
            if content.console not in self._busy:
                del self._notices[index]
                return content
        return None

    async def _deliver(self, content: Envelope) -> None:
        try:
            outcome = await self._try_once(content)
        finally:
            self._busy.discard(content.console)
            self._wanted.set()
        self._count(outcome)

    async def _try_once(self, content: Envelope) -> Outcome:
        problem = await execute(self._target, content.body)
        return Outcome(problem is None, problem or "exit status 0")


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
        # It has closed its input: it does not read all of it.
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


def command(value: object) -> tuple[str, ...]:
    """Return a command: arguments, the program's absolute path first.

    Raises:
        ValueError: it is none.
    """
    form = '["/usr/local/bin/page", "--now"], the program with its absolute path'
    if isinstance(value, str):
        raise refusal(value, f"{form}; no shell reads it")
    words = list_of(word, form, minimum=1)(value)
    if not words[0].startswith("/"):
        raise refusal(words[0], form)
    return words


KIND = ReceiverKind(
    name="exec",
    help="A program that is started for each notice. It gets the JSON on its standard"
    " input.",
    keys={
        "command": Key(
            command,
            "The program and its arguments, run without a shell.",
            example=["/usr/local/bin/page", "--now"],
        ),
        "timeout": Key(
            duration(0.1, 3600),
            "How long it may run: then it is killed, with all its children.",
        ),
        "concurrency": Key(
            integer(1, 64),
            "How many of these programs may run at the same time; those of one console"
            " run one after the other.",
        ),
        **RESOLVED_KEYS,
    },
    required="command",
    options=Hook,
    build=_options,
    sender=HookSender,
)
