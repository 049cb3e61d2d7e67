"""Logins of a whole daemon at BMCs as they are: slow, locking, short of sessions."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.config import Secret
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import BmcOptions, LockOut
from solrecd.sources.ipmi.link.base import LinkError
from solrecd.sources.ipmi.link.probe import probing
from solrecd.sources.ipmi.link.resolve import Address, Resolver
from solrecd.sources.ipmi.protocol.constants import AppCommand, NetFn
from tests.integration.test_attach import run
from tests.integration.test_daemon import TIMEOUT, Site
from tests.support.configs import changed

WRONG = {"password": Secret(b"wrong")}


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


def add(site: Site, options: BmcOptions | None = None, **changes: Any) -> Bmc:
    """Add a BMC whose machine has printed something."""
    bmc = Bmc(options or BmcOptions(), Machine(Echo(b"ready\r\n")))
    site.add(bmc, "node1", **changes)
    return bmc


async def seen(site: Site, *, session: str, error: str = "") -> Mapping[str, Any]:
    """Return the row of `ls` once the session is so, for such a reason."""
    row: Mapping[str, Any] = {}
    with trio.move_on_after(TIMEOUT):
        while True:
            row = await site.ls("node1")
            if row["session"] == session and error in (row["error"] or ""):
                return row
            await trio.sleep(0.05)
    raise AssertionError(row)


async def findings(site: Site) -> dict[str, dict[str, Any]]:
    """Return what `doctor` says, by check."""
    _, said = await run(site, "doctor", "--json", "node1")
    rows = [json.loads(line) for line in said.splitlines()]
    return {row["check"]: row for row in rows}


async def test_a_bmc_that_takes_2_6_seconds_is_recorded_and_called_slow(
    site: Site,
) -> None:
    add(site, faults=Faults(delay=1.3))

    async with site.recording():
        await seen(site, session="up")
        status = json.loads((await run(site, "status", "--json", "node1"))[1])
        found = await findings(site)

    assert 2.6 <= status["answer_seconds"] < 10
    assert found["reachable"]["verdict"] == "warn"
    assert "is slow: answers take up to " in found["reachable"]["text"]
    assert found["session"]["verdict"] == "ok"


async def test_a_name_with_a_dead_address_is_recorded_at_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(site)
    live = site.fleet.members[0]
    addresses = [
        Address(socket.AF_INET, host, live.port) for host in ("127.0.0.9", live.host)
    ]

    async def resolve(*_: object) -> Sequence[Address]:
        await trio.lowlevel.checkpoint()
        return addresses

    monkeypatch.setattr(Resolver, "resolve", resolve)
    async with site.recording():
        row = await seen(site, session="up")

    assert row["error"] is None


async def test_a_wrong_password_is_tried_once_and_again_when_people_say_so(
    site: Site,
) -> None:
    bmc = add(site, BmcOptions(lock_out=LockOut(3, 600.0)), **WRONG)

    async with site.recording():
        row = await seen(site, session="down", error="bad_password")
        found = [await findings(site) for _ in range(5)]
        assert (bmc.logins.began, bmc.logins.failed) == (1, 1)
        assert found[-1]["login"]["verdict"] == "bad"
        assert "solrecctl reconnect node1" in found[-1]["login"]["cure"]
        await run(site, "reload")
        await trio.sleep(2)
        assert (bmc.logins.began, bmc.logins.failed) == (2, 2)
        site.consoles["node1"] = changed(
            site.consoles["node1"], password=Secret(b"secret")
        )
        await run(site, "reload")
        await seen(site, session="up")

    assert row["next_try"] is not None


async def test_a_wrong_kg_uses_up_one_session_of_the_bmc(site: Site) -> None:
    bmc = add(site, BmcOptions(kg=b"key of the machine", session_slots=4))

    async with site.recording():
        await seen(site, session="down", error="bad_kg")
        await trio.sleep(3)
        found = await findings(site)

    assert len(bmc.controller.sessions) == 1
    assert found["rmcp+"]["text"] == "the BMC has a key K_g, and none is configured"
    assert "K_g is not" in found["login"]["text"]


async def test_people_who_look_on_cause_no_login(site: Site) -> None:
    bmc = add(site, BmcOptions(session_slots=0))

    async with site.recording() as daemon:
        await seen(site, session="down", error="bmc_busy")
        before = bmc.logins.began
        tell: list[str] = []

        async def keep(finding: Any) -> None:
            await trio.lowlevel.checkpoint()
            tell.append(finding.check)

        operation = daemon._supervisor.operation("node1")
        for _ in range(3):
            await operation.examine(keep, may_log_in=False)
        recorders = bmc.logins.began - before

    assert recorders <= 3, "the recorder's own tries"
    assert "session" in tell


async def test_two_consoles_at_one_bmc_are_told_each_other(site: Site) -> None:
    add(site)
    other = changed(site.consoles["node1"], name="node2")
    site.consoles["node2"] = replace(other, name="node2")

    async with site.recording():
        found = await findings(site)

    assert found["bmc"]["verdict"] == "bad"
    assert "is configured for node2, too" in found["bmc"]["text"]


# --- from outside ---------------------------------------------------------------------


@asynccontextmanager
async def answering_from(host: str, asked: str) -> AsyncIterator[int]:
    """Serve as a BMC at one address that answers from another; yield the port."""
    bmc = Bmc(rng=random.Random(1))
    with (
        trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inward,
        trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward,
    ):
        await inward.bind((asked, 0))
        port = inward.getsockname()[1]
        await outward.bind((host, port))

        async def serve(task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            while True:
                datagram, source = await inward.recvfrom(2048)
                bmc.receive(datagram, source, trio.current_time())
                for answer, to in bmc.datagrams():
                    await outward.sendto(answer, to)

        async with trio.open_nursery() as nursery:
            await nursery.start(serve)
            yield port
            nursery.cancel_scope.cancel()


async def test_a_bmc_that_answers_from_another_address_is_told_by_it(
    site: Site,
) -> None:
    add(site)
    async with answering_from("127.0.0.3", "127.0.0.2") as port:
        console = changed(site.consoles["node1"], host="127.0.0.2", port=port)
        site.consoles["node1"] = console
        async with site.recording():
            await seen(site, session="down", error="unreachable")
            found = await findings(site)

    assert found["reachable"]["verdict"] == "bad"
    assert "127.0.0.3 answers" in found["reachable"]["text"]


async def test_an_address_that_nothing_can_be_sent_to_says_why() -> None:
    broadcast = Address(socket.AF_INET, "255.255.255.255", 623)

    with pytest.raises(LinkError) as caught:
        async with probing(broadcast, random.Random(1)) as probe:
            await probe.ask(NetFn.APP, AppCommand.GET_DEVICE_ID, b"")

    assert str(caught.value) == (
        "cannot send to 255.255.255.255: Permission denied (a broadcast address, or a"
        " firewall of this host)"
    )


async def test_ls_says_why_nothing_can_be_sent(site: Site) -> None:
    add(site)
    site.consoles["node1"] = changed(site.consoles["node1"], host="255.255.255.255")

    async with site.recording():
        row = await seen(site, session="down", error="unreachable")
        found = await findings(site)

    assert row["error"].startswith(
        "unreachable: cannot send to 255.255.255.255: Permission denied"
    )
    assert found["reachable"]["text"].startswith("cannot send to 255.255.255.255")
