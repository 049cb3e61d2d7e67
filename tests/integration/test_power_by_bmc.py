"""Power of consoles whose kind has none: by Redfish and by IPMI, through a BMC."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import trio

from solrecd.process.secret import Secret
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import BmcOptions
from solrecd.sources.power.options import PowerOptions, PowerWay
from tests.integration.test_attach import run
from tests.integration.test_daemon import Site, until
from tests.support import ipmi_sim
from tests.support.certificates import Authority
from tests.support.ipmi_sim import IpmiSim
from tests.support.peers import need
from tests.support.ports import free_port
from tests.support.redfish import PASSWORD, USER, RedfishService
from tests.support.streams import endpoint, stream_console


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(name="service")
def _service(authority: Authority) -> Iterator[RedfishService]:
    with RedfishService(authority.issue("bmc")) as service:
        yield service


def add(site: Site, power: PowerOptions) -> None:
    """Add a console that leads nowhere, of a machine with a BMC."""
    console = stream_console("node1", endpoint("unix", site.folder))
    site.consoles["node1"] = replace(console, power=power)


def redfish(
    service: RedfishService, authority: Authority, **changes: Any
) -> PowerOptions:
    """Return how its power is switched."""
    options = PowerOptions(
        way=PowerWay.REDFISH,
        host="127.0.0.1",
        port=service.port,
        username=USER,
        password=Secret(PASSWORD.encode()),
        ca_file=str(authority.certificate),
    )
    return replace(options, **changes)


async def power(site: Site, wish: str) -> tuple[int, str]:
    """Ask for something as people do."""
    asked = [] if wish == "status" else ["--yes"]
    return await run(site, "power", "node1", wish, *asked)


@pytest.mark.parametrize("basic", [True, False])
async def test_redfish_tells_and_switches_the_power_of_a_console_of_another_kind(
    site: Site,
    service: RedfishService,
    authority: Authority,
    basic: bool,  # noqa: FBT001
) -> None:
    service.basic = basic
    add(site, redfish(service, authority))

    async with site.recording():
        assert await power(site, "status") == (0, "node1\ton\n")
        await site.wait("node1", power="on")
        for wish in ("soft", "on", "off", "cycle", "reset", "diag"):
            status, said = await power(site, wish)
            assert status == 0, said
        row = await site.wait("node1", power="on")

    done = [kind for _, kind in service.asked]
    assert done == ["GracefulShutdown", "On", "ForceOff", "On", "ForceRestart", "Nmi"]
    assert row["kind"] == "unix"
    await until(lambda: not service.sessions)
    assert service.refused_logins == 0


async def test_a_service_without_power_cycle_is_switched_off_and_on(
    site: Site, service: RedfishService, authority: Authority
) -> None:
    service.types = ("On", "ForceOff", "GracefulShutdown", "ForceRestart")
    add(site, redfish(service, authority))

    async with site.recording():
        status, said = await power(site, "cycle")
        assert status == 0, said
        refused, why = await power(site, "diag")

    assert [kind for _, kind in service.asked] == ["ForceOff", "On"]
    assert refused == 1, why
    assert "has no way to do 'diag'; it has On, ForceOff" in why


async def test_of_several_systems_one_is_to_be_named(
    site: Site, service: RedfishService, authority: Authority
) -> None:
    service.systems = {"System_0": "Off", "HGX_Baseboard_0": "On"}
    add(site, redfish(service, authority))
    async with site.recording():
        status, said = await power(site, "status")
    assert status == 1
    assert "has 2 systems (System_0, HGX_Baseboard_0): say in `bmc_system`" in said

    add(site, redfish(service, authority, system="System_0"))
    async with site.recording():
        assert await power(site, "status") == (0, "node1\toff\n")


REFUSALS = [
    ({"password": Secret(b"wr0ng")}, "user 'operator': wrong name or password;"),
    ({"ca_file": None}, "its certificate is not trusted"),
    ({"port": 1}, "connection refused"),
]


@pytest.mark.parametrize(("changes", "why"), REFUSALS)
async def test_what_is_wrong_is_one_line_without_a_secret_in_power_and_doctor(
    site: Site,
    service: RedfishService,
    authority: Authority,
    changes: dict[str, Any],
    why: str,
) -> None:
    add(site, redfish(service, authority, **changes))

    async with site.recording():
        status, said = await power(site, "status")
        _, examined = await run(site, "doctor", "node1", "--json")
        await trio.sleep(3)
        logins = service.refused_logins
        await trio.sleep(2)

    assert status == 1
    assert why in said
    assert len(said.splitlines()) == 1
    assert "wr0ng" not in said + examined
    assert "no such socket" not in said
    (found,) = [
        finding
        for row in map(json.loads, examined.splitlines())
        for finding in row.get("findings", [row])
        if finding.get("check") == "power"
    ]
    assert found["verdict"] == "bad"
    assert why.rstrip(";") in found["text"]
    assert service.refused_logins == logins <= 3


async def test_an_account_that_may_only_look_is_told_in_words(
    site: Site, service: RedfishService, authority: Authority
) -> None:
    service.operates = False
    add(site, redfish(service, authority))

    async with site.recording():
        status, said = await power(site, "off")

    assert status == 1
    assert "user 'operator' may not do that: There are insufficient privileges" in said
    assert "role Operator" in said


async def test_a_console_without_power_says_so(site: Site) -> None:
    site.consoles["node1"] = stream_console("node1", endpoint("unix", site.folder))

    async with site.recording():
        status, said = await power(site, "off")

    assert status == 1
    assert "is a console of kind unix, which has no power control" in said


# IPMI.


@pytest.fixture(name="fleet")
async def _fleet() -> AsyncIterator[Fleet]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield fleet
            nursery.cancel_scope.cancel()


def ipmi(host: str, port: int, user: str, password: str) -> PowerOptions:
    """Return how its power is switched."""
    return PowerOptions(
        way=PowerWay.IPMI,
        host=host,
        port=port,
        username=user,
        password=Secret(password.encode()),
    )


async def test_ipmi_tells_and_switches_it_and_leaves_no_session_behind(
    site: Site, fleet: Fleet
) -> None:
    member = fleet.add(Bmc(BmcOptions(), Machine(Echo())))
    user = BmcOptions().users[0]
    add(
        site,
        ipmi(member.host, member.port, user.name.decode(), user.password.decode()),
    )

    async with site.recording():
        assert await power(site, "status") == (0, "node1\ton\n")
        status, said = await power(site, "off")
        assert status == 0, said
        await until(lambda: not member.bmc.machine.power_on)
        await site.wait("node1", power="off")
        status, said = await power(site, "on")
        assert status == 0, said
        await site.wait("node1", power="on")
        _, examined = await run(site, "doctor", "node1")
        await until(lambda: not member.bmc.controller.sessions)

    assert f"on, says the BMC {member.host}:{member.port} (ipmi)" in examined


@contextmanager
def openipmi(folder: Path) -> Iterator[IpmiSim]:
    """Run OpenIPMI's BMC."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    with IpmiSim(folder / "bmc") as bmc:
        yield bmc


async def test_a_bmc_of_others_is_asked_and_a_wrong_password_is_told(
    site: Site, tmp_path: Path
) -> None:
    with openipmi(tmp_path) as bmc:
        right = ipmi(ipmi_sim.HOST, bmc.port, ipmi_sim.USERNAME, ipmi_sim.PASSWORD)
        add(site, right)
        async with site.recording():
            status, said = await power(site, "status")
        add(site, replace(right, password=Secret(b"wr0ng")))
        async with site.recording():
            refused, why = await power(site, "status")

    assert (status, said.split("\t")[0]) == (0, "node1"), said
    assert refused == 1, why
    assert "password" in why
    assert "wr0ng" not in why


# sushy-tools: OpenStack's Redfish service.


SUSHY = Path(sys.executable).with_name("sushy-emulator")


@contextmanager
def sushy(folder: Path, authority: Authority) -> Iterator[int]:
    """Run OpenStack's emulator with its fake machine; yield its port."""
    need("sushy-tools is not installed (PyPI)", available=SUSHY.exists())
    port = free_port()
    issued = authority.issue("sushy")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    accounts = folder / "htpasswd"
    accounts.write_text(f"{USER}:{hashed}\n")
    settings = folder / "sushy.conf"
    settings.write_text(
        f"SUSHY_EMULATOR_AUTH_FILE = {str(accounts)!r}\n"
        f"SUSHY_EMULATOR_STATE_DIR = {str(folder)!r}\n"
    )
    command = [
        *(str(SUSHY), "--fake", "--config", str(settings)),
        *("--interface", "127.0.0.1", "--port", str(port)),
        *("--ssl-certificate", str(issued.certificate), "--ssl-key", str(issued.key)),
    ]
    with (folder / "sushy.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


async def test_the_service_of_others_is_asked_and_switched(
    site: Site, authority: Authority, tmp_path: Path
) -> None:
    with sushy(tmp_path, authority) as port:
        options = PowerOptions(
            way=PowerWay.REDFISH,
            host="127.0.0.1",
            port=port,
            username=USER,
            password=Secret(PASSWORD.encode()),
            ca_file=str(authority.certificate),
        )
        add(site, options)
        async with site.recording():
            await until(lambda: answers(port))
            assert await power(site, "status") == (0, "node1\toff\n")
            status, said = await power(site, "on")
            assert status == 0, said
            await site.wait("node1", power="on")
            status, said = await power(site, "reset")
            assert status == 0, said


def answers(port: int) -> bool:
    """Return whether something listens on a port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
