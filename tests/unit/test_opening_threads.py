"""Work in threads: few at a time, and none waits for the disk of others."""

import threading
import time
from collections.abc import Callable

import pytest
import trio
import trio.testing

from solrecd.storage.archive.opening_threads import OpeningThreads


class Gauge:
    """Counts who works at the same time."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.002)
        with self._lock:
            self._now -= 1


async def run_many(
    threads: OpeningThreads, work: Callable[[], object], count: int
) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(threads.run, work)


async def test_a_few_work_at_the_same_time() -> None:
    gauge = Gauge()

    await run_many(OpeningThreads(at_once=3), gauge.work, 30)

    assert gauge.most == 3


async def test_a_disk_that_hangs_keeps_no_console_from_another_disk() -> None:
    threads, disk = OpeningThreads(at_once=2, timeout=0.02), threading.Event()

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(threads.run, disk.wait)
        await trio.testing.wait_all_tasks_blocked()
        try:
            with trio.fail_after(5):
                answer = await threads.run(lambda: "mine works")
        finally:
            disk.set()

    assert answer == "mine works"


async def test_patience_is_lost_once_and_not_for_each_who_hangs() -> None:
    timeout, hanging = 0.1, 30
    threads, disk = OpeningThreads(at_once=2, timeout=timeout), threading.Event()

    async with trio.open_nursery() as nursery:
        for _ in range(hanging):
            nursery.start_soon(threads.run, disk.wait)
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        try:
            with trio.fail_after(hanging * timeout):
                await threads.run(lambda: None)
        finally:
            disk.set()

    assert timeout / 2 < trio.current_time() - began < hanging * timeout / 2


async def test_after_a_disk_has_hung_it_is_a_few_again() -> None:
    threads, disk, gauge = (
        OpeningThreads(at_once=2, timeout=0.3),
        threading.Event(),
        Gauge(),
    )
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(threads.run, disk.wait)
        await threads.run(lambda: None)
        disk.set()

    await run_many(threads, gauge.work, 20)

    assert gauge.most <= 2


async def test_what_the_work_raises_is_raised() -> None:
    threads = OpeningThreads()

    with pytest.raises(OSError, match="no such disk"):
        await threads.run(lambda: _fail("no such disk"))

    assert await threads.run(lambda: 1) == 1


def _fail(message: str) -> None:
    raise OSError(message)
