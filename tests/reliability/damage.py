"""A start always records: random damage to the files of a stopped recorder.

The same recorder is stopped (one time in four killed), one of its files is damaged, and
it is started again; it has to record within seconds, and everything else that was in
its archive has to be there as it was.
"""

from __future__ import annotations

import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import trio

from bench.figures import Figure
from solrecd.simbmc.fleet import Member
from solrecd.simbmc.payload import SolSettings
from tests.reliability.fleet import Load, recorder_of, simulated, until_acknowledged
from tests.support.damage import Damage, damage_one
from tests.support.recorder import Recorder
from tests.support.whole import contents, what_is_missing

_FIRST = 40 << 10
"""Bytes that each console delivers before anything is damaged."""

_MORE = 4 << 10
"""The same after each damage."""

_KILLED = 0.25
"""Share of the ends that are a kill -9."""

_DAEMON = 'segment_size = "64KiB"\n'
_LOKI = '[loki]\nurl = "http://127.0.0.1:9"\n'
"""One that is away: there is a file of positions all the same."""

_SETTINGS = SolSettings(buffers_without_owner=True, retry_interval=0.2)


@dataclass(slots=True)
class _Tally:
    """What was seen."""

    damaged: int = 0
    failed: int = 0
    """Starts that did not record."""
    lost: int = 0
    """Files that were whole and no longer are."""
    seconds: list[float] = field(default_factory=list)
    """From each start to a recording of all consoles."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--damages", type=int, default=200)
    parser.add_argument("--consoles", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Damage, start, compare; over and over."""
    load = Load(arguments.consoles, keep=1 << 20)
    rng = random.Random(arguments.seed)
    tally = _Tally()
    async with simulated(load, _SETTINGS, seed=arguments.seed) as (_, members):
        with recorder_of(directory, members, _DAEMON, _LOKI) as recorder:
            recorder.launch()
            await until_acknowledged(recorder, members, _FIRST)
            for _ in range(arguments.damages):
                await _end(rng, recorder)
                await _damage(rng, recorder, members, tally)
            await trio.to_thread.run_sync(recorder.stop)
    return [
        Figure("random damages", tally.damaged, ""),
        Figure("starts that did not record", tally.failed, "", goal=0),
        Figure("whole files of which something was lost", tally.lost, "", goal=0),
        Figure("longest start until all record", max(tally.seconds), "s", goal=20.0),
    ]


async def _end(rng: random.Random, recorder: Recorder) -> None:
    if rng.random() < _KILLED:
        recorder.kill()
    else:
        await trio.to_thread.run_sync(recorder.stop)


async def _damage(
    rng: random.Random,
    recorder: Recorder,
    members: Mapping[str, Member],
    tally: _Tally,
) -> None:
    archive, memory = recorder.archive, recorder.journal.parent
    before = contents(archive)
    damage = damage_one(rng, [recorder.directory / "state", archive, memory], archive)
    tally.damaged += 1
    began = time.monotonic()
    recorder.launch()
    try:
        await until_acknowledged(recorder, members, _MORE)
    except AssertionError as error:
        tally.failed += 1
        sys.stderr.write(f"{damage}: {error}\n")
        recorder.kill()
        recorder.launch()
        return
    tally.seconds.append(time.monotonic() - began)
    _compare(damage, what_is_missing(before, contents(archive), damage.path), tally)


def _compare(damage: Damage, missing: list[str], tally: _Tally) -> None:
    tally.lost += len(missing)
    if missing:
        sys.stderr.write(f"{damage}: {'; '.join(missing)}\n")
