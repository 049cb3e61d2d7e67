"""Outages of one console in virtual time, and how long the recorder says they were."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

import trio
from trio.testing import MockClock

from solrecd.simbmc import openbmc
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions, Habits
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.ipmi.options import OnConflict
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.virtual_site import VirtualSite

RATE = 10.0
"""Packets a second."""

TOLERANCE = 1.0
"""Seconds by which a gap may be told wrong."""

SETTLED = 65.0
"""Seconds after which everything is well again."""

DARK = "network cut"
STOP = "daemon stopped"

KINDS: tuple[Mishap | str, ...] = (
    Mishap.RESET,
    Mishap.FORGET_SESSIONS,
    Mishap.DEACTIVATE,
    Mishap.STEAL,
    Mishap.MUTE,
    DARK,
    STOP,
)

_LINE = re.compile(rb"node1 (\d{8})")
_GAP = re.compile(r"gap: up to ([\d.]+) s without a session")


class Found(NamedTuple):
    """What came of one outage."""

    gaps: list[tuple[float, float]]
    """For each gap of the session: what was said, and what it was, seconds."""
    unmarked: int
    """Places where lines are missing and no note says so."""
    doubled: int
    """Places where lines come again."""

    @property
    def error(self) -> float:
        """The greatest difference, seconds."""
        return max((abs(said - was) for said, was in self.gaps), default=0.0)


def make_site(
    seed: int, habits: Habits, on_stolen: OnConflict = OnConflict.TAKE
) -> VirtualSite:
    """Return a console whose machine prints forever."""
    machine = Machine(NumberedLines("node1", rate=RATE, size=64))
    ordinary = SolSettings(retry_interval=0.2)
    sol = openbmc.SETTINGS if habits is Habits.OPENBMC else ordinary
    options = BmcOptions(sol=sol, session_slots=100, habits=habits)
    config = bmc_console("node1", on_conflict=OnConflict.TAKE, on_stolen=on_stolen)
    return VirtualSite(Bmc(options, machine, ledger=Ledger()), config, RULES, seed)


class Arrivals:
    """Stamps of what was recorded: between two that lie far apart bytes are missing."""

    def __init__(self, site: VirtualSite) -> None:
        self._append = site.stream.append
        self.stamps: list[int] = []

    def watch(self, site: VirtualSite) -> None:
        """Remember what its console records; it has bound the stream's method."""
        site.console._append = self.append

    def append(self, at: int, data: bytes) -> bool:
        """Record, and remember when."""
        self.stamps.append(at)
        return self._append(at, data)

    def around(self, at: int) -> float:
        """Return the seconds without output that end where a note stands."""
        before = max(stamp for stamp in self.stamps if stamp < at)
        return (at - before) / 1e6


async def _outage(
    site: VirtualSite, what: Mishap | str, lasts: float, keeping: trio.CancelScope
) -> None:
    """Let something go wrong, and be over after a while."""
    if what == STOP:
        keeping.cancel()
    elif isinstance(what, Mishap):
        site.wire.inject(what)
    else:
        site.wire.faults = Faults(loss=1)
    await trio.sleep(lasts)
    if what is Mishap.MUTE:
        site.wire.inject(Mishap.UNMUTE)
    elif what is Mishap.STEAL and site.wire.bmc.controller.owner is not None:
        _release(site)
    elif what == DARK:
        site.wire.faults = Faults()


def _release(site: VirtualSite) -> None:
    """Let who robbed us hang up, unless we have the console again."""
    controller = site.wire.bmc.controller
    if controller.owner not in controller.sessions:
        site.wire.inject(Mishap.RELEASE)


async def suffer(
    what: Mishap | str,
    lasts: float,
    seed: int,
    habits: Habits = Habits.ORDINARY,
    on_stolen: OnConflict = OnConflict.TAKE,
) -> Found:
    """Return what came of one outage."""
    site = make_site(seed, habits, on_stolen)
    arrivals = Arrivals(site)
    arrivals.watch(site)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.wire.run)
        keeping = trio.CancelScope()
        nursery.start_soon(_keep, site, keeping)
        await trio.sleep(5 + seed % 7)
        await _outage(site, what, lasts, keeping)
        if what == STOP:
            site.begin_again(arrivals.stamps[-1])
            arrivals.watch(site)
            nursery.start_soon(_keep, site, trio.CancelScope())
        await trio.sleep(SETTLED)
        nursery.cancel_scope.cancel()
    return _found(site, arrivals)


async def _keep(site: VirtualSite, scope: trio.CancelScope) -> None:
    with scope:
        await site.keeper.run()


def _found(site: VirtualSite, arrivals: Arrivals) -> Found:
    notes = [
        (offset, at, text)
        for offset, at, text in site.told.notes
        if text.startswith("gap: ")
    ]
    gaps = [
        (float(said[1]), arrivals.around(at))
        for _, at, text in notes
        if (said := _GAP.match(text))
    ]
    unmarked = doubled = 0
    last: tuple[int, int] | None = None
    for line in _LINE.finditer(bytes(site.stream.data)):
        number, place = int(line[1]), line.start()
        if last is not None and number <= last[0]:
            doubled += 1
        elif last is not None and number > last[0] + 1:
            is_marked = any(last[1] <= offset <= place for offset, _, _ in notes)
            unmarked += not is_marked
        last = number, place
    return Found(gaps, unmarked, doubled)


class Outage(NamedTuple):
    """A random one."""

    what: Mishap | str
    lasts: float
    on_stolen: OnConflict

    @classmethod
    def drawn(cls, seed: int) -> Outage:
        """Return the one of this seed."""
        rng = random.Random(seed)
        policies = (OnConflict.TAKE, OnConflict.WAIT)
        return cls(rng.choice(KINDS), rng.uniform(2, 90), rng.choice(policies))

    def suffered(self, seed: int, habits: Habits) -> Found:
        """Return what came of it; takes no time."""
        clock = MockClock(autojump_threshold=0)
        what = self.what, self.lasts, seed, habits, self.on_stolen
        return trio.run(suffer, *what, clock=clock)
