"""The mailbox between a session and its keeper."""

from __future__ import annotations

import trio
import trio.testing

from solrecd.sources.ipmi.link.event_queue import EventQueue
from solrecd.sources.ipmi.protocol.events import SolAvailable, SolBreak, SolUnavailable


async def test_events_are_taken_in_order() -> None:
    box = EventQueue(limit=2)
    box.post(SolBreak())
    box.post(SolAvailable())

    assert [await box.take(), await box.take()] == [SolBreak(), SolAvailable()]


async def test_the_reader_waits_for_an_event() -> None:
    box = EventQueue(limit=2)
    taken = []

    async def read() -> None:
        taken.append(await box.take())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        box.post(SolBreak())

    assert taken == [SolBreak()]


async def test_one_event_too_many_closes_the_box() -> None:
    box = EventQueue(limit=1)
    box.post(SolBreak())
    box.post(SolAvailable())

    assert await box.take() == SolBreak()
    assert await box.take() is None


async def test_a_closed_box_ends_the_wait() -> None:
    box = EventQueue(limit=1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.take)
        await trio.testing.wait_all_tasks_blocked()
        box.close()
        box.post(SolUnavailable())

    assert await box.take() is None


async def test_a_cancelled_reader_takes_nothing() -> None:
    box = EventQueue(limit=1)
    box.post(SolBreak())

    with trio.move_on_after(0) as scope:
        await box.take()

    assert scope.cancelled_caught
    assert await box.take() == SolBreak()
