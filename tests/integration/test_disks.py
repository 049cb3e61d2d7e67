"""Whatever the disk does, sessions stay up, and nothing acknowledged is missing."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from solrecd.daemon import Daemon
from solrecd.process.stopping import LIMIT, Phase
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.machine import numbered
from solrecd.simbmc.payload import SolPayload
from solrecd.storage.space import JOURNAL_EVERY
from tests.integration.test_daemon import Site, make_bmc, until
from tests.support.broken_disk import BrokenDisk

STALL = 10.0
"""Seconds for which a disk does not answer."""

LONGEST_DELAY = 0.05
"""Seconds between a datagram and its ACK, whatever the disk does."""


@pytest.fixture
def fast_clock() -> MockClock:
    """Let time pass forty times as fast; sockets and threads keep their own pace."""
    return MockClock(rate=40)


@pytest.fixture(name="site")
async def _site(tmp_path: Path) -> AsyncIterator[Site]:
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


def share_of_slow_acks(daemon: Daemon) -> float:
    """Return the share of drained batches whose ACKs took longer than allowed."""
    slow = 0
    total = 0
    for line in daemon._metrics.render().decode().splitlines():
        if line.startswith("solrecd_ack_delay_seconds_count"):
            total = int(float(line.split()[1]))
        if line.startswith(f'solrecd_ack_delay_seconds_bucket{{le="{LONGEST_DELAY}"}}'):
            slow = int(float(line.split()[1]))
    assert total
    return 1 - slow / total


async def grow(bmc: Bmc, count: int) -> None:
    """Wait until a BMC has delivered so many more bytes."""
    goal = bmc.ledger.acknowledged + count
    await until(lambda: bmc.ledger.acknowledged >= goal)


@pytest.mark.alone
async def test_acks_and_sessions_go_on_while_the_disk_hangs(site: Site) -> None:
    bmc = make_bmc("node1", total=None, rate=50)
    site.add(bmc, "node1", keepalive=1.0)
    disk = BrokenDisk()

    async with site.recording(disk) as daemon:
        await grow(bmc, 5000)
        # A new file is opened when a disk comes back; until then every write hangs.
        disk.hang()
        before = bmc.ledger.acknowledged
        await trio.sleep(STALL)
        meanwhile = bmc.ledger.acknowledged - before
        row = await site.ls("node1")
        slow = share_of_slow_acks(daemon)
        disk.resume()
        await grow(bmc, 5000)

    assert meanwhile > 0.5 * STALL * 6400
    assert row["session"] == "up"
    assert slow == pytest.approx(0, abs=0.01)
    assert "gap" not in site.text("node1")
    recorded = site.raw("node1")
    assert recorded == numbered("node1", 0, len(recorded))
    assert len(recorded) >= bmc.ledger.acknowledged


async def test_ten_minutes_without_a_disk_end_no_session_and_cost_no_byte(
    site: Site, fast_clock: MockClock
) -> None:
    # 77 KB in ten minutes; of this small journal one console may use 128.
    bmc = make_bmc("node1", total=None, rate=1.0)
    site.add(bmc, "node1")
    disk = BrokenDisk()

    async with site.recording(disk):
        await grow(bmc, 1000)
        disk.hang()
        await trio.sleep(600)
        row = await site.ls("node1")
        disk.resume()
        await grow(bmc, 1000)

    assert row["session"] == "up"
    recorded = site.raw("node1")
    assert len(recorded) >= max(bmc.ledger.acknowledged, 60_000)
    assert recorded == numbered("node1", 0, len(recorded))
    assert [name for name, _ in site.events("node1", "session")] == ["up"]
    assert site.events("node1", "gap") == []


async def test_a_stop_ends_while_the_disk_hangs_and_the_journal_keeps_what_is_left(
    site: Site, fast_clock: MockClock
) -> None:
    bmc = make_bmc("node1", total=None, rate=5.0)
    site.add(bmc, "node1")
    disk = BrokenDisk()

    async with site.recording(disk):
        await grow(bmc, 1000)
        disk.hang()
        await grow(bmc, 5000)
        began = trio.current_time()
    lasted = trio.current_time() - began
    disk.bury()
    kept_back = bmc.ledger.acknowledged - len(site.raw("node1"))
    acknowledged = bytes(bmc.ledger.kept)
    async with site.recording():
        await grow(bmc, 1000)

    assert Phase.WRITING.value <= lasted < LIMIT
    assert kept_back > 4000
    # What comes after may begin with a packet that was recorded and not acknowledged.
    assert site.raw("node1").startswith(acknowledged)


async def test_a_full_journal_stops_acks_and_marks_what_may_be_lost(
    site: Site,
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1", keepalive=1.0)
    disk = BrokenDisk()

    async with site.recording(disk):
        await grow(bmc, 5000)
        disk.error = errno.EIO
        # An eighth of 1 MiB is what one console may hold of the journal.
        await grow(bmc, 80_000)
        payload = bmc.controller.payload
        assert isinstance(payload, SolPayload)
        await until(lambda: len(payload._attempts) > 3)
        row = await site.ls("node1")
        await trio.sleep(1.5 * JOURNAL_EVERY)
        refusing = bmc.ledger.acknowledged
        disk.error = None
        await grow(bmc, 20_000)
        await trio.sleep(1.5 * JOURNAL_EVERY)

    assert row["session"] == "up"
    assert refusing > 80_000
    assert "s without room in the journal" in site.text("node1")
    told = [name for name, _ in site.events("node1", "failure")]
    assert told == ["journal_filling", "journal_full", "journal_drained"]


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a tmpfs that is soon full."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=False
    )
    if made.returncode:
        pytest.skip("may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


# A mount that takes long holds the BMC up as well, until it gives bytes up.
@pytest.mark.alone
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
@pytest.mark.parametrize("trouble", ["full", "read-only"])
async def test_a_real_disk_that_is_full_or_read_only_heals_without_a_human(
    site: Site, trouble: str
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    with small_disk(site.folder / "log"):
        async with site.recording():
            await grow(bmc, 2000)
            if trouble == "read-only":
                remount(site, "ro")
            await grow(bmc, 80_000)
            row = await site.ls("node1")
            remount(site, "rw,size=16m")
            await grow(bmc, 20_000)
        recorded = site.raw("node1")
        text = site.text("node1")

    assert row["session"] == "up"
    assert recorded == numbered("node1", 0, len(recorded))
    assert len(recorded) >= bmc.ledger.acknowledged
    assert text.count("|") >= len(recorded) // 64 - 1


def remount(site: Site, options: str) -> None:
    """Change the mounted log folder."""
    folder = site.folder / "log"
    done = subprocess.run(
        ["mount", "-o", f"remount,{options}", folder], check=False, capture_output=True
    )
    if done.returncode and options == "ro":
        # A file open for writing keeps the kernel from it; a device error does not ask.
        pytest.skip(done.stderr.decode())


async def test_a_file_in_the_place_of_a_consoles_folder_keeps_none_from_starting(
    site: Site,
) -> None:
    bmcs = [make_bmc(name, total=None) for name in ("node1", "node2")]
    for bmc, name in zip(bmcs, ("node1", "node2"), strict=True):
        site.add(bmc, name)
    folder = site.folder / "log/node2"
    folder.parent.mkdir()
    folder.write_text("no folder")

    async with site.recording():
        await grow(bmcs[0], 2000)
        await grow(bmcs[1], 2000)
        names = [row["console"] for row in await site.rows()]

    (aside,) = (path for path in folder.parent.glob("node2*") if path.is_file())
    assert aside.read_text() == "no folder"
    assert names == ["node1", "node2"]
