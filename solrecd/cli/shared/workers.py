"""Jobs shared out among forked processes, their output in the jobs' order.

`multiprocessing` takes as long to import and to start as a whole search of a small
archive; a fork and a pipe do not. Jobs are few and large (a console's archive), so who
is free takes the next one, out of a pipe that holds their numbers.
"""

from __future__ import annotations

import os
import selectors
import struct
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NamedTuple

from solrecd.cli.program import CommandError

MAX_BUFFERED = 64 << 20
"""Bytes of output that wait for that of an earlier job; a job with more waits."""

MAX_JOBS = 16_000
"""Numbers that fit a pipe (64 KiB) at once; more jobs are taken several at a time."""

_NUMBER = struct.Struct("<I")
_HEAD = struct.Struct("<IBI")
_END = 0
_BLOCK = 256 * 1024


class Message(NamedTuple):
    """Something a job tells."""

    job: int
    kind: int
    """1 to 255, the job's own; 0: it is done."""
    data: bytes


Work = Callable[[int], Iterator[tuple[int, bytes]]]
"""Does a job, given its number; yields kinds and data of what it has to tell."""


def run(count: int, work: Work, processes: int) -> Generator[Message, None, None]:
    """Do jobs 0 to count - 1; yield what they tell in their order.

    Args:
        count: of the jobs.
        work: does one; runs in another process, unless ``processes`` is 1.
        processes: how many at most.

    Raises:
        CommandError: a process ended before its work was done.
    """
    processes = min(processes, count)
    if processes <= 1:
        yield from _run_here(count, work)
        return
    pool = _Pool(count, work, processes)
    try:
        yield from pool.messages()
    finally:
        pool.close()


def _run_here(count: int, work: Work) -> Iterator[Message]:
    for job in range(count):
        for kind, data in work(job):
            yield Message(job, kind, data)
        yield Message(job, _END, b"")


class _Worker:
    """A forked process as its parent sees it."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.pipe = pipe
        self.job = -1
        """That it told something of last."""
        self._rest = b""

    def read(self) -> list[Message] | None:
        """Return what has come; None at the end."""
        block = os.read(self.pipe, _BLOCK)
        if not block:
            return None
        data = self._rest + block
        place = 0
        messages = []
        while len(data) - place >= _HEAD.size:
            job, kind, size = _HEAD.unpack_from(data, place)
            end = place + _HEAD.size + size
            if end > len(data):
                break
            messages.append(Message(job, kind, data[place + _HEAD.size : end]))
            place, self.job = end, job
        self._rest = data[place:]
        return messages


class _Pool:
    """The processes, and what they told too early."""

    def __init__(self, count: int, work: Work, processes: int) -> None:
        self._count = count
        self._waiting: dict[int, list[Message]] = {}
        self._buffered = 0
        self._next = 0
        sys.stdout.flush()
        sys.stderr.flush()
        numbers, feed = os.pipe()
        step = -(-count // MAX_JOBS)
        with open(feed, "wb") as pipe:  # noqa: PTH123 - it is a descriptor
            pipe.write(b"".join(map(_NUMBER.pack, range(0, count, step))))
        starts = (numbers, step, count)
        self._workers = [_fork(starts, work) for _ in range(processes)]
        os.close(numbers)

    def messages(self) -> Iterator[Message]:
        """Yield what all jobs tell, in their order."""
        running = list(self._workers)
        while self._next < self._count:
            for worker in _readable(self._served(running)):
                messages = worker.read()
                if messages is None:
                    running.remove(worker)
                else:
                    yield from self._sort(messages)
            if not running and self._next < self._count:
                raise CommandError("a process of this search was ended; try again")

    def _served(self, running: Sequence[_Worker]) -> Sequence[_Worker]:
        """Return the workers to listen to: all, or while much waits, the next one."""
        if self._buffered < MAX_BUFFERED:
            return running
        return [worker for worker in running if worker.job <= self._next] or running

    def _sort(self, messages: Sequence[Message]) -> Iterator[Message]:
        for message in messages:
            self._waiting.setdefault(message.job, []).append(message)
            self._buffered += len(message.data)
        while self._next in self._waiting:
            for message in self._waiting.pop(self._next):
                self._buffered -= len(message.data)
                yield message
                if message.kind == _END:
                    self._next += 1
                    break
            else:
                return

    def close(self) -> None:
        """End the processes, done or not."""
        for worker in self._workers:
            # Who still writes is told so by SIGPIPE.
            os.close(worker.pipe)
        for worker in self._workers:
            os.waitpid(worker.pid, 0)


def _readable(workers: Sequence[_Worker]) -> list[_Worker]:
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.pipe, selectors.EVENT_READ, worker)
        return [key.data for key, _ in selector.select()]


def _fork(starts: tuple[int, int, int], work: Work) -> _Worker:
    readable, writable = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writable)
        return _Worker(pid, readable)
    status = 1
    try:
        os.close(readable)
        _serve(starts, work, writable)
        status = 0
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except BaseException:
        # Its own words; the parent says that the search failed.
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        # Nothing of the parent's may be flushed or cleaned up twice.
        os._exit(status)


def _serve(starts: tuple[int, int, int], work: Work, pipe: int) -> None:
    """Do jobs until there are none left."""
    numbers, step, count = starts
    while start := os.read(numbers, _NUMBER.size):
        first = _NUMBER.unpack(start)[0]
        for job in range(first, min(first + step, count)):
            for kind, data in work(job):
                _tell(pipe, job, kind, data)
            _tell(pipe, job, _END, b"")


def _tell(pipe: int, job: int, kind: int, data: bytes) -> None:
    message = memoryview(_HEAD.pack(job, kind, len(data)) + data)
    while message:
        message = message[os.write(pipe, message) :]
