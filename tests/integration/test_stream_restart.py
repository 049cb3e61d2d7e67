"""A restart costs a stream no byte: not when asked for, and not by a kill."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.integration.test_daemon import Site, until
from tests.integration.test_restart import recording
from tests.integration.test_restart_process import configure, raw, text
from tests.support.descriptor_store import DescriptorStore
from tests.support.peers import need
from tests.support.recorder import wait_until
from tests.support.streams import (
    MISSING,
    SOCAT,
    Endpoint,
    Printer,
    Socat,
    as_toml,
    endpoint,
    numbered_lines,
    stream_console,
)

KINDS = ["unix", "tcp"]
RESTARTS = 3
LONGEST = 2.0
"""Seconds that the daemon stays away."""


@pytest.fixture(name="store")
def _store() -> Iterator[DescriptorStore]:
    made = DescriptorStore()
    yield made
    made.clear()


@pytest.fixture(name="place", params=KINDS)
def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Endpoint:
    need(MISSING, available=SOCAT is not None)
    return endpoint(request.param, tmp_path)


@pytest.fixture(name="site")
def _site(tmp_path: Path, place: Endpoint) -> Site:
    """Return a site with the console node1."""
    site = Site(tmp_path)
    site.consoles["node1"] = stream_console("node1", place)
    return site


def kept(store: DescriptorStore) -> list[str]:
    """Return the names of connections that are stored."""
    return [name for name in store.kept if name.startswith(("unix.", "tcp."))]


async def recorded(site: Site, data: bytes) -> None:
    """Wait until just that is recorded."""
    await until(lambda: len(site.raw("node1")) >= len(data))
    assert site.raw("node1") == data


async def grow(site: Site, lines: int) -> None:
    """Wait until so many more lines are recorded."""
    goal = len(site.raw("node1")) + len(numbered_lines(0, lines))
    await until(lambda: len(site.raw("node1")) >= goal)


async def test_restarts_keep_the_connection_and_every_byte(
    site: Site, place: Endpoint, store: DescriptorStore
) -> None:
    with Socat(place) as machine, Printer(machine) as printer:
        for _ in range(RESTARTS):
            async with recording(site, store):
                await site.wait("node1", session="up")
                await grow(site, 500)
            await trio.sleep(0.5)
        async with recording(site, store):
            printed = await trio.to_thread.run_sync(printer.stop)
            await until(lambda: len(site.raw("node1")) >= len(printed))

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")
    assert site.text("node1").count("# restart: session kept\n") == RESTARTS


async def test_a_plain_stop_ends_the_connection(
    site: Site, place: Endpoint, store: DescriptorStore
) -> None:
    with Socat(place) as machine:
        async with recording(site, store, is_handing_over=False):
            await site.wait("node1", session="up")
        with trio.fail_after(60):
            await until(machine.has_ended)

    assert kept(store) == []


async def test_a_machine_that_went_away_meanwhile_is_recorded_to_its_last_byte(
    site: Site, place: Endpoint, store: DescriptorStore
) -> None:
    with Socat(place) as machine:
        async with recording(site, store):
            await site.wait("node1", session="up")
        machine.print(b"its last words\r\n")
        machine.finish()
        async with recording(site, store):
            await site.wait("node1", session="down")
            machine.start()
            machine.print(b"its first words\r\n")
            await site.wait("node1", session="up")
            await recorded(site, b"its last words\r\nits first words\r\n")

    assert site.text("node1").count("# gap: ") == 1


@pytest.mark.parametrize("change", ["removed", "elsewhere"])
async def test_a_connection_that_nothing_goes_on_with_is_closed(
    site: Site, place: Endpoint, store: DescriptorStore, change: str
) -> None:
    with Socat(place) as machine:
        async with recording(site, store):
            await site.wait("node1", session="up")
        if change == "removed":
            del site.consoles["node1"]
        else:
            (site.folder / "other").mkdir()
            other = endpoint("unix", site.folder / "other")
            site.consoles["node1"] = stream_console("node1", other)
        async with recording(site, store):
            with trio.fail_after(60):
                await until(machine.has_ended)

    assert kept(store) == []


async def test_what_is_no_connection_is_dropped_and_another_one_made(
    site: Site, place: Endpoint, store: DescriptorStore
) -> None:
    with Socat(place) as machine:
        async with recording(site, store):
            await site.wait("node1", session="up")
        (name,) = kept(store)
        os.close(store.kept[name])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            store.kept[name] = os.dup(other.fileno())
        await until(machine.has_ended)
        machine.kill()
        machine.start()
        async with recording(site, store):
            await site.wait("node1", session="up")
            machine.print(numbered_lines(0, 1))
            await recorded(site, numbered_lines(0, 1))


@pytest.mark.parametrize("how", ["restart", "crash"])
async def test_restarts_of_a_process_cost_no_byte_and_repeat_none(
    tmp_path: Path, place: Endpoint, how: str
) -> None:
    rng = random.Random(how)
    with (
        Socat(place) as machine,
        Printer(machine) as printer,
        configure(tmp_path, as_toml("node1", place)) as service,
    ):
        await trio.to_thread.run_sync(service.start)
        for _ in range(RESTARTS):
            await trio.sleep(rng.uniform(0.3, 1.0))
            act = service.restart if how == "restart" else service.crash
            await trio.to_thread.run_sync(act, rng.uniform(0, LONGEST))
        printed = await trio.to_thread.run_sync(printer.stop)
        await trio.to_thread.run_sync(
            partial(
                wait_until,
                lambda: len(raw(tmp_path, "node1")),
                lambda size: size >= len(printed),
                seconds=20,
            )
        )
        await trio.to_thread.run_sync(service.stop)

    assert raw(tmp_path, "node1") == printed
    assert "# gap: " not in text(tmp_path, "node1")
    assert text(tmp_path, "node1").count("# restart: session kept\n") == RESTARTS
