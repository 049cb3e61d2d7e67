"""The daemon as a process under a service manager: restarted, killed, and back."""

from __future__ import annotations

import random
import re
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Self

import pytest
import trio

from solrecd.console.event_fanout import SECOND
from solrecd.console.session_tracker import BMC_BUFFERS
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.machine import Machine, NumberedLines, numbered
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from tests.support import ipmi_sim
from tests.support.ipmi_sim import IpmiSim
from tests.support.peers import need
from tests.support.recorder import wait_until
from tests.support.service_manager import ServiceManager
from tests.support.wire import Wire

BMCS = 4
RESTARTS = 4
LONGEST = 2.0
"""Seconds that the daemon stays away."""

TIMEOUT = 60.0

BEHIND = 1024
"""Bytes, a third of a second of a machine's output."""

CONFIGURATION = """\
[daemon]
log_dir = "{folder}/log"
state_dir = "{folder}/state"
control = "{folder}/control.sock"
journal_size = "4MiB"
metrics = ""
compress = false
{consoles}
"""

CONSOLE = """\
[console.{name}]
bmc = "{address}"
username = "{username}"
password = "{password}"
"""


def configure(folder: Path, consoles: str) -> ServiceManager:
    """Return a service manager for a daemon with these consoles."""
    file = folder / "solrecd.toml"
    file.touch(mode=0o600)
    file.write_text(CONFIGURATION.format(folder=folder, consoles=consoles))
    program = Path(sys.executable).parent / "solrecd"
    return ServiceManager(folder, [program, "run", "-c", file])


def raw(folder: Path, name: str) -> bytes:
    """Return everything recorded of a console."""
    files = sorted((folder / "log" / name).glob("2*.raw"))
    return b"".join(file.read_bytes() for file in files)


def text(folder: Path, name: str) -> str:
    """Return the text of a console's log."""
    files = sorted((folder / "log" / name).glob("2*.log"))
    return "".join(file.read_text() for file in files)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that the daemon or a BMC brings about."""
    with trio.fail_after(TIMEOUT):
        while not condition():  # noqa: ASYNC110 - a BMC has no trio.Event
            await trio.sleep(0.05)


def have_all_of_now(bmcs: Collection[Bmc]) -> bool:
    """Tell whether nothing but the latest output waits for its acknowledgement."""
    return all(
        b.ledger.printed - sum(b.ledger.dropped.values()) - b.ledger.acknowledged
        < BEHIND
        for b in bmcs
    )


def make_bmc(name: str) -> Bmc:
    """Return a BMC whose machine prints without end; it drops what has no owner."""
    options = BmcOptions(
        users=(User(b"recorder", b"secret"),), sol=SolSettings(buffer_size=1 << 18)
    )
    source = NumberedLines(name, rate=30, size=128, total=None)
    return Bmc(options, Machine(source), ledger=Ledger())


@pytest.mark.parametrize("how", ["restart", "crash"])
async def test_restarts_of_a_process_cost_no_byte_and_no_session(
    tmp_path: Path, how: str
) -> None:
    rng = random.Random(how)
    names = [f"node{n}" for n in range(BMCS)]
    bmcs = {name: make_bmc(name) for name in names}
    with Fleet(seed=3) as fleet:
        members = {name: fleet.add(bmcs[name]) for name in names}
        consoles = "".join(
            CONSOLE.format(
                name=name,
                address=f"{members[name].host}:{members[name].port}",
                username="recorder",
                password="secret",
            )
            for name in names
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            with configure(tmp_path, consoles) as service:
                await trio.to_thread.run_sync(service.start)
                await until(lambda: all(b.ledger.acknowledged for b in bmcs.values()))
                unheard = {n: bmcs[n].ledger.dropped[Drop.NO_OWNER] for n in names}
                owners = [bmc.controller.owner for bmc in bmcs.values()]
                for _ in range(RESTARTS):
                    down = rng.uniform(0, LONGEST)
                    act = service.restart if how == "restart" else service.crash
                    await trio.to_thread.run_sync(act, down)
                    await until(partial(have_all_of_now, tuple(bmcs.values())))
                dropped = {n: dict(bmcs[n].ledger.dropped) for n in names}
                same = [bmc.controller.owner for bmc in bmcs.values()]
                await trio.to_thread.run_sync(service.stop)
            nursery.cancel_scope.cancel()

    assert same == owners
    for name in names:
        recorded = raw(tmp_path, name)
        before = unheard[name]
        assert dropped[name] == {Drop.NO_OWNER: before}
        assert recorded == numbered(name, before, len(recorded))
        assert len(recorded) >= bmcs[name].ledger.acknowledged
        assert_only_long_pauses_are_gaps(text(tmp_path, name), RESTARTS)


_PAUSE = re.compile(r"# restart: ([0-9.]+) s, session kept\n")


def assert_only_long_pauses_are_gaps(log: str, restarts: int) -> None:
    """See that every restart kept the session, and what was marked beside.

    A busy machine starts so slowly that a pause may be too long to be sure of.
    """
    pauses = [float(pause) for pause in _PAUSE.findall(log)]
    too_long = sum(pause >= BMC_BUFFERS / SECOND for pause in pauses)
    assert len(pauses) == restarts
    assert log.count("# gap: ") <= too_long


WAITING = 3 * 255 // len(b"line 0000000\r\n")
"""Lines that a BMC may send before and between what it dropped: it keeps the packet on
the wire, and what follows one that it gave up."""


def assert_numbers_are_missing_at_gaps_only(log: str, printed: int) -> None:
    """See that every line is there once and in order, but where a gap is marked.

    Where a busy machine was away for too long the BMC has dropped some, behind what it
    was sending.
    """
    wanted, since_mark = 0, WAITING + 1
    for note, number in re.findall(r"(# gap: )|line (\d{7})\n", log):
        since_mark = 0 if note else since_mark + 1
        if number:
            assert int(number) >= wanted
            assert int(number) == wanted or since_mark <= WAITING
            wanted = int(number) + 1
    assert wanted == printed


class Printer:
    """A machine that prints numbered lines into a serial line, at its own pace."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._print)

    def __enter__(self) -> Self:
        """Begin to print."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._done.set()
        self._thread.join()

    def _print(self) -> None:
        number = 0
        while not self._done.wait(0.02):
            self._wire.emit(b"line %07d\r\n" % number)
            number += 1


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[IpmiSim]:
    """Return a running BMC."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    with IpmiSim(tmp_path / "bmc", history=65536) as simulator:
        yield simulator


def test_restarts_against_ipmi_sim_cost_no_byte(tmp_path: Path, bmc: IpmiSim) -> None:
    console = CONSOLE.format(
        name="node1",
        address=bmc.address,
        username=ipmi_sim.USERNAME,
        password=ipmi_sim.PASSWORD,
    )

    with configure(tmp_path, console) as service:
        service.start()
        wait_until(lambda: "state=up" in service.messages, bool, seconds=TIMEOUT)
        with Printer(bmc.wire):
            for down in (0.0, 1.0, 2.0):
                time.sleep(1)
                service.restart(down)
                time.sleep(1)
                service.crash(down)
            time.sleep(1)
        last = bmc.wire.sent[-100:]
        wait_until(
            lambda: raw(tmp_path, "node1"),
            lambda got: got.endswith(last),
            seconds=TIMEOUT,
        )
        service.stop()

    log = text(tmp_path, "node1")
    assert_only_long_pauses_are_gaps(log, 6)
    if "# gap: " not in log:
        assert raw(tmp_path, "node1") == bmc.wire.sent
    assert_numbers_are_missing_at_gaps_only(log, bmc.wire.sent.count(b"\n"))
