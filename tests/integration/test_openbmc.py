"""OpenBMC's habits against the whole daemon, and a person with ipmitool beside it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import OPENBMC, BmcOptions, Habits, User
from solrecd.sources.ipmi.options import OnConflict
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from tests.integration.test_daemon import Site
from tests.support.peers import need

BMCS = {Habits.ORDINARY: BmcOptions(), Habits.OPENBMC: OPENBMC}

SOMEONE = User(b"someone", b"else")


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


def ipmitool(member: Member, user: User = SOMEONE) -> str:
    """Return the words that make ipmitool talk to a BMC."""
    words = [
        *("ipmitool", "-I", "lanplus", "-C", "3", "-H", member.host),
        *("-p", str(member.port), "-U", user.name.decode()),
        *("-P", user.password.decode()),
    ]
    return shlex.join(words)


async def take(member: Member) -> str:
    """Take the console as a person does, and leave it at once; return what was said."""
    command = ipmitool(member)
    done = await trio.run_process(
        [
            *("script", "-qefc"),
            f"{command} sol deactivate && {command} sol activate",
            "/dev/null",
        ],
        stdin=b"\r~.",
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode(errors="replace")


@pytest.mark.alone
@pytest.mark.parametrize("habits", Habits)
async def test_who_takes_the_console_with_ipmitool_gets_it_each_time(
    site: Site, habits: Habits
) -> None:
    need("no ipmitool", available=shutil.which("ipmitool") is not None)
    options = BMCS[habits]
    users = (*options.users, SOMEONE)
    bmc = Bmc(BmcOptions(users=users, sol=options.sol, habits=habits), Machine(Echo()))
    member = site.add(bmc, "node1")

    said = []
    async with site.recording():
        for _ in range(3):
            await site.wait("node1", session="up")
            with trio.fail_after(60):
                said.append(await take(member))
        row = await site.wait("node1", session="up")

    assert ["SOL Session operational" in each for each in said] == [True] * 3, said
    assert row["error"] is None


@pytest.mark.parametrize(
    ("limit", "state"),
    [(PrivilegeLevel.ADMINISTRATOR, "up"), (PrivilegeLevel.OPERATOR, "down")],
)
async def test_a_console_of_another_user_is_taken_or_the_lacking_privilege_is_named(
    site: Site, limit: PrivilegeLevel, state: str
) -> None:
    users = (User(b"recorder", b"secret", limit), SOMEONE)
    bmc = Bmc(
        BmcOptions(users=users, sol=OPENBMC.sol, habits=Habits.OPENBMC),
        Machine(Echo()),
    )
    site.add(bmc, "node1", on_conflict=OnConflict.TAKE)
    bmc.controller.owner = 0x1234_5678

    async with site.recording():
        row = await site.wait("node1", session=state)

    error = row["error"] or ""
    assert bool(error) == (state == "down")
    assert "cold reset" not in error
    if error:
        assert error.startswith("privilege_refused: user recorder has privilege level")


@pytest.mark.alone
async def test_a_robbed_session_knows_within_a_second(site: Site) -> None:
    users = (*OPENBMC.users, SOMEONE)
    bmc = Bmc(
        BmcOptions(users=users, sol=OPENBMC.sol, habits=Habits.OPENBMC),
        Machine(Echo()),
    )
    member = site.add(bmc, "node1")

    async with site.recording():
        await site.wait("node1", session="up")
        await trio.sleep(1)
        began = trio.current_time()
        bmc.controller.steal()
        site.fleet.poke(member)
        await site.wait("node1", session="yielded")
        lasted = trio.current_time() - began

    assert lasted < 1
