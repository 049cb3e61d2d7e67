"""What a BMC drops is marked where it is missing, and nothing else is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import Machine, NumberedLines
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.payload import Overflow, SolSettings
from tests.integration.test_daemon import Site, until
from tests.reliability.losses import Text, find_losses

BUFFER = 1024
SETTINGS = SolSettings(buffer_size=BUFFER, retry_interval=0.05)


@pytest.mark.parametrize(
    ("overflow", "words"),
    [
        (Overflow.OVERRUN, "an unknown number of bytes lost (overrun)"),
        (
            Overflow.SKIP,
            "an unknown number of bytes lost (skipped); the BMC left out 1 packet",
        ),
    ],
)
async def test_what_a_bmc_drops_is_marked_and_nothing_else(
    tmp_path: Path, overflow: Overflow, words: str
) -> None:
    with Fleet(seed=3) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            site = Site(tmp_path, fleet)
            sol = dataclasses.replace(SETTINGS, overflow=overflow)
            source = NumberedLines("node1", rate=100, size=128)
            bmc = Bmc(BmcOptions(sol=sol), Machine(source), ledger=Ledger())
            member = site.add(bmc, "node1")
            async with site.recording():
                for _ in range(3):
                    goal = bmc.ledger.acknowledged + 8 * BUFFER
                    await until(lambda goal=goal: bmc.ledger.acknowledged > goal)
                    member.inbound.faults = Faults(loss=1)
                    dropped = bmc.ledger.dropped.total()
                    await until(
                        lambda dropped=dropped: bmc.ledger.dropped.total() > dropped
                    )
                    member.inbound.faults = Faults()
                goal = bmc.ledger.acknowledged + 8 * BUFFER
                await until(lambda: bmc.ledger.acknowledged > goal)
            nursery.cancel_scope.cancel()

    text = Text.parse(site.text("node1"), "node1")
    found = find_losses(text, reach=BUFFER + 256)
    assert found.unmarked == []
    assert found.false_marks == []
    assert found.losses == found.marks == 3
    assert words in site.text("node1")
