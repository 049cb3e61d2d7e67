"""Commands of others over a live session: answers find who asked."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
import trio

from solrecd.config import Secret
from solrecd.events.gaps import Gap
from solrecd.events.wire_counts import WireCounts
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.machine import ChassisControl
from solrecd.sources.ipmi.link.base import RequestError
from solrecd.sources.ipmi.link.dialer import Dialer
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.link.sol import SolLink
from solrecd.sources.ipmi.protocol.events import CommandFailed, LoggedIn
from tests.support.configs import bmc_options
from tests.support.unguarded import Unguarded

TIMEOUT = 60.0


class NoConsole:
    """Records nothing: no payload is activated here."""

    guard = Unguarded()

    offset = 0
    counts = WireCounts()

    def record(self, data: bytes) -> bool:
        return True

    def resumed(self) -> None:
        """A gap ends; no test here needs it."""

    def line_seen(self, ago: float) -> None:
        """The payload is not ours; no test here needs it."""

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        raise AssertionError("nothing is typed here")

    def mark_loss(self, gap: Gap) -> None:
        raise AssertionError(gap)

    def mark_restart(self, since: int, *, output_waited: bool) -> None:
        raise AssertionError(since)


@pytest.fixture
async def member() -> AsyncIterator[Member]:
    """Return a BMC that is served."""
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield fleet.add(Bmc())
            nursery.cancel_scope.cancel()


@pytest.fixture
async def link(member: Member) -> AsyncIterator[SolLink]:
    """Return a link that is logged in."""
    hub = Hub(lambda _: None)
    dialer = Dialer(hub, 8, lambda _name: Unguarded())
    config = bmc_options(
        "node1",
        host=member.host,
        port=member.port,
        username=b"recorder",
        password=Secret(b"secret"),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        link = dialer.link(config, await dialer.resolve(config), NoConsole())
        link.open()
        with trio.fail_after(TIMEOUT):
            assert isinstance(await link.next_event(), LoggedIn)
        yield link
        link.close()
        nursery.cancel_scope.cancel()


async def test_many_who_ask_at_once_get_each_their_own_answer(link: SolLink) -> None:
    codes: dict[int, int] = {}

    async def ask(command: int) -> None:
        codes[command] = (await link.request(0x06, command)).code

    async with trio.open_nursery() as nursery:
        for command in (0x01, 0x7E, 0x37, 0x7F):
            nursery.start_soon(ask, command)

    assert codes == {0x01: 0, 0x7E: 0xC1, 0x37: 0, 0x7F: 0xC1}


async def test_a_sender_that_gives_up_waiting_disturbs_no_other(
    link: SolLink, member: Member
) -> None:
    member.bmc.inject(Mishap.MUTE, trio.current_time())
    with trio.move_on_after(0.05):
        await link.request(0x06, 0x01)
    member.bmc.inject(Mishap.UNMUTE, trio.current_time())

    answer = await link.request(0x00, 0x01)

    assert answer.data[0] & 1 == 1


async def test_a_link_that_closes_tells_all_who_wait(
    link: SolLink, member: Member
) -> None:
    member.bmc.inject(Mishap.MUTE, trio.current_time())
    answers: list[object] = []
    link.commands.ask(0x00, 0x01, (1.0,), answers.append)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_expect_refusal, link)
        await trio.testing.wait_all_tasks_blocked(0.01)
        link.close()

    assert [type(answer) for answer in answers] == [CommandFailed]


async def _expect_refusal(link: SolLink) -> None:
    with pytest.raises(RequestError, match="it may have been executed"):
        await link.request(0x06, 0x01)


async def test_the_power_is_told_and_told_again_when_it_changes(
    link: SolLink, member: Member
) -> None:
    send, told = trio.open_memory_channel[bool | None](10)
    link.watch_power(send.send_nowait, random.Random(1))

    with trio.fail_after(TIMEOUT):
        before = await told.receive()
        member.bmc.controller.control(ChassisControl.POWER_DOWN, trio.current_time())
        link.ask_power_soon(0)
        after = await told.receive()

    assert (before, after) == (True, False)
