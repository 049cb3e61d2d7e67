"""Connected but silent: a serial line that a BMC has lost is found and brought back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from solrecd.console.interpret_loop import CHECK_EVERY
from solrecd.console.silence import SILENT_AFTER
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Misbehaviour, Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.machine import ChassisControl
from solrecd.sources.ipmi.protocol.constants import NetFn
from tests.integration.test_daemon import Site, until

BANNER = b"[    0.000000] Linux version 6.1.0 (builder@example.org) (gcc) #1\r\n"
LOGIN = b"\r\nDebian GNU/Linux 12 node1 ttyS0\r\n\r\nnode1 login: "


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


async def say(site: Site, member: Member, text: bytes) -> None:
    """Let the machine print something, and wait until it is acknowledged."""
    bmc = member.bmc
    goal = bmc.ledger.acknowledged + len(text)
    bmc.console_output(text, trio.current_time())
    site.fleet.poke(member)
    await until(lambda: bmc.ledger.acknowledged >= goal)


def wait_long(site: Site) -> None:
    """Let more time pass than a machine that boots may be silent."""
    site.later += SILENT_AFTER


async def test_a_machine_that_boots_into_a_lost_line_is_heard_again(
    site: Site,
) -> None:
    bmc = Bmc()
    member = site.add(bmc, "node1")

    async with site.recording():
        await site.wait("node1", session="up", power="on")
        await say(site, member, BANNER)
        bmc.inject(Mishap.SERIAL_LOST, trio.current_time())
        bmc.console_output(b"never heard\r\n", trio.current_time())
        wait_long(site)
        await until(lambda: not bmc.misbehaviour.serial_lost)
        await site.wait("node1", session="up")
        await say(site, member, b"[    9.000000] heard again\r\n")
        wait_long(site)
        await trio.sleep(1.5 * CHECK_EVERY)

    text = site.text("node1")
    assert text.count("without a session (silent); no output for 12") == 1
    assert text.index("(silent)") < text.index("heard again")
    assert site.events("node1", "session") == [
        ("up", None),
        ("connecting", 1),
        ("up", 1),
    ]
    assert site.events("node1", "gap") == [("session", 1)]


@pytest.mark.parametrize("quiet", ["login", "off", "unknown", "never understood"])
async def test_a_machine_with_a_reason_to_be_silent_is_left_alone(
    site: Site, quiet: str
) -> None:
    bmc = Bmc()
    member = site.add(bmc, "node1")
    if quiet == "unknown":
        bmc.misbehaviour = Misbehaviour(refusals={(NetFn.CHASSIS, 0x01): 0xC1})

    async with site.recording():
        await site.wait("node1", session="up")
        await say(site, member, b"hello\r\n" if quiet == "never understood" else BANNER)
        if quiet == "login":
            await say(site, member, LOGIN)
            await site.wait("node1", stage="login")
        if quiet == "off":
            site.switch(member, ChassisControl.POWER_DOWN)
            await site.wait("node1", power="off")
        if quiet != "off":
            await site.wait("node1", power="unknown" if quiet == "unknown" else "on")
        wait_long(site)
        await trio.sleep(1.5 * CHECK_EVERY)

    assert "silent" not in site.text("node1")
    assert [name for name, _ in site.events("node1", "session")] == ["up"]
