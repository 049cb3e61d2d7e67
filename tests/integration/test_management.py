"""pyghmi over the session that records: on the simulated BMC and on OpenIPMI's."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from solrecd.config import Secret
from solrecd.events.gaps import Gap
from solrecd.events.sessions import Lost, SessionState
from solrecd.events.wire_counts import WireCounts
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Misbehaviour, Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.machine import Machine, NumberedLines, numbered
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.base import PowerAction
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.link.dialer import Dialer
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.management import Management, ManagementError
from solrecd.sources.ipmi.options import IpmiOptions
from solrecd.sources.ipmi.protocol.events import CommandAnswered
from tests.support import ipmi_sim
from tests.support.configs import bmc_options
from tests.support.ipmi_sim import HOST, PASSWORD, USERNAME, IpmiSim
from tests.support.peers import need
from tests.support.unguarded import Unguarded

TIMEOUT = 60.0
"""Seconds for what normally takes less than one."""

PANIC = struct.pack("<BIHBBBBBBB", 0x02, 0x10, 0x20, 4, 0x20, 0, 0x6F, 0xA1, 0, 0)
"""A standard entry (§32.1): OS stop, "OS crash"."""

VENDORS = b"\xe0" + b"\x01" * 13
"""An entry that only its vendor understands (§32.3)."""


class Recording:
    """Stands for a console: takes every byte."""

    guard = Unguarded()

    def __init__(self) -> None:
        self.output = bytearray()
        self.counts = WireCounts()
        self.up = trio.Event()
        self.power: list[bool | None] = []

    @property
    def offset(self) -> int:
        return len(self.output)

    def record(self, data: bytes) -> bool:
        self.output += data
        return True

    def mark_restart(self, since: int, *, output_waited: bool) -> None:
        raise AssertionError(since)

    def resumed(self) -> None:
        """A gap ends; no test here needs it."""

    def line_seen(self, ago: float) -> None:
        """The payload is not ours; no test here needs it."""

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        raise AssertionError("nothing is typed here")

    def mark_loss(self, gap: Gap) -> None:
        raise AssertionError(gap)

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        if state is SessionState.UP:
            self.up.set()

    def power_seen(self, *, on: bool | None) -> None:
        self.power.append(on)


class Managed:
    """A console that is recorded and managed at the same time."""

    def __init__(self, keeper: Keeper, recording: Recording) -> None:
        self.recording = recording
        self.bmc = Management(keeper.request, trio.CapacityLimiter(1))

    async def until(self, condition: Callable[[], bool]) -> None:
        with trio.fail_after(TIMEOUT):
            while not condition():  # noqa: ASYNC110 - threads and processes
                await trio.sleep(0.02)


@asynccontextmanager
async def managed(config: IpmiOptions) -> AsyncIterator[Managed]:
    """Record a console; return once its session is up."""
    hub = Hub(lambda _: None)
    recording = Recording()
    keeper = Keeper(
        config,
        Dialer(hub, 8, lambda _name: Unguarded()),
        recording,
        rng=random.Random(1),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        async with trio.open_nursery() as inner:
            inner.start_soon(keeper.run)
            with trio.fail_after(TIMEOUT):
                await recording.up.wait()
            yield Managed(keeper, recording)
            inner.cancel_scope.cancel()
        nursery.cancel_scope.cancel()


def console_config(host: str, port: int, username: str, password: str) -> IpmiOptions:
    return bmc_options(
        "node1",
        host=host,
        port=port,
        username=username.encode(),
        password=Secret(password.encode()),
    )


# The simulated BMC.


@pytest.fixture
async def member() -> AsyncIterator[Member]:
    """Return a served BMC whose machine prints numbered lines all the time."""
    options = BmcOptions(
        users=(User(b"recorder", b"secret"),),
        sol=SolSettings(buffers_without_owner=True, retry_interval=0.05),
    )
    machine = Machine(NumberedLines("node1", rate=100))
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield fleet.add(Bmc(options, machine))
            nursery.cancel_scope.cancel()


@pytest.fixture
async def node(member: Member) -> AsyncIterator[Managed]:
    """Return that BMC's console, recorded."""
    config = console_config(member.host, member.port, "recorder", "secret")
    async with managed(config) as one:
        yield one


async def test_power_is_read_and_set_while_output_flows(node: Managed) -> None:
    before = await node.bmc.power()
    await node.bmc.set_power(PowerAction.OFF)
    off = await node.bmc.power()
    await node.bmc.set_power(PowerAction.ON)
    length = len(node.recording.output)
    await node.until(lambda: len(node.recording.output) > length + 1000)

    assert (before, off, await node.bmc.power()) == (
        PowerAction.ON,
        PowerAction.OFF,
        PowerAction.ON,
    )
    recorded = bytes(node.recording.output)
    assert recorded == numbered("node1", 0, len(recorded))


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_power_cycle_ends_with_the_power_on(
    node: Managed, member: Member, *, is_on: bool
) -> None:
    if not is_on:
        await node.bmc.set_power(PowerAction.OFF)

    await node.bmc.set_power(PowerAction.CYCLE)

    await node.until(lambda: member.bmc.machine.power_on)


async def test_an_answer_cut_short_is_the_bmcs_fault() -> None:
    async def answer(*_: object, **__: object) -> CommandAnswered:
        await trio.lowlevel.checkpoint()
        return CommandAnswered(1, 0, b"\x01")

    bmc = Management(answer, trio.CapacityLimiter(1))

    with pytest.raises(ManagementError, match="nonsense"):
        await bmc.recent_events(3)


async def test_the_event_log_is_read_in_order(node: Managed, member: Member) -> None:
    member.bmc.controller.event_log += [PANIC, VENDORS]

    first, second = await node.bmc.event_log()

    assert (first.number, first.severity, first.asserted) == (1, "failed", True)
    assert first.component.startswith("OS Stop")
    assert first.at is not None
    assert abs(first.at / 1e6 - time.time()) < 10 * 365 * 86400
    assert (second.number, second.text) == (2, f"vendor's data {'01' * 13}")


@pytest.mark.parametrize(("entries", "numbers"), [(25, [23, 24, 25]), (2, [1, 2])])
async def test_only_the_end_of_a_long_log_is_read(
    node: Managed, member: Member, entries: int, numbers: list[int]
) -> None:
    member.bmc.controller.event_log += [PANIC] * entries

    found = await node.bmc.recent_events(3)

    assert [each.number for each in found] == numbers
    assert found[-1].severity == "failed"


async def test_of_an_empty_log_there_is_no_end(node: Managed) -> None:
    assert await node.bmc.recent_events(3) == []


async def test_an_empty_event_log_is_empty(node: Managed) -> None:
    assert await node.bmc.event_log() == []


async def test_what_the_bmc_refuses_is_one_line(node: Managed, member: Member) -> None:
    member.bmc.misbehaviour = Misbehaviour(refusals={(0x00, 0x02): 0xD4})

    with pytest.raises(ManagementError, match="privilege"):
        await node.bmc.set_power(PowerAction.OFF)


async def test_without_a_session_it_says_so(node: Managed, member: Member) -> None:
    member.bmc.inject(Mishap.MUTE, trio.current_time())

    with pytest.raises(ManagementError, match="no answer to command"):
        await node.bmc.power()


async def test_a_cancelled_task_leaves_no_thread_behind(
    node: Managed, member: Member
) -> None:
    member.bmc.inject(Mishap.MUTE, trio.current_time())

    with trio.move_on_after(0.2) as scope:
        await node.bmc.event_log()

    assert scope.cancelled_caught


# A third-party BMC.


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[IpmiSim]:
    """Return a running ipmi_sim."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    with IpmiSim(tmp_path / "bmc", history=1 << 16) as simulator:
        yield simulator


async def test_ipmi_sim_is_managed_while_its_output_is_recorded(
    peer: IpmiSim,
) -> None:
    printed = b"".join(b"line %06d\r\n" % index for index in range(500))
    config = console_config(HOST, peer.port, USERNAME, PASSWORD)

    async with managed(config) as node:
        await node.until(lambda: bool(node.recording.power))
        peer.wire.emit(printed)
        log = await node.bmc.event_log()
        await node.until(lambda: len(node.recording.output) == len(printed))
        peer.wire.emit(printed)
        power = await node.bmc.power()
        await node.until(lambda: len(node.recording.output) == 2 * len(printed))

    assert node.recording.output == printed * 2
    assert node.recording.power[0] is (power is PowerAction.ON)
    assert isinstance(log, list)
