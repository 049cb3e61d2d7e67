"""Work in threads, each of which may be left behind: the only home of `to_thread`.

A disk, a name server or a directory service that does not answer holds the thread that
asked it in the kernel, where nothing can end it. So what waits for a thread here can
be cancelled at once; the thread goes on for as long as it likes, its result is dropped.
Work must bear that: it changes nothing that may have been changed meanwhile.
What a thread does is its name, by which a stop that gave up waiting tells it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

import trio

_BETWEEN = "; then "

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


@dataclass(frozen=True, slots=True)
class Job:
    """What threads of one kind do."""

    name: str
    """What is waited for, as in "gave up waiting for ..."."""
    afterwards: str
    """What becomes of it where a stop gives up: ``the next start ...``."""

    @property
    def thread_name(self) -> str:
        """Name of a thread while it does this."""
        return f"{self.name}{_BETWEEN}{self.afterwards}"


async def in_thread(
    job: Job,
    work: Callable[[*Arguments], T],
    *arguments: *Arguments,
    limiter: trio.CapacityLimiter | None = None,
) -> T:
    """Do some work in a thread, which is left behind when this is cancelled.

    Args:
        job: what it is.
        work: may block.
        arguments: of the work.
        limiter: holds a token until the work is really over, abandoned or not.

    Raises what the work raises.
    """
    return await trio.to_thread.run_sync(
        work,
        *arguments,
        limiter=limiter,
        abandon_on_cancel=True,
        thread_name=job.thread_name,
    )


def hanging() -> list[Job]:
    """Return what threads of this process do just now, each kind once."""
    names = dict.fromkeys(thread.name for thread in threading.enumerate())
    parts = [name.partition(_BETWEEN) for name in names]
    return [Job(name, afterwards) for name, found, afterwards in parts if found]
