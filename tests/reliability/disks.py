"""A disk that hangs: ACKs, sessions and neighbours go on, a stop ends, nothing is lost.

Every other console records on a real file system that is frozen: its writer thread
sleeps in the kernel in state D, as behind a dead NFS server. First for a while, then
again while the daemon is told to stop. Each packet is timed at the BMC, from the byte
to its ACK; at the end the archive is compared with what was acknowledged.
"""

from __future__ import annotations

import fcntl
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from bench.figures import Figure
from solrecd.process.stopping import LIMIT
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.payload import SolSettings
from tests.reliability.comparison import DifferenceError, count_repeated
from tests.reliability.fleet import (
    Load,
    recorder_of,
    simulated,
    until_acknowledged,
)
from tests.reliability.timed import TimedLedger, timed, waits
from tests.support.frozen_disk import FrozenDisk, frozen_disk
from tests.support.recorder import Recorder

_DRAINED_WITHIN = 30.0
"""Seconds for what waited in the journal, once the disk is back."""

_SETTINGS = SolSettings(buffers_without_owner=True, retry_interval=0.2)


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--consoles", type=int, default=50)
    parser.add_argument("--rate", type=float, default=10.0, help="packets a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each stall")
    parser.add_argument("--patience", type=float, default=50.0, help="milliseconds")


@dataclass(frozen=True, slots=True)
class _Rack:
    """Whom it concerns."""

    arguments: Namespace
    recorder: Recorder
    members: Mapping[str, Member]
    stalled: Sequence[str]
    """Consoles on the disk that hangs."""
    ledgers: Mapping[str, TimedLedger]

    @property
    def others(self) -> list[str]:
        """Consoles on another disk."""
        return [name for name in self.members if name not in self.stalled]

    async def time(
        self, what: str, groups: Mapping[str, Sequence[str]]
    ) -> list[Figure]:
        """Time all packets for a while."""
        for ledger in self.ledgers.values():
            ledger.waits.clear()
        await trio.sleep(self.arguments.seconds)
        patience = self.arguments.patience
        return [
            figure
            for group, names in groups.items()
            for figure in waits(
                f"{what}: {group}", [self.ledgers[name] for name in names], patience
            )
        ]


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Measure; raise `CannotMountError` where a file system cannot be made."""
    with frozen_disk(directory / "disk") as disk:
        figures = await _record(arguments, directory / "solrecd", disk)
    return [Figure("consoles", arguments.consoles, ""), *figures]


async def _record(
    arguments: Namespace, directory: Path, disk: FrozenDisk
) -> list[Figure]:
    load = Load(arguments.consoles, rate=arguments.rate)
    async with simulated(load, _SETTINGS) as (_, members):
        ledgers = timed(members.values(), keep=1 << 40)
        stalled = list(members)[::2]
        with recorder_of(directory, members) as recorder:
            _place(recorder, disk, stalled)
            named = dict(zip(members, ledgers, strict=True))
            rack = _Rack(arguments, recorder, members, stalled, named)
            figures = await _hang(rack, disk)
            figures += await _stop_while_it_hangs(rack, disk)
            return figures + await _compare(rack)


def _place(recorder: Recorder, disk: FrozenDisk, names: Sequence[str]) -> None:
    """Put the folders of some consoles on the disk."""
    for name in names:
        (disk.folder / name).mkdir()
        (recorder.archive / name).symlink_to(disk.folder / name)


async def _hang(rack: _Rack, disk: FrozenDisk) -> list[Figure]:
    """Let the disk hang for a while, with everything else as usual."""
    await trio.to_thread.run_sync(rack.recorder.start)
    await until_acknowledged(rack.recorder, rack.members, 2000)
    figures = await rack.time("before", {"all": list(rack.members)})
    disk.freeze()
    recorded = _archived(rack, rack.others)
    groups = {"on the disk that hangs": rack.stalled, "on another": rack.others}
    figures += await rack.time("while it hangs", groups)
    rows = await trio.to_thread.run_sync(rack.recorder.solrecctl, "ls")
    down = sum(row["session"] != "up" for row in rows)
    idle = sum(
        size <= before
        for size, before in zip(_archived(rack, rack.others), recorded, strict=True)
    )
    disk.thaw()
    return [
        *figures,
        Figure("sessions that are not up", down, "", goal=0),
        Figure("consoles on another disk that are not archived", idle, "", goal=0),
        Figure("until everything is archived", await _drained(rack), "s", goal=10),
    ]


def _archived(rack: _Rack, names: Sequence[str]) -> list[int]:
    folder = rack.recorder.archive
    return [(folder / name / "current.raw").stat().st_size for name in names]


async def _drained(rack: _Rack) -> float:
    """Return how long it takes until the archive has what was acknowledged by now."""
    wanted = [rack.ledgers[name].acknowledged for name in rack.stalled]

    def is_archived() -> bool:
        sizes = _archived(rack, rack.stalled)
        return all(size >= least for size, least in zip(sizes, wanted, strict=True))

    return await _lasts(is_archived, _DRAINED_WITHIN)


async def _lasts(is_done: Callable[[], bool], patience: float) -> float:
    """Return how long something takes; at most ``patience`` seconds."""
    began = time.monotonic()
    with trio.move_on_after(patience):
        while not is_done():  # noqa: ASYNC110 - another process brings it about
            await trio.sleep(0.05)
    return time.monotonic() - began


async def _stop_while_it_hangs(rack: _Rack, disk: FrozenDisk) -> list[Figure]:
    """Stop the daemon while its writer sleeps in the kernel; it cannot be reaped."""
    disk.freeze()
    await trio.sleep(1.0)
    rack.recorder.terminate()
    lasted = await _lasts(lambda: is_over(rack.recorder.pid), 2 * LIMIT)
    is_locked = _is_locked(rack.recorder.journal)
    disk.thaw()
    await trio.to_thread.run_sync(rack.recorder.stop)
    return [
        Figure("a stop while it hangs", lasted, "s", goal=LIMIT),
        Figure("journals that the next start could not use", is_locked, "", goal=0),
    ]


def is_over(pid: int) -> bool:
    """Whether nothing of a process runs any more but what sleeps in the kernel."""
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


async def _compare(rack: _Rack) -> list[Figure]:
    """Start once more; then compare all archives with what was acknowledged."""
    ends = {name: ledger.acknowledged for name, ledger in rack.ledgers.items()}
    await trio.to_thread.run_sync(rack.recorder.start)
    await until_acknowledged(rack.recorder, rack.members, 1000)
    await trio.to_thread.run_sync(rack.recorder.stop)
    return list(_differences(rack, ends))


def _differences(rack: _Rack, ends: Mapping[str, int]) -> Iterator[Figure]:
    different = acknowledged = 0
    for name, ledger in rack.ledgers.items():
        acknowledged += ledger.acknowledged
        raw = rack.recorder.raw(name)
        try:
            count_repeated(raw, bytes(ledger.kept), [ends[name]])
        except DifferenceError:
            different += 1
    yield Figure("acknowledged", acknowledged / 1e6, "MB")
    yield Figure("consoles whose archive is not what was ACKed", different, "", goal=0)
