"""Promise 3: one console cannot hurt another.

Hundreds of consoles print a little; each packet is timed at the BMC, from the byte to
its ACK. First they are alone, then they have neighbours: a BMC that passes the login
and never answers again, one that prints without pause, one that sends garbage as fast
as it can, and a viewer who never reads. Then each of the floods in `FLOODS`: SoL
packets of a BMC that waits for no ACK.
"""

from __future__ import annotations

import random
import socket
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import trio

from bench.figures import Figure
from bench.processes import cpu_seconds
from solrecd.simbmc.faults import Misbehaviour
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.payload import SolSettings
from tests.reliability.fleet import (
    Load,
    make_bmc,
    recorder_of,
    simulated,
    until_acknowledged,
)
from tests.reliability.scrape import quantile
from tests.reliability.timed import TimedLedger, timed, waits
from tests.support.floods import FLOODS, Flood, send_flood
from tests.support.recorder import Recorder

GOAL = 100.0
"""Milliseconds within which each packet of the others is to be acknowledged."""

_GARBAGE_PAUSE = 0.002
_GARBAGE = 10
"""Datagrams of garbage in each pause: 5000 a second."""

_SILENT = 1e-6
"""Bursts a second of a machine that prints nothing."""

_PAUSE_AFTER = 2.0
"""Seconds in which what a flood left is read."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--consoles", type=int, default=500)
    parser.add_argument("--rate", type=float, default=1.0, help="packets a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--floods", default="", help="only those with this in the name")
    parser.add_argument("--patience", type=float, default=GOAL, help="milliseconds")


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Measure with and without bad neighbours."""
    load = Load(arguments.consoles, rate=arguments.rate)
    figures = []
    async with simulated(load, SolSettings()) as (fleet, members):
        ledgers = timed(members.values())
        villains = {
            name: fleet.add(make_bmc(name, Load(1, rate=rate, size=255), SolSettings()))
            for name, rate in (("mute", 1.0), ("flood", 2000.0), ("garbage", 1.0))
        }
        hasty = fleet.add(make_bmc("hasty", Load(1, rate=_SILENT), SolSettings()))
        settings = "login_concurrency = 256\n"
        everybody = {**members, **villains, "hasty": hasty}
        with recorder_of(directory, everybody, settings) as recorder:
            await trio.to_thread.run_sync(recorder.start)
            await until_acknowledged(recorder, members, 200)
            figures += await _time(arguments, "alone", ledgers, recorder)
            async with _bad_neighbours(fleet, villains, recorder):
                figures += await _time(arguments, "with neighbours", ledgers, recorder)
            _quieten(fleet, villains)
            for name, flood in FLOODS.items():
                if arguments.floods not in name:
                    continue
                before = await _recorded(recorder)
                async with _flooding(hasty, flood):
                    figures += await _time(
                        arguments, f"beside {name}", ledgers, recorder
                    )
                rate = (await _recorded(recorder) - before) / arguments.seconds / 1e3
                figures.append(Figure(f"beside {name}: recorded of it", rate, "kB/s"))
                await trio.sleep(_PAUSE_AFTER)
            delay = quantile(recorder, "ack_delay", 0.999)
            lag = quantile(recorder, "loop_lag", 0.99)
            figures.append(Figure("ACK delay in the daemon, p99.9", delay * 1e3, "ms"))
            figures.append(Figure("loop lag in the daemon, p99", lag * 1e3, "ms"))
            await trio.to_thread.run_sync(recorder.stop)
    return [Figure("consoles", arguments.consoles, ""), *figures]


async def _time(
    arguments: Namespace, name: str, ledgers: list[TimedLedger], recorder: Recorder
) -> list[Figure]:
    for ledger in ledgers:
        ledger.waits.clear()
    began, used = trio.current_time(), cpu_seconds(recorder.pid)
    await trio.sleep(arguments.seconds)
    used = (cpu_seconds(recorder.pid) - used) / (trio.current_time() - began)
    share = Figure(f"{name}: of a processor", used * 100, "%")
    return [*waits(name, ledgers, arguments.patience), share]


@asynccontextmanager
async def _bad_neighbours(
    fleet: Fleet, villains: Mapping[str, Member], recorder: Recorder
) -> AsyncIterator[None]:
    """Let the neighbours be bad."""
    villains["mute"].bmc.misbehaviour = Misbehaviour(mute_after_login=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send_garbage, villains["garbage"])
        with _viewer_that_never_reads(recorder):
            yield
        nursery.cancel_scope.cancel()


async def _send_garbage(member: Member) -> None:
    rng = random.Random(1)
    while True:
        for session in list(member.bmc.controller.sessions.values()):
            for _ in range(_GARBAGE):
                member.send(rng.randbytes(rng.randint(1, 300)), session.address)
        await trio.sleep(_GARBAGE_PAUSE)


@contextmanager
def _viewer_that_never_reads(recorder: Recorder) -> Iterator[None]:
    """Ask for everything that all consoles print, and read none of it."""
    with socket.socket(socket.AF_UNIX) as viewer:
        viewer.connect(str(recorder.directory / "control.sock"))
        viewer.sendall(b"GET /v1/tail HTTP/1.1\r\nHost: solrecd\r\n\r\n")
        yield


def _quieten(fleet: Fleet, villains: Mapping[str, Member]) -> None:
    """Take the bad neighbours away: the next measurement is about another."""
    for member in villains.values():
        member.bmc.misbehaviour = Misbehaviour(mute=True)
        fleet.poke(member)


@asynccontextmanager
async def _flooding(member: Member, flood: Flood) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_flood, member, flood)
        yield
        nursery.cancel_scope.cancel()


async def _recorded(recorder: Recorder) -> float:
    """Return how many bytes the daemon has of the console that floods."""
    family = "solrecd_console_received_bytes_total"
    return await trio.to_thread.run_sync(recorder.metric, family, "hasty") or 0.0
