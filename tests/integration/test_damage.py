"""A start always records: whatever became of the files of a stopped recorder."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from solrecd.config import Config, LokiConfig
from solrecd.simbmc.fleet import Fleet
from tests.integration.test_daemon import Site, make_bmc, until
from tests.support.damage import damage_one
from tests.support.whole import contents, what_is_missing

SEEDS = range(40)

MORE = 4096
"""Bytes that each console has to deliver after the damage."""

SECONDS = 20.0
"""From a start to a recording; it takes one, on a machine that has nothing else."""


class ShippingSite(Site):
    """One with all the files that a daemon can have."""

    def config(self) -> Config:
        """Return the configuration: small closed segments, a Loki that is away."""
        config = super().config()
        daemon = replace(config.daemon, compress=True, segment_size=16 << 10)
        return replace(config, daemon=daemon, loki=LokiConfig(url="http://127.0.0.1:9"))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[ShippingSite]:
    """Return a site of two machines that print forever."""
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            site = ShippingSite(tmp_path / "site", fleet)
            for name in ("node1", "node2"):
                site.add(make_bmc(name, total=None), name)
            yield site
            nursery.cancel_scope.cancel()


async def record(site: Site, count: int) -> None:
    """Run a daemon until each console has delivered so many more bytes."""
    ledgers = [member.bmc.ledger for member in site.fleet.members]
    wanted = [ledger.acknowledged + count for ledger in ledgers]
    with trio.fail_after(SECONDS):
        async with site.recording():
            await until(
                lambda: all(
                    ledger.acknowledged >= goal
                    for ledger, goal in zip(ledgers, wanted, strict=True)
                )
            )


async def test_a_start_records_and_loses_nothing_whole_whatever_is_damaged(
    site: ShippingSite, tmp_path: Path
) -> None:
    await record(site, 40 << 10)
    stopped = site.folder
    for seed in SEEDS:
        site.folder = tmp_path / f"damaged{seed}"
        shutil.copytree(stopped, site.folder, symlinks=True)
        rng = random.Random(seed)
        before = contents(site.folder / "log")
        folders = [site.folder / "state", site.folder / "log", site.folder]
        damage = damage_one(rng, folders, site.folder / "log")

        await record(site, MORE)

        missing = what_is_missing(before, contents(site.folder / "log"), damage.path)
        assert not missing, f"seed {seed}: {damage}: {missing}"
        shutil.rmtree(site.folder)
