"""What a lossy network does is counted, and shown in `status` and in the metrics."""

from __future__ import annotations

import re

import pytest
import trio
from trio.testing import MockClock

from solrecd.events.wire_counts import Repeat
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults
from solrecd.simbmc.machine import Machine, NumberedLines
from tests.support.configs import bmc_console
from tests.support.golden import RULES
from tests.support.virtual_site import VirtualSite

CONFIG = bmc_console("n1")


async def record(faults: Faults, seed: int) -> VirtualSite:
    """Record a machine that prints, over such a network."""
    machine = Machine(NumberedLines("n1", rate=10.0, size=128))
    site = VirtualSite(Bmc(machine=machine), CONFIG, RULES, seed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(site.run)
        await trio.sleep(3)
        site.wire.faults = faults
        for _ in range(20):
            await trio.sleep(1)
            site.keeper.write(b"x")
        site.wire.faults = Faults()
        await trio.sleep(20)
        nursery.cancel_scope.cancel()
    return site


def run(faults: Faults, seed: int = 1) -> VirtualSite:
    """Play in virtual time."""
    return trio.run(record, faults, seed, clock=MockClock(autojump_threshold=0))


def scraped(site: VirtualSite, family: str) -> dict[str, int]:
    """Return a family's series of the console, by the second label if it has one."""
    text = site.metrics.render().decode()
    series = rf'(?m)^{family}{{console="n1"(?:,what="(\w+)")?}} (\d+)$'
    found = re.findall(series, text)
    return {what: int(value) for what, value in found}


def test_a_good_network_repeats_nothing() -> None:
    counts = run(Faults()).console.counts

    assert counts.received > 200
    assert (counts.repeats, counts.rejected, counts.send_errors) == ({}, 0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_lossy_network_shows_everywhere_with_the_same_numbers(seed: int) -> None:
    site = run(Faults(loss=0.2, duplication=0.2, corruption=0.1), seed)

    counts = site.console.counts
    assert counts.received == site.wire.delivered
    assert counts.rejected > 0
    assert sum(counts.repeats.values()) > 10
    network = site.console.details()["network"]
    assert network == counts.as_dict()
    assert scraped(site, "solrecd_console_repeats_total") == {
        str(what): network[f"{what}_repeated"] for what in Repeat
    }
    assert scraped(site, "solrecd_console_datagrams_received_total") == {
        "": network["received"]
    }
    assert scraped(site, "solrecd_console_datagrams_rejected_total") == {
        "": network["rejected"]
    }
    assert scraped(site, "solrecd_console_send_errors_total") == {"": 0}
