"""Promise 1: kill -9 at any moment, and every acknowledged byte is archived once.

The BMCs run in this process and remember what was acknowledged. The daemon is started
and killed over and over, one time in five while it starts, else at any moment of the
work that it has begun, and one time in five on a disk that is full; then one more
start has to make everything good.
"""

from __future__ import annotations

import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import trio

from bench.figures import Figure
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.payload import SolSettings
from tests.reliability.comparison import DifferenceError, count_repeated
from tests.reliability.fleet import (
    LINE_RATE,
    Load,
    recorder_of,
    simulated,
    until_acknowledged,
)
from tests.support.frozen_disk import CannotMountError
from tests.support.recorder import Recorder
from tests.support.small_disk import SmallDisk, small_disk

_START = 2.0
"""Seconds; about what a start takes on a busy machine."""

_LONGEST_WORK = 1.5
"""Seconds of recording until a kill, at most."""

_KILLED_EARLY = 0.2
"""Share of the kills that meet a daemon that starts."""

_FULL = 0.2
"""Share of the starts that meet a full disk, where we may mount one."""

_LONGEST_FULL = 3.0
"""Seconds until it has room again, at most; often that is after the next kill."""

_DISK = 2 << 30
"""Bytes of that disk."""

_LAST_ACK = 0.1
"""Seconds for ACKs that were sent before the kill to arrive."""

_AGAIN = 2000
"""Bytes that each console has to deliver after the last start."""

_SETTINGS = SolSettings(buffers_without_owner=True, retry_interval=0.2)
_DAEMON = 'segment_size = "256KiB"\n'
"""Segments end all the time, so that kills meet rotation and compression."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--consoles", type=int, default=50)
    parser.add_argument("--rate", type=float, default=LINE_RATE)
    parser.add_argument("--seed", type=int, default=1)


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Torture; with full disks as well where one may be mounted."""
    with ExitStack() as stack:
        disk = None
        with suppress(CannotMountError):
            disk = stack.enter_context(small_disk(directory / "log", _DISK))
        return await _torture(arguments, directory, disk)


async def _torture(
    arguments: Namespace, directory: Path, disk: SmallDisk | None
) -> list[Figure]:
    load = Load(arguments.consoles, rate=arguments.rate, keep=1 << 40)
    began = time.monotonic()
    async with simulated(load, _SETTINGS, seed=arguments.seed) as (_, members):
        with recorder_of(directory, members, _DAEMON) as recorder:
            kills: dict[str, list[int]] = {name: [] for name in members}
            full = await _kill_often(arguments, recorder, members, kills, disk)
            await _record_once_more(recorder, members)
            lasted = time.monotonic() - began
            return [
                Figure("starts on a full disk", full, ""),
                *_judge(recorder, members, kills, lasted),
            ]


async def _kill_often(
    arguments: Namespace,
    recorder: Recorder,
    members: Mapping[str, Member],
    kills: Mapping[str, list[int]],
    disk: SmallDisk | None,
) -> int:
    """Start and kill; return how often the disk was full then."""
    rng = random.Random(arguments.seed)
    full = 0
    async with trio.open_nursery() as nursery:
        for _ in range(arguments.kills):
            if disk is not None and rng.random() < _FULL:
                full += 1
                nursery.start_soon(_be_full, disk, rng.uniform(0, _LONGEST_FULL))
            recorder.launch()
            await _live(rng, recorder, members)
            assert not recorder.has_ended, recorder.messages[-2000:]
            recorder.kill()
            await trio.sleep(_LAST_ACK)
            for name, member in members.items():
                kills[name].append(member.bmc.ledger.acknowledged)
    return full


async def _be_full(disk: SmallDisk, seconds: float) -> None:
    """Leave the disk no room, until after the next kill or before."""
    disk.fill()
    await trio.sleep(seconds)
    disk.empty()


async def _live(
    rng: random.Random, recorder: Recorder, members: Mapping[str, Member]
) -> None:
    """Return when the daemon is to be killed."""
    if rng.random() < _KILLED_EARLY:
        await trio.sleep(rng.uniform(0, _START))
        return
    await until_acknowledged(recorder, members, 1)
    await trio.sleep(rng.uniform(0, _LONGEST_WORK))


async def _record_once_more(recorder: Recorder, members: Mapping[str, Member]) -> None:
    await trio.to_thread.run_sync(recorder.start)
    await until_acknowledged(recorder, members, _AGAIN)
    await trio.to_thread.run_sync(recorder.stop)


def _judge(
    recorder: Recorder,
    members: Mapping[str, Member],
    kills: Mapping[str, list[int]],
    seconds: float,
) -> Iterator[Figure]:
    acknowledged = repeated = different = 0
    for name, member in members.items():
        kept = bytes(member.bmc.ledger.kept)
        acknowledged += len(kept)
        try:
            repeated += count_repeated(recorder.raw(name), kept, kills[name])
        except DifferenceError as error:
            different += 1
            sys.stderr.write(f"{name}: {error}\n")
    count = max(map(len, kills.values()))
    yield Figure("consoles", len(members), "")
    yield Figure("kill -9", count, "")
    yield Figure("lasted", seconds, "s")
    yield Figure("acknowledged", acknowledged / 1e6, "MB")
    yield Figure(
        "consoles with anything ACKed and not archived, or twice without a kill",
        different,
        "",
        goal=0,
    )
    yield Figure(
        "recorded, not yet acknowledged when killed, and so sent again",
        repeated,
        "bytes",
    )
