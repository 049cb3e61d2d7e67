"""What the whole daemon understands: boots that hang, restarts, limits, shells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import trio

from solrecd.api.client import Client
from solrecd.config import Config
from solrecd.events.stages import Stage
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from tests.integration import test_daemon
from tests.integration.test_daemon import until

FIRMWARE = b"SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n"
KERNEL = b"[    0.000000] Linux version 6.1.0-1 (builder@example.org) (gcc) #1\r\n"
PANIC = (
    b"[    2.000000] Kernel panic - not syncing: Attempted to kill init!\r\n"
    b"[    2.000001] ---[ end Kernel panic - not syncing: Attempted to kill init! ]"
    b"---\r\n"
)
CHATTER = b"[    1.000000] example: nothing of importance\r\n" * 60
"""As much as the BMC's buffer takes."""
LOGIN = b"\r\nnode01 login: "


class Site(test_daemon.Site):
    """A site whose stages have limits of our choice."""

    stages: Mapping[str, float] = MappingProxyType({})

    def config(self) -> Config:
        """Return the configuration as it is now."""
        return replace(super().config(), stages=self.stages)

    async def status(self, name: str) -> Mapping[str, Any]:
        """Ask the daemon for all about a console."""
        client = Client(str(self.folder / "control.sock"))
        row: Mapping[str, Any] = await trio.to_thread.run_sync(
            client.get, f"/v1/consoles/{name}"
        )
        return row

    def print(self, name: str, data: bytes) -> None:
        """Let a machine print."""
        names = list(self.consoles)
        member = self.fleet.members[names.index(name)]
        member.bmc.console_output(data, trio.current_time())
        self.fleet.poke(member)


async def print_long(site: Site) -> None:
    """Print more packets than a restart reads again."""
    ledger = site.fleet.members[0].bmc.ledger
    for _ in range(60):
        acknowledged = ledger.acknowledged + len(CHATTER)
        site.print("node1", CHATTER)
        await until(partial(_reached, ledger, acknowledged))


def _reached(ledger: Ledger, acknowledged: int) -> bool:
    return ledger.acknowledged >= acknowledged


async def wait_left_logged_in(site: Site, *, expected: bool) -> None:
    with trio.fail_after(test_daemon.TIMEOUT):
        while (await site.status("node1"))["left_logged_in"] is not expected:  # noqa: ASYNC110
            await trio.sleep(0.05)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Return a site with one silent machine, ``node1``."""
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            site = Site(tmp_path, fleet)
            options = BmcOptions(
                users=(User(b"recorder", b"secret"),),
                sol=SolSettings(buffers_without_owner=True, retry_interval=0.05),
            )
            site.add(Bmc(options, Machine(Echo()), ledger=Ledger()), "node1")
            yield site
            nursery.cancel_scope.cancel()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the clock more often."""
    monkeypatch.setattr("solrecd.console.interpret_loop.CHECK_EVERY", 0.1)


@pytest.mark.usefixtures("quick")
async def test_a_boot_that_hangs_is_told_once_and_cleared_when_it_moves(
    site: Site,
) -> None:
    site.stages = {Stage.KERNEL: 0.5}

    async with site.recording():
        await site.wait("node1", session="up")
        site.print("node1", FIRMWARE + KERNEL)
        stuck = await site.wait("node1", outcome="stuck")
        site.print("node1", LOGIN)
        moved = await site.wait("node1", outcome="ok")

    assert (stuck["stage"], moved["stage"]) == ("kernel", "login")
    assert site.events("node1", "stuck") == [("kernel", 1)]


@pytest.mark.usefixtures("quick")
async def test_a_restart_tells_a_hanging_boot_no_second_time(site: Site) -> None:
    site.stages = {Stage.KERNEL: 0.5}

    async with site.recording():
        await site.wait("node1", session="up")
        site.print("node1", FIRMWARE + KERNEL)
        await site.wait("node1", outcome="stuck")
    async with site.recording():
        await site.wait("node1", session="up", outcome="stuck")
        await trio.sleep(0.5)

    assert site.events("node1", "stuck") == [("kernel", 1)]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("printed", "outcome", "gauge"),
    [
        (KERNEL, "stuck", "solrecd_boot_stuck"),
        (KERNEL + PANIC, "failed", "solrecd_boot_failed"),
    ],
)
async def test_a_restart_does_not_take_an_alert_back(
    site: Site, printed: bytes, outcome: str, gauge: str
) -> None:
    site.stages = {Stage.KERNEL: 0.5}

    async with site.recording() as before:
        await site.wait("node1", session="up")
        site.print("node1", FIRMWARE + printed)
        await site.wait("node1", outcome=outcome)
        told_before = before._metrics.render().decode()
    async with site.recording() as after:
        await site.wait("node1", session="up", outcome=outcome)
        told_after = after._metrics.render().decode()

    assert f'\n{gauge}{{console="node1"}} 1\n' in told_before
    assert f'\n{gauge}{{console="node1"}} 1\n' in told_after


async def test_a_restart_knows_what_the_boot_printed_long_ago(site: Site) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        site.print("node1", FIRMWARE + KERNEL)
        await site.wait("node1", stage="kernel")
        await print_long(site)
    (before,) = site.boots("node1")
    async with site.recording():
        row = await site.wait("node1", session="up")
        site.print("node1", LOGIN)
        await site.wait("node1", outcome="ok")
    (after,) = site.boots("node1")

    assert row["stage"] == "kernel"
    assert after["bytes"] == len(site.raw("node1"))
    assert after["kernel"] == before["kernel"] == "6.1.0-1"
    assert {**after["stages"], **before["stages"]} == after["stages"]
    assert site.events("node1", "stage") == [
        ("firmware", 1),
        ("kernel", 1),
        ("login", 1),
    ]


@pytest.mark.usefixtures("quick")
async def test_limits_that_a_reload_changed_reach_live_consoles(site: Site) -> None:
    site.stages = {Stage.KERNEL: 600.0}

    async with site.recording() as daemon:
        await site.wait("node1", session="up")
        site.print("node1", FIRMWARE + KERNEL)
        await site.wait("node1", stage="kernel", outcome="running")
        site.stages = {Stage.KERNEL: 0.5}
        await daemon._supervisor.reload(dry_run=False)
        await site.wait("node1", outcome="stuck")


async def test_gaps_are_counted_with_the_boot(site: Site) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        site.print("node1", FIRMWARE + KERNEL)
        await site.wait("node1", stage="kernel")
    async with site.recording():
        await site.wait("node1", session="up")
        site.print("node1", LOGIN)
        await site.wait("node1", outcome="ok")

    assert [boot["gaps"] for boot in site.boots("node1")] == [1]


@pytest.mark.usefixtures("quick")
async def test_a_shell_that_was_left_open_is_told_once_until_it_changes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solrecd.console.left_shell.LEFT_AFTER", 500_000)

    async with site.recording():
        await site.wait("node1", session="up")
        site.print("node1", KERNEL + LOGIN + b"root\r\n\x1b[?2004hroot@node01:~# ")
        await wait_left_logged_in(site, expected=True)
        site.print("node1", b"exit\r\nlogout\r\n" + LOGIN)
        await wait_left_logged_in(site, expected=False)

    assert site.events("node1", "operator") == [("console_left_logged_in", 1)]
