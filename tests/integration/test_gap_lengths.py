"""A gap is as long as output may be missing, however late the loss was noticed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.ipmi.options import OnConflict
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.virtual_site import VirtualSite

RATE = 10.0
"""Packets a second."""

TOLERANCE = 1.0
"""Seconds."""

SETTLED = 65.0
"""Seconds after which everything is well again."""

Outage = Callable[[VirtualSite, float], None]


def make_site(seed: int) -> VirtualSite:
    """Return a console whose machine prints forever."""
    machine = Machine(NumberedLines("node1", rate=RATE, size=64))
    options = BmcOptions(sol=SolSettings(retry_interval=0.2), session_slots=100)
    config = bmc_console(
        "node1",
        on_conflict=OnConflict.TAKE,
        on_stolen=OnConflict.TAKE,
    )
    return VirtualSite(Bmc(options, machine, ledger=Ledger()), config, RULES, seed)


def begin(site: VirtualSite, what: Mishap | str) -> None:
    """Let something go wrong."""
    if isinstance(what, Mishap):
        site.wire.inject(what)
    else:
        site.wire.faults = Faults(loss=1)


def end(site: VirtualSite, what: Mishap | str) -> None:
    """Let it be over."""
    if what is Mishap.MUTE:
        site.wire.inject(Mishap.UNMUTE)
    elif what == "dark":
        site.wire.faults = Faults()


class Arrivals:
    """Stamps of what was recorded: between two that lie far apart bytes are missing."""

    def __init__(self, site: VirtualSite) -> None:
        self._append = site.stream.append
        self.stamps: list[int] = []
        # The console has bound the method of the stream already.
        site.console._append = self.append

    def append(self, at: int, data: bytes) -> bool:
        """Record, and remember when."""
        self.stamps.append(at)
        return self._append(at, data)

    def around(self, at: int) -> float:
        """Return the seconds without output that end where a note stands."""
        before = max(stamp for stamp in self.stamps if stamp < at)
        return (at - before) / 1e6


async def suffer(
    what: Mishap | str, lasts: float, seed: int
) -> list[tuple[float, float]]:
    """Return, for each gap that was marked, what it says and what it was, seconds."""
    site = make_site(seed)
    arrivals = Arrivals(site)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.run)
        await trio.sleep(5 + seed % 7)
        begin(site, what)
        await trio.sleep(lasts)
        end(site, what)
        await trio.sleep(SETTLED)
        nursery.cancel_scope.cancel()
    found = []
    for _, at, text in site.told.notes:
        said = re.match(r"gap: up to ([\d.]+) s without a session", text)
        if said is not None:
            found.append((float(said[1]), arrivals.around(at)))
    return found


@pytest.mark.parametrize(
    "what",
    [
        Mishap.RESET,
        Mishap.DEACTIVATE,
        Mishap.FORGET_SESSIONS,
        Mishap.STEAL,
        Mishap.MUTE,
        "dark",
    ],
)
def test_a_gap_is_as_long_as_nothing_was_recorded(what: Mishap | str) -> None:
    found = trio.run(suffer, what, 25.0, 1, clock=MockClock(autojump_threshold=0))

    assert found
    for said, was in found:
        assert abs(said - was) <= TOLERANCE


@pytest.mark.parametrize("seed", range(6))
def test_a_random_outage_is_told_with_its_length(seed: int) -> None:
    rng = random.Random(seed)
    kinds = (Mishap.RESET, Mishap.FORGET_SESSIONS, Mishap.STEAL, Mishap.MUTE, "dark")
    what, lasts = rng.choice(kinds), rng.uniform(15, 60)

    found = trio.run(suffer, what, lasts, seed, clock=MockClock(autojump_threshold=0))

    assert found
    assert all(abs(said - was) <= TOLERANCE for said, was in found), what
