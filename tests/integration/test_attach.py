"""People at a console: real terminals, the whole daemon, simulated BMCs."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.config import Secret
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import OPENBMC, BmcOptions, Habits, User
from tests.integration.test_daemon import Site, until
from tests.support.attached import Person, solrecctl

OPTIONS = {
    Habits.ORDINARY: BmcOptions(users=(User(b"recorder", b"secret"),)),
    Habits.OPENBMC: OPENBMC,
}


@pytest.fixture(name="site", params=Habits)
async def _site(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            site = Site(tmp_path, fleet)
            site.habits = request.param
            yield site
            nursery.cancel_scope.cancel()


def add_echo(site: Site, **changes: Any) -> Member:
    """Add a machine that prints what is typed."""
    bmc = Bmc(OPTIONS[site.habits], Machine(Echo(b"ready\r\n")))
    return site.add(bmc, "node1", **changes)


@asynccontextmanager
async def attached(site: Site, *options: str) -> AsyncIterator[Person]:
    """Have a person attach to node1 and see the welcome."""
    words = ["attach", "node1", *options]
    async with solrecctl(site.folder / "control.sock", words) as person:
        await person.sees(b"for help")
        yield person


async def run(site: Site, *words: str) -> tuple[int, str]:
    """Run a command without a terminal; return its exit status and all it said."""
    control = str(site.folder / "control.sock")
    command = [sys.executable, "-m", "solrecd.cli.solrecctl", "-s", control, *words]
    done = await trio.run_process(
        command,
        check=False,
        stdin=b"",
        capture_stdout=True,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode()


async def test_what_is_typed_comes_to_the_machine_and_its_answer_back(
    site: Site,
) -> None:
    add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            person.type(b"uname -a\r")
            await person.sees(b"uname -a\r")
            person.type(b"&.")
            status = await person.leaves()

    assert status == 0
    assert b"uname -a\r" in site.raw("node1")


async def test_what_is_typed_comes_to_the_machine_after_a_fresh_session_as_well(
    site: Site,
) -> None:
    member = add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            for words in (b"before\r", b"after\r"):
                person.type(words)
                await person.sees(words)
                owner = member.bmc.controller.owner
                await run(site, "reconnect", "node1")
                await until(partial(has_another_owner, member, owner))
                await site.wait("node1", session="up")

    assert bytes(member.bmc.machine.typed) == b"before\rafter\r"


def has_another_owner(member: Member, owner: int | None) -> bool:
    """Tell whether a fresh session has the payload."""
    return member.bmc.controller.owner not in (None, owner)


async def test_who_types_is_told_when_the_bmc_does_not_take_it_and_when_it_does(
    site: Site,
) -> None:
    member = add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            member.bmc.controller.payload.receive = lambda packet, now: None  # type: ignore[method-assign]
            person.type(b"reboot\r")
            await person.sees(b"what is typed is not taken")
            row = await site.ls("node1")
            del member.bmc.controller.payload.receive
            await person.sees(b"what is typed is taken again", b"reboot\r")
            after = await site.ls("node1")

    told = [name for name, _ in site.events("node1", "session")]
    assert row["error"].startswith("input_stuck: what is typed is not taken")
    assert after["error"] is None
    assert bytes(member.bmc.machine.typed) == b"reboot\r"
    assert [name for name in told if name.startswith("input_")] == [
        "input_stuck",
        "input_taken",
    ]


async def test_the_terminal_is_raw_meanwhile_and_as_before_at_the_end(
    site: Site,
) -> None:
    add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            before_the_end = person.is_raw()
            person.process.send_signal(signal.SIGTERM)
            status = await person.leaves()
            after_the_end = person.is_raw()

    assert (before_the_end, after_the_end) == (True, False)
    assert status == 1
    assert b"\x1b[?25h" in person.seen, "the cursor is back"


async def test_a_paste_of_64_kilobytes_loses_nothing(site: Site) -> None:
    member = add_echo(site)
    pasted = b"".join(b"%07d\r" % number for number in range(8192))

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person, trio.open_nursery() as nursery:
            nursery.start_soon(person.paste, pasted)
            await person.sees(b"0008191\r")

    typed = bytes(member.bmc.machine.typed)
    assert typed == pasted[-len(typed) :]
    assert pasted in site.raw("node1")


async def test_two_who_write_are_told_of_each_other(site: Site) -> None:
    add_echo(site)
    control = site.folder / "control.sock"

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as first:
            refused, said = await run(site, "attach", "node1")
            async with attached(site, "-f") as second:
                await first.sees(b"took the console from")
                first.type(b"x")
                await first.sees(b"this terminal is read-only")
                second.type(b"mine\r")
                await first.sees(b"mine\r")
                first.type(b"&J")
                await second.sees(b"is now writes")
                seats = (await run(site, "--json", "who"))[1].splitlines()
        status, _ = await run(site, "who")

    assert refused == 1
    assert "-f takes it, -j joins, -m only watches" in said
    assert [json.loads(seat)["mode"] for seat in seats] == ["rw", "rw"]
    assert status == 1, "no user is there any more"
    assert control.parent.exists()


async def test_deeds_are_in_the_log_and_in_the_index(site: Site) -> None:
    member = add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        await run(site, "note", "node1", "replaced", "DIMM\n7")
        await run(site, "break", "node1", "w")
        await until(lambda: member.bmc.machine.breaks == 1)
        async with attached(site) as person:
            await run(site, "msg", "node1", "going", "down")
            await person.sees(b"going down")
        await run(site, "power", "node1", "off", "--yes")
        await site.wait("node1", power="off")
        status, said = await run(site, "power", "node1", "status")

    assert (status, said.split()) == (0, ["node1", "off"])
    assert bytes(member.bmc.machine.typed) == b"w"
    assert "replaced DIMM 7" in site.text("node1")
    assert "\n7" not in site.text("node1")
    assert [name for name, _ in site.events("node1", "operator")] == [
        "note",
        "break",
        "attached",
        "detached",
        "power_off",
    ]


async def test_an_acknowledgement_is_recorded_with_who_gave_it(site: Site) -> None:
    member = add_echo(site)
    user = pwd.getpwuid(os.getuid()).pw_name

    async with site.recording():
        await site.wait("node1", session="up")
        member.bmc.console_output(b"here I am\r\n", trio.current_time())
        site.fleet.poke(member)
        await until(lambda: "here I am" in site.text("node1"))
        await run(site, "ack", "node1", "waits", "for", "a", "DIMM")
        given = await site.ls("node1")
        await run(site, "ack", "node1", "--undo")
        taken_back = await site.ls("node1")

    assert given["acknowledged"]["user"] == user
    assert taken_back["acknowledged"] is None
    assert f"{user} acknowledged what is wrong: waits for a DIMM" in site.text("node1")
    assert [name for name, _ in site.events("node1", "operator")] == [
        "acknowledged",
        "unacknowledged",
    ]


async def test_a_reset_that_a_user_asks_for_is_no_failure_but_a_cause(
    site: Site,
) -> None:
    member = add_echo(site)

    def show(data: bytes) -> None:
        member.bmc.console_output(data, trio.current_time())
        site.fleet.poke(member)

    async with site.recording():
        await site.wait("node1", session="up")
        show(b"[    0.000000] Linux version 6.1.0-1 (x) (gcc) #1\r\n")
        show(b"[   30.000000] example: working\r\n")
        await site.wait("node1", stage="kernel")
        await run(site, "power", "node1", "reset", "--yes")
        show(b"SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\nnode01 login: ")
        # Prompts count in silence, as does a reset that was not announced.
        await site.wait("node1", stage="login", boot=2)

    assert site.events("node1", "failure") == []
    assert site.boots("node1")[-1]["cause"] == "power_reset"


async def test_input_is_in_the_log_only_where_that_is_wanted(site: Site) -> None:
    add_echo(site, record_input=True)

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            person.type(b"secret\x1b[A\r")
            await person.sees(b"secret")

    assert r"typed: secret\x1b[A\r" in site.text("node1")


async def test_a_console_is_given_away_and_taken_back(site: Site) -> None:
    member = add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        member.bmc.console_output(b"here I am\r\n", trio.current_time())
        site.fleet.poke(member)
        await until(lambda: "here I am" in site.text("node1"))
        await run(site, "yield", "node1", "10m")
        row = await site.wait("node1", session="yielded")
        await run(site, "take", "node1")
        await site.wait("node1", session="up")
        await run(site, "reconnect", "node1")
        await until(lambda: "without a session (reconnect)" in site.text("node1"))

    assert row["next_try"] is not None
    assert "without a session (yielded)" in site.text("node1")


async def test_a_script_waits_for_a_boot(site: Site) -> None:
    login = b"\r\nDebian GNU/Linux 12 node1 ttyS0\r\n\r\nnode1 login: "
    member = add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        member.bmc.console_output(login, trio.current_time())
        site.fleet.poke(member)
        await site.wait("node1", stage="login")
        there = await run(site, "wait", "node1", "--timeout", "5s")
        late = await run(site, "wait", "node1", "--new", "--timeout", "0.6s")

    assert there == (0, "node1\tlogin\tok\n")
    assert late[0] == 4
    assert "timed out before stage login: node1" in late[1]


async def test_wishes_that_cannot_be_granted_say_why(site: Site) -> None:
    add_echo(site, password=Secret(b"wrong"))

    async with site.recording():
        known = await run(site, "attach", "nobody")
        break_, said = await run(site, "break", "node1")

    assert known[0] == 1
    assert break_ == 1
    assert "has no session with its BMC now" in said


async def test_the_wall_gives_its_terminal_to_a_console_and_takes_it_back(
    site: Site,
) -> None:
    add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        async with solrecctl(site.folder / "control.sock", ["top"]) as person:
            await person.sees(b"Enter attach")
            await person.sees(b"session up")
            person.type(b"\r")
            await person.sees(b"for help")
            person.type(b"hello\r")
            await person.sees(b"hello\r")
            person.type(b"&.")
            await person.sees(b"detached from node1")
            await person.sees(b"Enter attach")
            person.resize(50, 132)
            await person.sees(b"Enter attach")
            person.type(b"q")
            status = await person.leaves()
            is_raw = person.is_raw()

    assert (status, is_raw) == (0, False)
    assert [name for name, _ in site.events("node1", "operator")] == [
        "attached",
        "detached",
    ]


async def test_a_wall_in_a_pipe_is_printed_once(site: Site) -> None:
    add_echo(site)

    async with site.recording():
        await site.wait("node1", session="up")
        status, said = await run(site, "top", "node*")
        as_json = await run(site, "--json", "top")
        unknown = await run(site, "top", "zz")

    assert (status, said.split("\t")[:2]) == (0, ["node1", "unknown"])
    assert json.loads(as_json[1])["console"] == "node1"
    assert unknown[0] == 1


async def test_who_is_attached_is_attached_again_after_a_restart(
    site: Site,
) -> None:
    add_echo(site)
    words = ["attach", "node1"]

    async with solrecctl(site.folder / "control.sock", words) as no_daemon:
        assert await no_daemon.leaves() == 3
    async with AsyncExitStack() as stack:
        async with site.recording():
            await site.wait("node1", session="up")
            person = await stack.enter_async_context(attached(site))
        await person.sees(b"connection to solrecd lost")
        async with site.recording():
            await site.wait("node1", session="up")
            await person.sees(b"no other user is attached")
            person.type(b"still here\r")
            await person.sees(b"still here\r")
            person.type(b"&.")
            status = await person.leaves()

    assert status == 0


async def test_a_note_on_a_machine_that_never_printed_is_in_its_log(
    site: Site,
) -> None:
    member = site.add(Bmc(OPTIONS[site.habits], Machine(Echo())), "node1")

    async with site.recording():
        await site.wait("node1", session="up")
        await run(site, "note", "node1", "waits for cables")
        await until(lambda: "waits for cables" in site.text("node1"))
    async with site.recording():
        before = await site.wait("node1", session="up")
        member.bmc.console_output(b"at last\r\n", trio.current_time())
        site.fleet.poke(member)
        await until(lambda: "at last" in site.text("node1"))
        after = await site.wait("node1", boot=1)

    assert (before["boot"], before["last_output"]) == (None, None)
    assert after["last_output"] is not None
    assert site.raw("node1") == b"at last\r\n"
    assert [line[28] for line in site.text("node1").splitlines()] == ["#", "|"]
