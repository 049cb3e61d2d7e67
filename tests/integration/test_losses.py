"""What a BMC drops is marked where it is missing, and nothing else is."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import Overflow, SolSettings
from tests.integration.test_daemon import Site, until
from tests.reliability.losses import Text, find_losses

BUFFER = 1024
SETTINGS = SolSettings(buffer_size=BUFFER, retry_interval=0.05)


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    with Fleet(seed=3) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


def printing_bmc(settings: SolSettings) -> Bmc:
    """Return a BMC whose machine prints at about line rate, forever."""
    source = NumberedLines("node1", rate=100, size=128)
    return Bmc(BmcOptions(sol=settings), Machine(source), ledger=Ledger())


async def deliver(bmc: Bmc, count: int) -> None:
    """Wait until so many more bytes have been acknowledged."""
    goal = bmc.ledger.acknowledged + count
    await until(lambda: bmc.ledger.acknowledged > goal)


async def drop(bmc: Bmc) -> None:
    """Wait until the BMC has dropped something."""
    dropped = bmc.ledger.dropped.total()
    await until(lambda: bmc.ledger.dropped.total() > dropped)


@pytest.mark.parametrize(
    ("overflow", "words"),
    [
        (Overflow.OVERRUN, "an unknown number of bytes lost (overrun)"),
        (
            Overflow.SKIP,
            (
                "an unknown number of bytes may be lost (skipped);"
                " the BMC left out 1 packet"
            ),
        ),
    ],
)
async def test_what_a_bmc_drops_is_marked_and_nothing_else(
    site: Site, overflow: Overflow, words: str
) -> None:
    bmc = printing_bmc(dataclasses.replace(SETTINGS, overflow=overflow))
    member = site.add(bmc, "node1")

    async with site.recording():
        for _ in range(3):
            await deliver(bmc, 8 * BUFFER)
            member.inbound.faults = Faults(loss=1)
            await drop(bmc)
            member.inbound.faults = Faults()
        await deliver(bmc, 8 * BUFFER)

    text = Text.parse(site.text("node1"), "node1")
    found = find_losses(text, reach=BUFFER + 256)
    assert found.unmarked == []
    assert found.false_marks == []
    # More on a busy machine, where the small buffer is full by itself now and then.
    assert found.losses >= 3
    assert words in site.text("node1")


# On a busy host the small buffer is full by itself as well, and that is marked later.
@pytest.mark.alone
async def test_a_gap_is_marked_before_the_bytes_that_end_it(site: Site) -> None:
    bmc = printing_bmc(SETTINGS)
    member = site.add(bmc, "node1")

    async with site.recording():
        for _ in range(8):
            await deliver(bmc, 1000)
            bmc.inject(Mishap.DEACTIVATE, trio.current_time())
            site.fleet.poke(member)
        await deliver(bmc, 1000)

    text = Text.parse(site.text("node1"), "node1")
    assert len(text.gap_marks) == 8
    assert text.jumps
    assert find_losses(text, reach=0).unmarked == []
