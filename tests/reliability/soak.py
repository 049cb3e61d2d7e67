"""Everything at once, for as long as wanted: random faults, and each byte accounted.

Networks lose, repeat, delay and damage datagrams; BMCs restart, fall silent, forget
sessions, switch the console off, give it to another client; machines are power-cycled;
the daemon is killed now and then. The machines print numbered lines, so the archive
itself shows what is missing; whatever is, must be marked there.
"""

from __future__ import annotations

import dataclasses
import os
import random
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

import trio

from bench.figures import Figure
from bench.processes import own_bytes, pss_bytes
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.payload import GiveUp, Overflow, SolSettings
from tests.reliability.fleet import Load, recorder_of, simulated, until_acknowledged
from tests.reliability.losses import Text, find_losses
from tests.reliability.scrape import worst
from tests.support.recorder import Recorder

_BUFFER = 4096
"""Bytes that each BMC keeps: little, so that output is dropped often."""

_REACH = _BUFFER + 512
"""Bytes between a mark and its loss: the buffer, a packet, a line."""

_SETTINGS = SolSettings(buffer_size=_BUFFER, retry_interval=0.3)
_KINDS = (
    _SETTINGS,
    dataclasses.replace(_SETTINGS, overflow=Overflow.SKIP),
    dataclasses.replace(_SETTINGS, give_up=GiveUp.BACKLOG, overflow=Overflow.SKIP),
    dataclasses.replace(_SETTINGS, grows=False, retry_growth=1.5),
)

_MISHAPS: tuple[tuple[Mishap, Mishap | None], ...] = (
    (Mishap.RESET, None),
    (Mishap.DEACTIVATE, None),
    (Mishap.FORGET_SESSIONS, None),
    (Mishap.POWER_CYCLE, None),
    (Mishap.STEAL, Mishap.RELEASE),
    (Mishap.MUTE, Mishap.UNMUTE),
)
"""What happens to a BMC, and what ends it. A dead serial line is not among them: what
a BMC never saw cannot be marked."""

_EVERY = 20.0
"""Seconds between two mishaps of a BMC, on average."""

_LONGEST = 8.0
"""Seconds that a mishap lasts, at most."""

_DAEMON = 'segment_size = "1MiB"\n'
_CONSOLES = "keepalive = 3\n"

_SETTLE = 0.4
"""Share of the time in which the daemon is killed, and then warms up: caches, buffers
and the consoles' recent lines fill."""

_PLATEAU = 0.1
"""Share of the time, behind that and at the end, whose samples are compared."""

_SAMPLE_EVERY = 2.0
"""Seconds."""

_GROWTH = 1.0
"""Percent that the daemon's own memory may grow from plateau to plateau."""

_LEAST_MINUTES = 10.0
"""Shorter runs do not judge memory: in them, one boot more or less is 1 %."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--consoles", type=int, default=100)
    parser.add_argument("--loss", type=float, default=0.02, help="per datagram")
    parser.add_argument("--rate", type=float, default=8.0, help="packets a second")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)


@dataclasses.dataclass(slots=True)
class _Plateau:
    """The daemon's process over a while: medians, because memory comes in teeth."""

    own: list[int] = dataclasses.field(default_factory=list)
    total: list[int] = dataclasses.field(default_factory=list)
    descriptors: int = 0

    async def watch(self, pid: int, seconds: float) -> None:
        """Take samples for so long."""
        end = trio.current_time() + seconds
        while trio.current_time() < end:
            self.own.append(own_bytes(pid))
            self.total.append(pss_bytes(pid))
            await trio.sleep(_SAMPLE_EVERY)
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208

    def figures(self, when: str) -> Iterator[Figure]:
        """Yield the figures of this plateau."""
        yield Figure(f"memory of its own, {when}", median(self.own) / 1e6, "MB")
        yield Figure(
            f"memory with mapped files, {when}", median(self.total) / 1e6, "MB"
        )
        yield Figure(f"descriptors, {when}", self.descriptors, "")


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Soak; the figures say what was lost."""
    load = Load(arguments.consoles, rate=arguments.rate)
    faults = Faults(
        loss=arguments.loss,
        duplication=arguments.loss / 2,
        corruption=arguments.loss / 2,
        jitter=0.02,
    )
    rng = random.Random(arguments.seed)
    async with simulated(load, _KINDS, faults=faults, seed=arguments.seed) as (
        fleet,
        members,
    ):
        with recorder_of(directory, members, _DAEMON, _CONSOLES) as recorder:
            await trio.to_thread.run_sync(recorder.start)
            await until_acknowledged(recorder, members, 500)
            suffered: Counter[Mishap] = Counter()
            async with trio.open_nursery() as nursery:
                for member in members.values():
                    nursery.start_soon(_suffer, fleet, member, rng, suffered)
                before, after = await _live(arguments, recorder, members)
                nursery.cancel_scope.cancel()
            await _heal(fleet, members)
            await until_acknowledged(recorder, members, 2000)
            lag, delay = worst(recorder, "loop_lag"), worst(recorder, "ack_delay")
            crashes = int(recorder.has_ended) + recorder.messages.count("Traceback")
            await trio.to_thread.run_sync(recorder.stop)
            figures = list(_judge(recorder, members))
    return [
        Figure("minutes", arguments.minutes, ""),
        Figure("consoles", arguments.consoles, ""),
        Figure("datagrams lost", arguments.loss * 100, "%"),
        Figure("mishaps", suffered.total(), ""),
        Figure("kill -9", arguments.kills, ""),
        Figure("ends and tracebacks of its own", crashes, "", goal=0),
        *figures,
        *before.figures("warm"),
        *after.figures("at the end"),
        _growth(before, after, judged=arguments.minutes >= _LEAST_MINUTES),
        Figure("worst loop lag, at most", lag * 1000, "ms"),
        Figure("worst ACK delay, at most", delay * 1000, "ms"),
    ]


def _growth(before: _Plateau, after: _Plateau, *, judged: bool) -> Figure:
    percent = (median(after.own) / median(before.own) - 1) * 100
    return Figure(
        "memory of its own, grown", percent, "%", goal=_GROWTH if judged else None
    )


async def _live(
    arguments: Namespace, recorder: Recorder, members: Mapping[str, Member]
) -> tuple[_Plateau, _Plateau]:
    """Let time pass, with kills in its first part."""
    seconds = arguments.minutes * 60
    early = seconds * _SETTLE
    for _ in range(arguments.kills):
        await trio.sleep(early / (2 * arguments.kills))
        assert not recorder.has_ended, recorder.messages[-2000:]
        recorder.kill()
        await trio.to_thread.run_sync(recorder.start)
    await until_acknowledged(recorder, members, 1)
    await trio.sleep(early / 2)
    before, after = _Plateau(), _Plateau()
    plateau = seconds * _PLATEAU
    await before.watch(recorder.pid, plateau)
    await trio.sleep(seconds - early - 2 * plateau)
    await after.watch(recorder.pid, plateau)
    return before, after


async def _suffer(
    fleet: Fleet, member: Member, rng: random.Random, suffered: Counter[Mishap]
) -> None:
    """Let things happen to a BMC, forever."""
    while True:
        await trio.sleep(rng.expovariate(1 / _EVERY))
        begin, end = rng.choice(_MISHAPS)
        suffered[begin] += 1
        _happen(fleet, member, begin)
        if end is not None:
            await trio.sleep(rng.uniform(0.5, _LONGEST))
            _happen(fleet, member, end)


async def _heal(fleet: Fleet, members: Mapping[str, Member]) -> None:
    """End what still goes on."""
    for member in members.values():
        member.inbound.faults = member.outbound.faults = Faults()
        _happen(fleet, member, Mishap.UNMUTE)
        _happen(fleet, member, Mishap.RELEASE)
    await trio.sleep(1)


def _happen(fleet: Fleet, member: Member, mishap: Mishap) -> None:
    member.bmc.inject(mishap, trio.current_time())
    fleet.poke(member)


def _show(name: str, log: str, line: int) -> None:
    """Show people what happened around a loss that is not marked."""
    around = "\n".join(log.splitlines()[max(0, line - 6) : line + 3])
    sys.stderr.write(f"not marked at {name}:\n{around}\n")


def _judge(recorder: Recorder, members: Mapping[str, Member]) -> Iterator[Figure]:
    acknowledged = dropped = losses = marks = unmarked = false = repeats = 0
    for name, member in members.items():
        acknowledged += member.bmc.ledger.acknowledged
        dropped += member.bmc.ledger.dropped.total()
        text = Text.parse(recorder.log(name), name)
        found = find_losses(text, reach=_REACH)
        losses += found.losses
        marks += found.marks
        unmarked += len(found.unmarked)
        for place in found.unmarked:
            _show(name, recorder.log(name), text.lines[place])
        false += len(found.false_marks)
        repeats += len(text.repeats)
    yield Figure("acknowledged", acknowledged / 1e6, "MB")
    yield Figure("dropped by the BMCs", dropped / 1e6, "MB")
    yield Figure("places where something is missing", losses, "")
    yield Figure("marks in the logs", marks, "")
    yield Figure("missing and not marked", unmarked, "", goal=0)
    yield Figure("marked by a BMC and not missing", false, "", goal=0)
    yield Figure("places where something is repeated", repeats, "")
