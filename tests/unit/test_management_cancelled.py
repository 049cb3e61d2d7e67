"""What a person no longer waits for ends: the command under way, and the thread."""

from __future__ import annotations

import trio

from solrecd.sources.ipmi.management import Management


async def test_a_task_that_is_cancelled_ends_its_command_and_its_thread() -> None:
    under_way, ended = trio.Event(), trio.Event()
    asked = 0

    async def request(
        netfn: int, command: int, data: bytes = b"", *, lun: int = 0
    ) -> None:
        nonlocal asked
        asked += 1
        under_way.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    threads = trio.CapacityLimiter(1)
    management = Management(request, threads)  # type: ignore[arg-type]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(management.power)
            await under_way.wait()
            nursery.cancel_scope.cancel()
        await ended.wait()
        while threads.borrowed_tokens:  # noqa: ASYNC110 - a thread gives it back
            await trio.sleep(0.01)

    assert asked == 1
