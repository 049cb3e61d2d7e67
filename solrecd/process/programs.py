"""Programs that are run for their output: ended within seconds, whatever they do.

Not `trio.run_process`: cancelled, it waits for the program without a limit, and one
that hangs in the kernel does not even end when it is killed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

POLITENESS: Final = 1.0
"""Seconds from SIGTERM to SIGKILL: time to remove what is half done."""

REAPING: Final = 0.5
"""Seconds that a killed program has to end; then it is left to init."""


@dataclass(slots=True)
class Ended:
    """What a program has left."""

    status: int = 0
    """Exit status; negative: the signal that ended it."""
    output: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)


async def run_program(command: Sequence[str]) -> Ended:
    """Run a program, without input, and return its output.

    Cancelled, it is terminated, and killed after `POLITENESS`.

    Raises:
        OSError: it cannot be started.
    """
    ended = Ended()
    process = await trio.lowlevel.open_process(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_read, process.stdout, ended.output)
            nursery.start_soon(_read, process.stderr, ended.errors)
            ended.status = await process.wait()
    finally:
        await _end(process)  # noqa: ASYNC102 - it has shields and limits
    return ended


async def _read(stream: trio.abc.ReceiveStream | None, content: bytearray) -> None:
    if stream is not None:
        async for piece in stream:
            content += piece


async def _end(process: trio.Process) -> None:
    if process.returncode is None:
        process.terminate()
        with trio.move_on_after(POLITENESS, shield=True):
            await process.wait()
    if process.returncode is None:
        process.kill()
        with trio.move_on_after(REAPING, shield=True):
            await process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            await trio.aclose_forcefully(stream)
