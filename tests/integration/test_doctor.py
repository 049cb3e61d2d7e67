"""`solrecctl doctor` at simulated BMCs that are set wrongly, and at OpenIPMI's."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.config import Secret
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Misbehaviour, Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.storage.index import FILE_NAME, Index
from tests.integration.test_attach import run
from tests.integration.test_daemon import TIMEOUT, Site
from tests.integration.test_management import PANIC
from tests.support import ipmi_sim
from tests.support.attached import solrecctl
from tests.support.configs import changed
from tests.support.ipmi_sim import PASSWORD, USERNAME, IpmiSim
from tests.support.peers import need

HEALTHY = """\
node1
  ok   reachable       127.0.0.1:PORT answers (ping, IPMI)
  ok   rmcp+           IPMI 2.0 sessions
  ok   cipher suites   offers 3, 17; configured 17, 3
  ok   session         up for N s as 'recorder', suite 17
  ok   user            'recorder' (user 2), up to Administrator
  ok   payload access  the user may have SoL
  ok   sol             switched on
  ok   encryption      not forced; ours is always encrypted
  ok   bit rate        115200 baud, as the machine
  ok   accumulation    60 ms or 96 characters
  ok   retry           7 times, each 1000 ms
  ok   privilege       Operator; SoL needs User
  ok   payload         ours
  ok   power           on
  ok   mux             the serial line goes to the BMC
  ok   network         0 of N packets were sent twice
  ok   output          last byte N s ago
  ok   text            readable
  warn clock           the BMC has no time since its start
                       -> ipmitool sel time set now
  ok   event log       12 entries, the last 10
"""


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


def add(
    site: Site,
    options: BmcOptions | None = None,
    sol: SolSettings | None = None,
    **changes: Any,
) -> Member:
    """Add a machine that has printed something, and its BMC."""
    options = options or BmcOptions(mux_at_bmc=True)
    bmc = Bmc(
        replace(options, sol=sol or SolSettings(buffers_without_owner=True)),
        Machine(Echo(b"ready\r\n")),
    )
    return site.add(bmc, "node1", **changes)


async def settled(site: Site, *, up: bool) -> None:
    """Wait until the console has a session, or the recorder says why it has none."""
    with trio.fail_after(TIMEOUT):
        while True:
            row = await site.ls("node1")
            if row["session"] == "up" if up else row["error"] is not None:
                return
            await trio.sleep(0.05)


async def examined(site: Site, *options: str) -> dict[str, dict[str, Any]]:
    """Return the findings by check."""
    _, said = await run(site, "doctor", "--json", "node1", *options)
    rows = [json.loads(line) for line in said.splitlines()]
    assert {row["console"] for row in rows} == {"node1"}
    return {row["check"]: row for row in rows}


async def test_a_healthy_console_reads_like_this(site: Site) -> None:
    member = add(site, baud=115200)
    member.bmc.controller.event_log += [PANIC] * 12

    async with site.recording():
        await settled(site, up=True)
        with trio.fail_after(TIMEOUT):
            # Then the boot is in the index.
            while "text" not in await examined(site):
                pass
        status, said = await run(site, "doctor", "node1")

    head, _, log = said.partition("the last 10\n")
    head = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", head + "the last 10\n")
    head = re.sub(r"\d+ packets", "N packets", head)
    assert re.sub(r"\b\d+ s (as|ago)", r"N s \1", head) == HEALTHY
    assert log.count("OS Stop Sensor 32.0.0: OS crash [failed]") == 10
    assert status == 0


@pytest.mark.parametrize(
    ("options", "changes", "check", "text", "cure"),
    [
        (
            BmcOptions(),
            {"password": Secret(b"wrong")},
            "login",
            "wrong password for 'recorder'",
            "user set password",
        ),
        (
            BmcOptions(),
            {"username": b"nobody"},
            "login",
            "does not know the user 'nobody'",
            "user list 1",
        ),
        (
            BmcOptions(cipher_suites=(3,)),
            {"cipher_suites": (17,)},
            "login",
            "takes none of the cipher suites 17",
            "cipher_suites",
        ),
        (
            BmcOptions(
                users=(User(b"recorder", b"secret", PrivilegeLevel.USER),),
                sol_privilege=PrivilegeLevel.ADMINISTRATOR,
            ),
            {},
            "session",
            "may not have the privilege level that SoL needs",
            "privilege=3",
        ),
        (BmcOptions(session_slots=0), {}, "login", "no free session", "mc reset cold"),
    ],
)
async def test_a_login_that_fails_is_explained(
    site: Site,
    options: BmcOptions,
    changes: dict[str, Any],
    check: str,
    text: str,
    cure: str,
) -> None:
    add(site, options, **changes)

    async with site.recording():
        await settled(site, up=False)
        status, _ = await run(site, "doctor", "node1")
        found = await examined(site)

    assert status == 1
    assert found[check]["verdict"] == "bad"
    assert text in found[check]["text"]
    assert cure in found[check]["cure"]
    assert found["reachable"]["verdict"] == "ok"


async def test_an_address_without_a_bmc_is_told_soon(site: Site) -> None:
    member = add(site)
    member.bmc.inject(Mishap.MUTE, trio.current_time())

    async with site.recording():
        await settled(site, up=False)
        found = await examined(site)

    assert found["reachable"]["verdict"] == "bad"
    assert "UDP port 623" in found["reachable"]["cure"]


async def test_who_has_the_console_is_told(site: Site) -> None:
    member = add(site)
    member.bmc.controller.steal()

    async with site.recording():
        await settled(site, up=False)
        found = await examined(site)

    assert found["login"]["verdict"] == "ok"
    assert found["payload"]["text"] == "session 0x57a11e5d has it"
    assert "solrecctl take node1" in found["payload"]["cure"]


async def test_a_bmc_that_knows_none_of_the_questions_is_no_trouble(site: Site) -> None:
    member = add(site)
    unknown = [
        *((0x06, number) for number in (0x38, 0x3D, 0x42, 0x44, 0x46, 0x4D, 0x54)),
        *((0x0C, number) for number in (0x12, 0x22)),
        *((0x0A, number) for number in (0x40, 0x48)),
    ]

    async with site.recording():
        await settled(site, up=True)
        member.bmc.misbehaviour = Misbehaviour(refusals=dict.fromkeys(unknown, 0xC1))
        status, said = await run(site, "doctor", "node1")

    assert status == 0
    assert "warn" not in said


async def test_wrong_settings_are_set_after_asking_and_recorded(site: Site) -> None:
    wrong = SolSettings(
        enabled=False, rate=0x07, lasting_rate=0x07, threshold=1, retry_count=0
    )
    member = add(site, sol=wrong, baud=115200)

    async with site.recording():
        await settled(site, up=False)
        status, said = await run(site, "doctor", "--fix", "--yes", "node1")
        settings = member.bmc.controller.payload.settings
        await settled(site, up=True)

    assert status == 0, said
    assert "ok   set             bit rate: 19200 baud -> 115200 baud" in said
    assert (settings.enabled, settings.rate, settings.lasting_rate) == (True, 10, 10)
    assert (settings.threshold, settings.retry_count) == (96, 7)
    assert member.bmc.controller.sol_set_in_progress == 0
    with closing(Index.read(site.folder / "state" / FILE_NAME)) as index:
        (act,) = index.events(["node1"], kinds=["operator"])
    assert act["name"] == "configured"
    assert "had the BMC set: SoL: off -> on, " in act["title"]


async def test_nothing_is_set_without_a_yes(site: Site) -> None:
    member = add(site, sol=SolSettings(rate=0x07), baud=115200)
    words = ["doctor", "--fix", "node1"]

    async with site.recording():
        await settled(site, up=True)
        async with solrecctl(site.folder / "control.sock", words) as person:
            await person.sees(b"bit rate: 19200 baud -> 115200 baud")
            await person.sees(b"[y/N]")
            person.type(b"n\n")
            await person.sees(b"nothing was set")
        status, said = await run(site, "doctor", "--fix", "node1")

    assert member.bmc.controller.payload.settings.rate == 0x07
    assert (status, "not a terminal, use --yes" in said) == (2, True)


async def test_an_account_that_may_not_set_is_told_so(site: Site) -> None:
    users = (User(b"recorder", b"secret", PrivilegeLevel.OPERATOR),)
    add(site, BmcOptions(users=users), SolSettings(rate=0x07), baud=115200)

    async with site.recording():
        await settled(site, up=True)
        status, said = await run(site, "doctor", "--fix", "--yes", "node1")
        row = await site.ls("node1")

    assert status == 1
    assert "it takes an Administrator" in said
    assert row["session"] == "up"


# A third-party BMC.


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[IpmiSim]:
    """Return a running ipmi_sim."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    with IpmiSim(tmp_path / "bmc", history=1 << 16) as simulator:
        yield simulator


async def test_ipmi_sim_is_examined_and_set(site: Site, peer: IpmiSim) -> None:
    add(site)
    site.consoles["node1"] = changed(
        site.consoles["node1"],
        port=peer.port,
        username=USERNAME.encode(),
        password=Secret(PASSWORD.encode()),
        baud=115200,
    )
    set_parameter = ("raw", "0x0c", "0x21", "0x0e")
    await trio.to_thread.run_sync(peer.ipmitool, *set_parameter, "1", "0")
    await trio.to_thread.run_sync(peer.ipmitool, *set_parameter, "6", "7")

    async with site.recording():
        await settled(site, up=False)
        before = await examined(site)
        status, said = await run(site, "doctor", "--fix", "--yes", "node1")
        await settled(site, up=True)
        after = await examined(site)

    verdicts = [before[check]["verdict"] for check in ("session", "sol", "bit rate")]
    assert verdicts == ["bad", "bad", "bad"]
    assert status == 0, said
    assert {row["verdict"] for row in after.values()} <= {"ok", "warn"}
    told = await trio.to_thread.run_sync(peer.ipmitool, "sol", "info", "14")
    assert re.search(r"Volatile Bit Rate .*115\.2", told)
