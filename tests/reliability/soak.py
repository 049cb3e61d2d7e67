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
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

import trio

from bench.figures import Figure
from bench.processes import own_bytes, pss_bytes
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.fleet import Member
from solrecd.sources.ipmi.keeper.keeper import REFUSED_FIRST
from tests.reliability.fleet import Load, recorder_of, simulated, until_acknowledged
from tests.reliability.losses import Text, find_losses
from tests.reliability.mishaps import KINDS, REACH, heal, show, suffer
from tests.reliability.scrape import worst
from tests.support.recorder import Recorder

_DAEMON = 'segment_size = "1MiB"\n'
_CONSOLES = "keepalive = 3\n"

_SETTLE = 0.4
"""Share of the time in which the daemon is killed, and then warms up: caches, buffers
and the consoles' recent lines fill."""

_PLATEAU = 0.1
"""Share of the time, behind that and at the end, whose samples are compared."""

_REFUSED = 3 * REFUSED_FIRST
"""Seconds to wait for each console. A login whose messages were damaged looks like one
with a wrong password, and is not tried again at once."""

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
    async with simulated(load, KINDS, faults=faults, seed=arguments.seed) as (
        fleet,
        members,
    ):
        with recorder_of(directory, members, _DAEMON, _CONSOLES) as recorder:
            await trio.to_thread.run_sync(recorder.start)
            await until_acknowledged(recorder, members, 500, _REFUSED)
            suffered: Counter[Mishap] = Counter()
            async with trio.open_nursery() as nursery:
                for member in members.values():
                    nursery.start_soon(suffer, fleet, member, rng, suffered)
                before, after = await _live(arguments, recorder, members)
                nursery.cancel_scope.cancel()
            await heal(fleet, members)
            await until_acknowledged(recorder, members, 2000, _REFUSED)
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
    await until_acknowledged(recorder, members, 1, _REFUSED)
    await trio.sleep(early / 2)
    before, after = _Plateau(), _Plateau()
    plateau = seconds * _PLATEAU
    await before.watch(recorder.pid, plateau)
    await trio.sleep(seconds - early - 2 * plateau)
    await after.watch(recorder.pid, plateau)
    return before, after


def _judge(recorder: Recorder, members: Mapping[str, Member]) -> Iterator[Figure]:
    acknowledged = dropped = losses = marks = unmarked = false = repeats = 0
    for name, member in members.items():
        acknowledged += member.bmc.ledger.acknowledged
        dropped += member.bmc.ledger.dropped.total()
        text = Text.parse(recorder.log(name), name)
        found = find_losses(text, reach=REACH)
        losses += found.losses
        marks += found.marks
        unmarked += len(found.unmarked)
        for place in found.unmarked:
            show(name, recorder.log(name), text.lines[place])
        false += len(found.false_marks)
        repeats += len(text.repeats)
    yield Figure("acknowledged", acknowledged / 1e6, "MB")
    yield Figure("dropped by the BMCs", dropped / 1e6, "MB")
    yield Figure("places where something is missing", losses, "")
    yield Figure("marks in the logs", marks, "")
    yield Figure("missing and not marked", unmarked, "", goal=0)
    yield Figure("marked by a BMC and not missing", false, "", goal=0)
    yield Figure("places where something is repeated", repeats, "")
