"""BMCs of several kinds, and what happens to each of them now and then."""

from __future__ import annotations

import dataclasses
import random
import sys
from collections import Counter
from collections.abc import Mapping

import trio

from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.fleet import Fleet, Member
from solrecd.simbmc.payload import GiveUp, Overflow, SolSettings

_BUFFER = 4096
"""Bytes that each BMC keeps: little, so that output is dropped often."""

REACH = _BUFFER + 512
"""Bytes between a mark and its loss: the buffer, a packet, a line."""

_SETTINGS = SolSettings(buffer_size=_BUFFER, retry_interval=0.3)
KINDS = (
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


async def suffer(
    fleet: Fleet, member: Member, rng: random.Random, suffered: Counter[Mishap]
) -> None:
    """Let things happen to a BMC, forever."""
    while True:
        await trio.sleep(rng.expovariate(1 / _EVERY))
        begin, end = rng.choice(_MISHAPS)
        suffered[begin] += 1
        happen(fleet, member, begin)
        if end is not None:
            await trio.sleep(rng.uniform(0.5, _LONGEST))
            happen(fleet, member, end)


async def heal(fleet: Fleet, members: Mapping[str, Member]) -> None:
    """End what still goes on."""
    for member in members.values():
        member.inbound.faults = member.outbound.faults = Faults()
        happen(fleet, member, Mishap.UNMUTE)
        happen(fleet, member, Mishap.RELEASE)
    await trio.sleep(1)


def happen(fleet: Fleet, member: Member, mishap: Mishap) -> None:
    member.bmc.inject(mishap, trio.current_time())
    fleet.poke(member)


def show(name: str, log: str, line: int) -> None:
    """Show people what happened around a loss that is not marked."""
    around = "\n".join(log.splitlines()[max(0, line - 6) : line + 3])
    sys.stderr.write(f"not marked at {name}:\n{around}\n")
