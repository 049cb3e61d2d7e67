"""Third-party clients against the simulated BMC over loopback.

They are the proof that it is a BMC and not just the other half of our own engine.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import util
from pathlib import Path

import pytest
import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap, Script, Step
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Echo, Machine, NumberedLines, Source, numbered
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from tests.support.peers import need
from tests.support.ports import free_port

TOTAL = 6_400
"""Bytes that a host prints: a second's worth at line rate."""

TIMEOUT = 60.0
"""Seconds until a client that says nothing counts as stuck."""

CREDENTIALS = ("-U", "recorder", "-P", "secret")


def make(source: Source | None = None, sol: SolSettings | None = None) -> Bmc:
    """Return a BMC that keeps its output until a client listens."""
    options = BmcOptions(
        users=(User(b"recorder", b"secret"),),
        sol=sol or SolSettings(buffers_without_owner=True),
    )
    return Bmc(options, Machine(source or Echo()), ledger=Ledger(keep=TOTAL))


def lines() -> NumberedLines:
    """Return a source that prints `TOTAL` bytes and falls silent."""
    return NumberedLines("n1", rate=50.0, size=128, total=TOTAL)


@asynccontextmanager
async def serving(*bmcs: Bmc, host: str = "127.0.0.1") -> AsyncIterator[list[Member]]:
    """Run a fleet of these BMCs; nothing takes longer than `TIMEOUT`."""
    with Fleet() as fleet, trio.fail_after(TIMEOUT):
        members = [fleet.add(bmc, host, free_port(socket.SOCK_DGRAM)) for bmc in bmcs]
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield members
            nursery.cancel_scope.cancel()


async def output(*command: str) -> str:
    """Return what a client prints; it must succeed."""
    result = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
    return result.stdout.decode()


async def wait_until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; the caller limits the time.

    What is waited for happens in other processes: there is no event to wait on.
    """
    while not condition():  # noqa: ASYNC110
        await trio.sleep(0.02)


class Terminal:
    """A program on a pseudo terminal of its own, as those of people are."""

    def __init__(self, *command: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.screen = bytearray()

    def look(self) -> bytes:
        """Return everything the program has shown so far."""
        try:
            while data := os.read(self._master, 65536):
                self.screen += data
        except OSError:
            pass
        return bytes(self.screen)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def close(self) -> None:
        """End the program if it has not ended, and hang up."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)


# --- ipmitool ------------------------------------------------------------------------


@pytest.fixture
def ipmitool() -> None:
    need("ipmitool is not installed", available=bool(shutil.which("ipmitool")))


def ipmitool_command(member: Member, suite: str = "3") -> list[str]:
    """Return the beginning of an ipmitool command line."""
    where = ("-H", member.host, "-p", str(member.port), "-C", suite)
    return ["ipmitool", "-I", "lanplus", *where, *CREDENTIALS]


@pytest.mark.usefixtures("ipmitool")
@pytest.mark.parametrize("suite", ["3", "17"])
async def test_ipmitool_asks_and_switches_the_power(suite: str) -> None:
    async with serving(make()) as (member,):
        command = ipmitool_command(member, suite)

        device = await output(*command, "mc", "info")
        sol = await output(*command, "sol", "info")
        await output(*command, "chassis", "power", "off")
        status = await output(*command, "chassis", "power", "status")

    assert "IPMI Version              : 2.0" in device
    assert "Enabled                         : true" in sol
    assert "Chassis Power is off" in status


@pytest.mark.usefixtures("ipmitool")
@pytest.mark.parametrize("suite", ["3", "17"])
async def test_ipmitool_shows_every_byte_and_types(suite: str) -> None:
    bmc = make(lines())
    async with serving(bmc) as (member,):
        terminal = Terminal(*ipmitool_command(member, suite), "sol", "activate")
        try:
            await wait_until(lambda: numbered("n1", TOTAL - 64, 64) in terminal.look())
            shown = terminal.look()
            terminal.type(b"typed\r")
            await wait_until(lambda: bmc.machine.typed == b"typed\r")
            terminal.type(b"~.")
            await wait_until(lambda: terminal.process.poll() is not None)
        finally:
            terminal.close()

    assert numbered("n1", 0, TOTAL) in shown
    assert bmc.controller.owner is None


@pytest.mark.usefixtures("ipmitool")
async def test_a_bmc_answers_on_ipv6() -> None:
    need("this machine has no IPv6 loopback", available=_has_ipv6())
    async with serving(make(), host="::1") as (member,):
        status = await output(*ipmitool_command(member), "chassis", "power", "status")

    assert "Chassis Power is on" in status


def _has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            return False
        return True


# --- FreeIPMI, and ConMan which is built on it ---------------------------------------


@pytest.fixture
def freeipmi() -> None:
    tools = ("ipmi-chassis", "ipmiconsole")
    missing = [tool for tool in tools if not shutil.which(tool)]
    need("freeipmi-tools is not installed", available=not missing)


@pytest.mark.usefixtures("freeipmi")
@pytest.mark.parametrize("suite", ["3", "17"])
async def test_freeipmi_reads_the_chassis_status(suite: str) -> None:
    async with serving(make()) as (member,):
        where = ("-h", f"{member.host}:{member.port}", "-I", suite)
        who = ("-u", "recorder", "-p", "secret")

        shown = await output(
            "ipmi-chassis", "-D", "LAN_2_0", *where, *who, "--get-chassis-status"
        )

    assert "System Power                        : on" in shown


@pytest.mark.usefixtures("freeipmi")
@pytest.mark.parametrize("suite", ["3", "17"])
async def test_ipmiconsole_shows_every_byte(suite: str) -> None:
    bmc = make(lines())
    async with serving(bmc) as (member,):
        where = ("-h", f"{member.host}:{member.port}", "-I", suite)
        terminal = Terminal("ipmiconsole", *where, "-u", "recorder", "-p", "secret")
        try:
            await wait_until(lambda: numbered("n1", TOTAL - 64, 64) in terminal.look())
            shown = terminal.look()
            terminal.type(b"&.")
            await wait_until(lambda: terminal.process.poll() is not None)
        finally:
            terminal.close()

    assert numbered("n1", 0, TOTAL) in shown


@pytest.fixture
def conmand() -> None:
    need("conman is not installed", available=bool(shutil.which("conmand")))


@pytest.mark.usefixtures("conmand")
async def test_conman_logs_every_byte_of_every_console(tmp_path: Path) -> None:
    bmcs = [make(lines()) for _ in range(3)]
    async with serving(*bmcs) as members, trio.open_nursery() as nursery:
        configuration = _conman_configuration(tmp_path, members)
        command = ["conmand", "-F", "-c", str(configuration)]
        nursery.start_soon(_run_conman, command)
        await wait_until(lambda: all(x.ledger.acknowledged == TOTAL for x in bmcs))
        logs = [tmp_path / f"bmc{number}.log" for number in range(3)]
        await wait_until(lambda: all(_is_logged(log) for log in logs))
        nursery.cancel_scope.cancel()


async def _run_conman(command: list[str]) -> None:
    await trio.run_process(command, capture_stdout=True, capture_stderr=True)


def _is_logged(log: Path) -> bool:
    return log.exists() and numbered("n1", 0, TOTAL) in log.read_bytes()


def _conman_configuration(folder: Path, members: list[Member]) -> Path:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    text = [
        f"server port={port}",
        "server loopback=on",
        f'server logdir="{folder}"',
        'global log="%N.log"',
        'global ipmiopts="U:recorder,P:secret,C:17"',
    ]
    text += [
        f'console name="bmc{n}" dev="ipmi:{member.host}:{member.port}"'
        for n, member in enumerate(members)
    ]
    configuration = folder / "conman.conf"
    configuration.write_text("\n".join(text) + "\n")
    return configuration


# --- pyghmi, in a process of its own: it keeps global sockets and threads ------------

_PYGHMI_COMMAND = """
import sys
from pyghmi.ipmi.command import Command
who = {"userid": "recorder", "password": "secret", "port": int(sys.argv[1])}
print(Command("127.0.0.1", **who).get_power()["powerstate"])
"""
_PYGHMI_CONSOLE = """
import sys
from pyghmi.ipmi.console import Console
port, total = int(sys.argv[1]), int(sys.argv[2])
who = {"userid": "recorder", "password": "secret", "port": port}
seen = []
def take(data):
    if isinstance(data, dict):
        return
    seen.append(data if isinstance(data, bytes) else data.encode())
    if sum(map(len, seen)) >= total:
        console.close()
        sys.stdout.buffer.write(b"".join(seen))
        sys.stdout.flush()
        raise SystemExit
console = Console("127.0.0.1", **who, iohandler=take, force=True)
console.main_loop()
"""


async def test_pyghmi_commands_and_listens() -> None:
    need("pyghmi is not installed", available=util.find_spec("pyghmi") is not None)
    bmc = make(lines())
    async with serving(bmc) as (member,):
        arguments = (str(member.port), str(TOTAL))

        power = await output(sys.executable, "-c", _PYGHMI_COMMAND, *arguments)
        shown = await output(sys.executable, "-c", _PYGHMI_CONSOLE, *arguments)

    assert power == "on\n"
    assert shown.encode() == numbered("n1", 0, TOTAL)


# --- the fleet -----------------------------------------------------------------------


@pytest.mark.usefixtures("ipmitool")
async def test_a_bad_network_and_a_script_apply_to_one_member() -> None:
    bmc = make()
    script = Script((Step(0.1, Mishap.STEAL),))
    with Fleet() as fleet, trio.fail_after(TIMEOUT):
        member = fleet.add(bmc, faults=Faults(delay=0.02, jitter=0.01), script=script)
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)

            status = await output(*ipmitool_command(member), "chassis", "status")
            await wait_until(lambda: bmc.controller.owner is not None)
            nursery.cancel_scope.cancel()

    assert "System Power         : on" in status


async def test_poking_a_member_wakes_the_fleet() -> None:
    bmc = make()
    with Fleet() as fleet, trio.fail_after(TIMEOUT):
        member = fleet.add(bmc)
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            await wait_until(lambda: bmc.machine.power_on)

            bmc.machine.receive(b"knock", trio.current_time())
            fleet.poke(member)
            await wait_until(lambda: bmc.ledger.printed == len(b"knock"))
            nursery.cancel_scope.cancel()


async def test_the_command_line_tells_what_became_of_every_byte() -> None:
    port = str(free_port(socket.SOCK_DGRAM))
    arguments = ("--count", "2", "--port", port, "--rate", "50")
    command = (sys.executable, "-m", "solrecd.simbmc", *arguments)
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with trio.fail_after(TIMEOUT):
        listening = json.loads(await process.stdout.receive_some())
        await trio.sleep(0.1)
        process.terminate()
        await process.wait()
        summary = json.loads(await process.stdout.receive_some())
    await process.stdout.aclose()

    assert len(listening["listening"]) == 2
    assert summary["printed"] == summary["dropped"]["no_owner"]
    assert process.returncode == 0
