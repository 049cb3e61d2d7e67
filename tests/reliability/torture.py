"""Promise 1: kill -9 at any moment, and every acknowledged byte is archived once.

The BMCs run in this process and remember what was acknowledged. The daemon is started
and killed over and over, after random times that reach from the middle of its start
to the middle of its work; then one more start has to make everything good.
"""

from __future__ import annotations

import random
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path

import trio

from bench.figures import Figure
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.payload import SolSettings
from tests.reliability.comparison import count_repeated
from tests.reliability.fleet import LINE_RATE, Load, recorder_of, simulated
from tests.support.recorder import Recorder

_LONGEST_LIFE = 3.0
"""Seconds until a kill, at most; a start takes about one."""

_LAST_ACK = 0.1
"""Seconds for ACKs that were sent before the kill to arrive."""

_AGAIN = 2000
"""Bytes that each console has to deliver after the last start."""

_SETTINGS = SolSettings(buffers_without_owner=True, retry_interval=0.2)
_DAEMON = 'segment_size = "256KiB"\n'
"""Segments end all the time, so that kills meet rotation and compression."""

_PATIENCE = 60.0


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--consoles", type=int, default=50)
    parser.add_argument("--rate", type=float, default=LINE_RATE)
    parser.add_argument("--seed", type=int, default=1)


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Torture; raise `DifferenceError` where a promise is broken."""
    load = Load(arguments.consoles, rate=arguments.rate, keep=1 << 40)
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    async with simulated(load, _SETTINGS, seed=arguments.seed) as (_, members):
        with recorder_of(directory, members, _DAEMON) as recorder:
            kills: dict[str, list[int]] = {name: [] for name in members}
            for _ in range(arguments.kills):
                recorder.launch()
                await trio.sleep(rng.uniform(0.05, _LONGEST_LIFE))
                assert not recorder.has_ended, recorder.messages[-2000:]
                recorder.kill()
                await trio.sleep(_LAST_ACK)
                for name, member in members.items():
                    kills[name].append(member.bmc.ledger.acknowledged)
            await _record_once_more(recorder, members)
            return list(_judge(recorder, members, kills, time.monotonic() - began))


async def _record_once_more(recorder: Recorder, members: Mapping[str, Member]) -> None:
    ledgers = [member.bmc.ledger for member in members.values()]
    wanted = [ledger.acknowledged + _AGAIN for ledger in ledgers]
    await trio.to_thread.run_sync(recorder.start)
    with trio.fail_after(_PATIENCE):
        while any(  # noqa: ASYNC110 - a BMC has no trio.Event
            ledger.acknowledged < count
            for ledger, count in zip(ledgers, wanted, strict=True)
        ):
            await trio.sleep(0.1)
    await trio.to_thread.run_sync(recorder.stop)


def _judge(
    recorder: Recorder,
    members: Mapping[str, Member],
    kills: Mapping[str, list[int]],
    seconds: float,
) -> Iterator[Figure]:
    acknowledged = repeated = 0
    for name, member in members.items():
        kept = bytes(member.bmc.ledger.kept)
        acknowledged += len(kept)
        repeated += count_repeated(recorder.raw(name), kept, kills[name])
    count = max(map(len, kills.values()))
    yield Figure("consoles", len(members), "")
    yield Figure("kill -9", count, "")
    yield Figure("lasted", seconds, "s")
    yield Figure("acknowledged", acknowledged / 1e6, "MB")
    yield Figure("acknowledged and not archived", 0, "bytes", goal=0)
    yield Figure("archived twice without a kill", 0, "bytes", goal=0)
    yield Figure(
        "recorded, not yet acknowledged when killed, and so sent again",
        repeated,
        "bytes",
    )
