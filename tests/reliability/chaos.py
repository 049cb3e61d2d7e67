"""All faults mixed, against one recorder, for as long as wanted; every byte accounted.

A recorder of a simulated fleet is started and ended over and over, by SIGTERM or kill
-9, with a second one on the same folder now and then, and with damage to its files
before some of the starts. Meanwhile its disk is full or frozen, its name server fails
or hangs, its wall clock jumps, and the BMCs restart, fall silent, forget, are robbed.
Two neighbours suffer nothing of their own: what the others cost them is timed.
"""

from __future__ import annotations

import random
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trio

from bench.figures import Figure
from solrecd.process.stopping import LIMIT
from solrecd.simbmc.faults import Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.options import OPENBMC
from tests.reliability.disks import is_over
from tests.reliability.fleet import Load, recorder_of, simulated, until_acknowledged
from tests.reliability.losses import LINE, Text, find_losses
from tests.reliability.mishaps import KINDS, REACH, heal, show, suffer
from tests.reliability.timed import TimedLedger, timed
from tests.support.chaos_recorder import DOMAIN, FAILS, HANGS
from tests.support.damage import damage_one
from tests.support.fake_time import FakeTime
from tests.support.frozen_disk import FrozenDisk, frozen_disk
from tests.support.recorder import Recorder

NEIGHBOURS = 2
"""The first consoles: they have addresses, and no mishaps."""

_KINDS = (*KINDS, OPENBMC)
"""The fifth console is OpenBMC's first."""

_DISK = 512 << 20
"""Bytes of the disk with archive and state."""

_LIFE = 4.0, 15.0
"""Seconds from all recording to the end of a process."""

_PAUSE = 2.0, 8.0
"""Seconds between two troubles of the machine."""

_TROUBLE = 0.5, 8.0
"""Seconds that one lasts."""

_KILLED = 0.4
"""Share of the ends that are a kill -9."""

_DAMAGED = 0.6
"""Share of the starts after a SIGTERM before which a file is damaged."""

_SECOND = 0.3
"""Share of the lives in which a second daemon is started on the same folder."""

_JUMPS = (365 * 86400, -365 * 86400, 3600, -3600, 90, -90)
"""Seconds by which the wall clock jumps."""

_HARMLESS = (".raw", ".timing")
"""Files of the archive that may be damaged: the logs are what is judged."""

_DAEMON = 'segment_size = "256KiB"\n'
_CONSOLES = "keepalive = 3\n"


@dataclass(slots=True)
class _Tally:
    """What was seen."""

    done: Counter[str] = field(default_factory=Counter)
    """Troubles, by what they are."""
    mishaps: Counter[Mishap] = field(default_factory=Counter)
    """Of the BMCs."""
    failed_starts: int = 0
    second_daemons: int = 0
    """Those that did not refuse to start."""
    stops: list[float] = field(default_factory=list)
    """Seconds of each."""
    waits: list[float] = field(default_factory=list)
    """Seconds of the neighbours' packets for their ACKs."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it happens."""

    rng: random.Random
    recorder: Recorder
    members: Mapping[str, Member]
    ledgers: Sequence[TimedLedger]
    """Of the neighbours."""
    disk: FrozenDisk
    clock: FakeTime
    names: Path
    """Tells how look-ups of names fail."""
    tally: _Tally
    trouble: trio.Lock = field(default_factory=trio.Lock)
    """Held while the machine has one."""


_Act = Callable[[_Place], None]


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--consoles", type=int, default=20)
    parser.add_argument("--rate", type=float, default=8.0, help="packets a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="copy archive and log to there")


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Mix; raise `CannotMountError` where a file system cannot be made."""
    load = Load(arguments.consoles, rate=arguments.rate)
    rng = random.Random(arguments.seed)
    with frozen_disk(directory / "disk", _DISK) as disk:
        async with simulated(load, _KINDS, seed=arguments.seed) as (fleet, members):
            ledgers = timed(list(members.values())[:NEIGHBOURS])
            folder = directory / "solrecd"
            with recorder_of(folder, members, _DAEMON, _CONSOLES) as recorder:
                names = recorder.journal.with_name("names")
                clock = FakeTime(recorder.journal.with_name("fake-time"))
                place = _Place(
                    rng, recorder, members, ledgers, disk, clock, names, _Tally()
                )
                _prepare(place)
                await _live(arguments, fleet, place)
                figures = list(_judge(place))
                if arguments.keep is not None:
                    shutil.copytree(recorder.archive, arguments.keep / "log")
                    shutil.copy(recorder.directory / "stderr", arguments.keep)
    return [
        Figure("minutes", arguments.minutes, ""),
        Figure("consoles", arguments.consoles, ""),
        *figures,
    ]


def _prepare(place: _Place) -> None:
    """Have the disk, the names of all but the neighbours and the clock be ours."""
    recorder = place.recorder
    for kind in ("log", "state"):
        (place.disk.folder / kind).mkdir()
        (recorder.directory / kind).rmdir()
        (recorder.directory / kind).symlink_to(place.disk.folder / kind)
    text = recorder.configuration.read_text()
    for name, member in list(place.members.items())[NEIGHBOURS:]:
        by_name = f'"{name}{DOMAIN}:{member.port}"'
        text = text.replace(f'"{member.host}:{member.port}"', by_name)
    recorder.configuration.write_text(text)
    entry = "tests.support.chaos_recorder"
    recorder.program = (sys.executable, "-m", entry, place.names)
    recorder.environment |= place.clock.environment


async def _live(arguments: Namespace, fleet: Fleet, place: _Place) -> None:
    """Let everything happen; then heal it, and record once more."""
    end = trio.current_time() + arguments.minutes * 60
    mishaps = place.tally.mishaps
    async with trio.open_nursery() as nursery:
        for member in list(place.members.values())[NEIGHBOURS:]:
            nursery.start_soon(suffer, fleet, member, place.rng, mishaps)
        nursery.start_soon(_trouble_forever, place)
        while trio.current_time() < end:
            await _one_life(place)
        nursery.cancel_scope.cancel()
    await heal(fleet, place.members)
    place.recorder.launch()
    await until_acknowledged(place.recorder, place.members, 2000)
    await _stop(place)


async def _one_life(place: _Place) -> None:
    """Start, record for a while, end; perhaps damage something."""
    recorder, rng = place.recorder, place.rng
    if not await _start(place):
        await trio.to_thread.run_sync(recorder.kill)
        return
    for ledger in place.ledgers:
        ledger.waits.clear()
    if rng.random() < _SECOND:
        await _start_a_second(place)
    await trio.sleep(rng.uniform(*_LIFE))
    for ledger in place.ledgers:
        place.tally.waits += ledger.waits
    if recorder.has_ended:
        sys.stderr.write(f"it ended by itself: {recorder.messages[-4000:]}\n")
        place.tally.failed_starts += 1
    if rng.random() < _KILLED:
        place.tally.done["kill -9"] += 1
        await trio.to_thread.run_sync(recorder.kill)
        return
    await _stop(place)
    if rng.random() < _DAMAGED:
        async with place.trouble:
            await trio.to_thread.run_sync(_damage, place)


async def _start(place: _Place) -> bool:
    """Start; tell whether the neighbours are recorded: nothing is wrong with them."""
    place.tally.done["start"] += 1
    place.recorder.launch()
    try:
        neighbours = dict(list(place.members.items())[:NEIGHBOURS])
        await until_acknowledged(place.recorder, neighbours, 1)
    except AssertionError as error:
        place.tally.failed_starts += 1
        sys.stderr.write(f"a start that did not record: {error}\n")
        return False
    return True


async def _stop(place: _Place) -> None:
    """Stop as systemd does, and time it."""
    recorder = place.recorder
    place.tally.done["SIGTERM"] += 1
    began = time.monotonic()
    recorder.terminate()
    with trio.move_on_after(2 * LIMIT):
        while not is_over(recorder.pid):  # noqa: ASYNC110 - another process
            await trio.sleep(0.02)
    place.tally.stops.append(time.monotonic() - began)
    await trio.to_thread.run_sync(recorder.kill)


async def _start_a_second(place: _Place) -> None:
    """Start a second daemon on the same folder: it has to refuse, and harm nothing."""
    place.tally.done["second daemon"] += 1
    recorder = place.recorder
    command = [*recorder.program, "run", "-c", recorder.configuration]
    with trio.move_on_after(30):
        done = await trio.run_process(
            [str(word) for word in command],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        if done.returncode:
            return
    place.tally.second_daemons += 1


def _damage(place: _Place) -> None:
    place.tally.done["damaged file"] += 1
    folders = [place.disk.folder / "state", place.disk.folder / "log"]
    damage_one(place.rng, folders, folders[1], kinds=_HARMLESS)


# Troubles of the machine.


def _fail_names(place: _Place) -> None:
    place.names.write_text(FAILS)


def _hang_names(place: _Place) -> None:
    place.names.write_text(HANGS)


def _jump(place: _Place) -> None:
    place.clock.set(place.rng.choice(_JUMPS))


_TROUBLES: Mapping[str, tuple[_Act, _Act]] = {
    "full disk": (lambda it: it.disk.fill(), lambda it: it.disk.empty()),
    "frozen disk": (lambda it: it.disk.freeze(), lambda it: it.disk.thaw()),
    "failing names": (_fail_names, lambda it: it.names.unlink()),
    "hanging names": (_hang_names, lambda it: it.names.unlink()),
    "clock jump": (_jump, lambda it: it.clock.set(0)),
}


async def _trouble_forever(place: _Place) -> None:
    """Let the machine have one trouble after the other."""
    while True:
        await trio.sleep(place.rng.uniform(*_PAUSE))
        name, (begin, end) = place.rng.choice(list(_TROUBLES.items()))
        place.tally.done[name] += 1
        async with place.trouble:
            await trio.to_thread.run_sync(begin, place)
            try:
                await trio.sleep(place.rng.uniform(*_TROUBLE))
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(end, place)


# What came of it.


@dataclass(slots=True)
class _Bytes:
    """Of all consoles together."""

    recorded: int = 0
    marked: int = 0
    """Lost and marked."""
    unmarked: int = 0
    doubled: int = 0
    """Twice without the mark of an interruption."""

    def add(self, name: str, log: str) -> None:
        """Count a console's log."""
        text = Text.parse(log, name)
        found = find_losses(text, reach=REACH)
        unmarked = sum(text.missing[place] for place in found.unmarked)
        self.recorded += text.size
        self.unmarked += unmarked
        self.marked += sum(text.missing.values()) - unmarked
        again = [place for place in text.repeats if not _is_near_gap(text, place)]
        self.doubled += LINE * len(again)
        for place in found.unmarked:
            show(name, log, text.lines[place])
        for place in again:
            sys.stderr.write(f"repeated at {name}, byte {place}\n")


def _is_near_gap(text: Text, place: int) -> bool:
    """Whether it was an interruption: a packet may come again after it."""
    return any(place - REACH <= mark <= place + REACH for mark in text.gap_marks)


def _judge(place: _Place) -> Iterator[Figure]:
    count, tally = _Bytes(), place.tally
    for name in place.members:
        count.add(name, place.recorder.log(name))
    for name, number in sorted(tally.done.items()):
        yield Figure(str(name), number, "")
    yield Figure("mishaps of BMCs", tally.mishaps.total(), "")
    offered = sum(member.bmc.ledger.printed for member in place.members.values())
    yield Figure("bytes offered", offered / 1e6, "MB")
    yield Figure("recorded", count.recorded / 1e6, "MB")
    yield Figure("lost and marked", count.marked / 1e6, "MB")
    yield Figure("lost and not marked", count.unmarked, "bytes", goal=0)
    yield Figure("doubled", count.doubled, "bytes", goal=0)
    yield Figure("starts that failed", tally.failed_starts, "", goal=0)
    yield Figure("second daemons that started", tally.second_daemons, "", goal=0)
    late = sum(seconds > LIMIT for seconds in tally.stops)
    yield Figure(f"stops over {LIMIT:g} s", late, "", goal=0)
    yield Figure("longest stop", max(tally.stops), "s")
    waits = sorted(tally.waits)
    yield Figure("neighbours' packets timed", len(waits), "")
    if waits:
        p999 = waits[int(len(waits) * 0.999)]
        yield Figure("neighbour delay, p99.9", p999 * 1e3, "ms")
        yield Figure("worst neighbour delay", waits[-1] * 1e3, "ms")
