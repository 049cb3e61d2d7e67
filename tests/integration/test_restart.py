"""A restart is not an outage: one daemon after the other, the same sessions."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from solrecd.config import Secret
from solrecd.daemon import Daemon
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.controller import STRANGER
from solrecd.simbmc.faults import Faults, Mishap
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.machine import numbered
from solrecd.simbmc.options import Habits
from solrecd.storage import marker_files
from tests.integration.test_daemon import TOTAL, Site, make_bmc, until
from tests.support.configs import changed
from tests.support.descriptor_store import DescriptorStore, StoringNotifier


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Return a site whose fleet is served."""
    with Fleet(seed=7) as fleet:
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            yield Site(tmp_path, fleet)
            nursery.cancel_scope.cancel()


@pytest.fixture
def store() -> Iterator[DescriptorStore]:
    """Return a service manager's descriptor store."""
    made = DescriptorStore()
    yield made
    made.clear()


@asynccontextmanager
async def recording(
    site: Site, store: DescriptorStore, *, is_handing_over: bool = True
) -> AsyncIterator[None]:
    """Run a daemon; on leaving, stop it as the first half of a restart does."""
    daemon = Daemon(
        site.config(),
        rules=marker_files.load(),
        read_config=site.config,
        notifier=StoringNotifier(store),
        wall_clock=lambda: time.time_ns() // 1000,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(daemon.run)
        yield
        daemon.stop(is_handing_over=is_handing_over)


def has_recorded(bmc: Bmc, size: int) -> bool:
    """Tell whether the BMC had so many bytes acknowledged."""
    return bmc.ledger.acknowledged >= size


# Every byte: for as long as the BMC can keep them.
@pytest.mark.alone
@pytest.mark.parametrize("habits", Habits)
async def test_a_restart_keeps_the_session_and_every_byte(
    site: Site, store: DescriptorStore, habits: Habits
) -> None:
    bmc = make_bmc("node1", habits=habits)
    member = site.add(bmc, "node1")

    async with recording(site, store):
        await site.begin(member, "node1")
        await until(lambda: has_recorded(bmc, TOTAL // 4))
        sessions = set(bmc.controller.sessions)
    await trio.sleep(1.0)
    async with recording(site, store):
        row = await site.wait("node1", session="up")
        await until(lambda: has_recorded(bmc, TOTAL))
        still = set(bmc.controller.sessions)

    assert still == sessions
    assert row["error"] is None
    assert site.raw("node1") == numbered("node1", 0, TOTAL)
    assert "# gap: " not in site.text("node1")
    assert site.text("node1").count("s, session kept\n") == 1
    assert ("resumed", 1) in site.events("node1", "session")


@pytest.mark.parametrize("habits", Habits)
async def test_many_restarts_on_a_bad_network_cost_no_byte_and_repeat_none(
    site: Site, store: DescriptorStore, habits: Habits
) -> None:
    bmc = make_bmc("node1", habits=habits)
    faults = Faults(loss=0.1, duplication=0.2, delay=0.005, jitter=0.02)
    member = site.add(bmc, "node1", faults=faults)

    owners = set()
    for part in range(1, 9):
        async with recording(site, store):
            await site.begin(member, "node1")
            await until(partial(has_recorded, bmc, TOTAL * part // 8))
            owners.add(bmc.controller.owner)

    assert site.raw("node1") == numbered("node1", 0, TOTAL)
    # Of a hundred restarts one finds its three questions lost, or their answers.
    told = [name for name, _ in site.events("node1", "session")]
    assert len(owners) <= 1 + told.count("down")
    assert len(owners) <= 3, "nearly all keep the session"


@pytest.mark.alone
@pytest.mark.parametrize("habits", Habits)
async def test_a_daemon_that_stalls_records_every_byte_once_and_marks_none(
    site: Site, store: DescriptorStore, habits: Habits
) -> None:
    bmc = make_bmc("node1", habits=habits)
    member = site.add(bmc, "node1")

    async with recording(site, store):
        await site.begin(member, "node1")
        for part in range(1, 4):
            await until(partial(has_recorded, bmc, TOTAL * part // 4))
            # Both ends share a loop: a stall of one is deafness of the other.
            member.inbound.faults = Faults(loss=1)
            await trio.sleep(2.0)
            member.inbound.faults = Faults()
        await until(lambda: has_recorded(bmc, TOTAL))

    assert site.raw("node1") == numbered("node1", 0, TOTAL)
    assert "# gap: " not in site.text("node1")


@pytest.mark.alone
@pytest.mark.parametrize("pause", [0.9, 2.0, 4.0])
async def test_a_restart_of_any_length_repeats_nothing_that_openbmc_sends_again(
    site: Site, store: DescriptorStore, pause: float
) -> None:
    bmc = make_bmc("node1", habits=Habits.OPENBMC)
    member = site.add(bmc, "node1")

    async with recording(site, store):
        await site.begin(member, "node1")
        await until(lambda: has_recorded(bmc, TOTAL // 4))
    await trio.sleep(pause)
    async with recording(site, store):
        await until(lambda: has_recorded(bmc, TOTAL))

    assert site.raw("node1") == numbered("node1", 0, TOTAL)
    assert "# gap: " not in site.text("node1")


async def test_a_plain_stop_gives_the_console_back(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with recording(site, store, is_handing_over=False):
        await site.wait("node1", session="up")

    assert not bmc.controller.sessions


@pytest.mark.alone
async def test_a_session_that_died_meanwhile_is_replaced_within_five_seconds(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
    bmc.inject(Mishap.RESET, trio.current_time())
    site.fleet.poke(member)
    async with recording(site, store):
        began = trio.current_time()
        await site.wait("node1", session="up")
        took = trio.current_time() - began

    assert took < 5
    assert "# gap: " in site.text("node1")


async def test_changed_settings_log_in_afresh_and_do_not_wait_for_the_ghost(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
        sessions = set(bmc.controller.sessions)
    site.consoles["node1"] = changed(site.consoles["node1"], cipher_suites=(3,))
    async with recording(site, store):
        await site.wait("node1", session="up")
        owner = bmc.controller.owner

    assert owner not in sessions


@pytest.mark.parametrize("change", ["removed", "changed"])
async def test_a_session_that_is_not_resumed_is_closed(
    site: Site, store: DescriptorStore, change: str
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
        (session,) = bmc.controller.sessions
    if change == "removed":
        del site.consoles["node1"]
    else:
        site.consoles["node1"] = changed(site.consoles["node1"], cipher_suites=(3,))
    async with recording(site, store):
        with trio.fail_after(60):
            await until(lambda: session not in bmc.controller.sessions)
        is_recorded = site.consoles and await site.wait("node1", session="up")

    assert bool(is_recorded) == (change == "changed")


async def test_a_removed_console_that_another_client_has_is_left_alone(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
    bmc.inject(Mishap.STEAL, trio.current_time())
    site.fleet.poke(member)
    del site.consoles["node1"]
    async with recording(site, store):
        with trio.fail_after(60):
            await until(lambda: not bmc.controller.sessions)

    assert bmc.controller.owner == STRANGER


async def test_a_console_stolen_meanwhile_is_left_to_the_thief(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    member = site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
    bmc.inject(Mishap.STEAL, trio.current_time())
    site.fleet.poke(member)
    async with recording(site, store):
        row = await site.wait("node1", session="foreign")

    assert row["error"].startswith("foreign_owner: ")


def spoil_memory(store: DescriptorStore) -> None:
    """Overwrite the header of the session store."""
    os.pwrite(store.kept["sessions"], b"\xff" * 64, 0)


def spoil_records(store: DescriptorStore) -> None:
    """Overwrite a record in the session store."""
    os.pwrite(store.kept["sessions"], b"\xff" * 900, 4096)


def swap_kinds(store: DescriptorStore) -> None:
    """Exchange a socket with the session store."""
    kept = store.kept
    kept["sessions"], kept["sock0"] = kept["sock0"], kept["sessions"]


def swap_socket(store: DescriptorStore) -> None:
    """Replace a socket by one that is none of ours."""
    os.close(store.kept["sock0"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        store.kept["sock0"] = os.dup(other.fileno())


def die_of_it(store: DescriptorStore) -> None:
    """Leave the mark of a process that adopted and died."""
    os.pwrite(store.kept["sessions"], b"\x01", 32)


Spoil = Callable[[DescriptorStore], None]


@pytest.mark.parametrize(
    "spoil", [spoil_memory, spoil_records, swap_kinds, swap_socket]
)
async def test_a_poisoned_store_is_dropped_and_the_one_after_works(
    site: Site, store: DescriptorStore, spoil: Spoil
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
        ghost = bmc.controller.owner
    spoil(store)
    async with recording(site, store):
        with trio.fail_after(60):
            await until(lambda: bmc.controller.owner not in (None, ghost))
            await site.wait("node1", session="up")
        owner = bmc.controller.owner
    async with recording(site, store):
        await site.wait("node1", session="up")
        same = bmc.controller.owner

    assert same == owner


async def test_what_killed_a_process_is_not_adopted_again_nor_waited_for(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
        sessions = set(bmc.controller.sessions)
    die_of_it(store)
    async with recording(site, store):
        await site.wait("node1", session="up")
        owner = bmc.controller.owner

    assert owner not in sessions


async def test_secrets_of_a_session_are_in_no_log(
    site: Site, store: DescriptorStore, capfd: pytest.CaptureFixture[str]
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1", password=Secret(b"secret"))

    for _ in range(2):
        async with recording(site, store):
            await site.wait("node1", session="up")

    shown = "".join(capfd.readouterr())
    (session,) = bmc.controller.sessions.values()
    assert "handover.adopted" in shown
    assert session.cipher.keys.k1.hex() not in shown
    assert repr(session.cipher.keys.k1) not in shown


def long_ago(store: DescriptorStore) -> None:
    """Let the process before have stopped working nine seconds ago."""
    stamp = time.time_ns() // 1000 - 9_000_000
    os.pwrite(store.kept["sessions"], stamp.to_bytes(8, "little"), 40)


async def test_output_in_a_pause_longer_than_bmcs_wait_is_marked_as_a_gap(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=None)
    site.add(bmc, "node1")

    async with recording(site, store):
        await site.wait("node1", session="up")
    await trio.sleep(0.3)
    long_ago(store)
    async with recording(site, store):
        await site.wait("node1", session="up")

    assert "s without a reader; the BMC may have dropped output" in site.text("node1")
    assert ", session kept\n" in site.text("node1")


async def test_a_long_pause_in_which_nothing_was_printed_is_no_gap(
    site: Site, store: DescriptorStore
) -> None:
    bmc = make_bmc("node1", total=TOTAL)
    site.add(bmc, "node1")

    async with recording(site, store):
        await until(lambda: has_recorded(bmc, TOTAL))
    long_ago(store)
    async with recording(site, store):
        await site.wait("node1", session="up")

    assert "# gap: " not in site.text("node1")
    assert ", session kept\n" in site.text("node1")
