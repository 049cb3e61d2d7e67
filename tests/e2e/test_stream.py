"""A virtual machine without a BMC: QEMU offers its serial port, solrecd records it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from solrecd.sources.stream.unix.place import UnixOptions
from tests.e2e.lab import machine
from tests.e2e.lab.media import Media
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site
from tests.support.peers import need
from tests.support.streams import Endpoint, endpoint, stream_console

PATIENCE = 300.0
"""Seconds."""

SERIAL = {
    "unix": "unix:{place},server=on,wait=on",
    "tcp": "tcp:{place},server=on,wait=on",
}


@contextmanager
def running(place: Endpoint, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a virtual machine whose serial port is there; end it."""
    kind = "unix" if isinstance(place, UnixOptions) else "tcp"
    command = [
        *("qemu-system-x86_64", "-nodefaults", "-machine", "pc,graphics=off"),
        *("-accel", "tcg", "-cpu", "qemu64", "-m", "256", "-display", "none"),
        *("-serial", SERIAL[kind].format(place=place.place), *options),
    ]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def says(site: Site, text: str, times: int = 1) -> None:
    """Wait until the machine has printed something; a busy host emulates slowly."""
    with trio.fail_after(PATIENCE):
        while site.raw("node1").decode(errors="replace").count(text) < times:  # noqa: ASYNC110
            # A machine has no trio.Event.
            await trio.sleep(0.2)


@pytest.fixture(scope="session")
def qemu() -> None:
    """QEMU is installed."""
    need(machine.MISSING, available=machine.AVAILABLE)


@pytest.fixture(name="place", params=SERIAL)
def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Endpoint:
    return endpoint(request.param, tmp_path)


@pytest.fixture(name="site")
def _site(tmp_path: Path, place: Endpoint) -> Site:
    site = Site(tmp_path)
    site.consoles["node1"] = stream_console("node1", place)
    return site


async def test_a_virtual_machine_is_recorded_up_to_its_login_and_typed_on(
    site: Site, place: Endpoint, media: Media
) -> None:
    system = f"file={media.system},format=raw,media=cdrom,readonly=on"

    async with site.recording():
        await site.wait("node1", session="down")
        with running(place, "-drive", system, "-smbios", "type=1,family=login"):
            await site.wait("node1", session="up")
            await says(site, "labnode login:")
            row = await site.wait("node1", stage="login")
            async with attached(site) as person:
                person.type(b"\r")
                await person.sees(b"login:")
                person.type(b"lab\r")
                await person.sees(b"# ")
                person.type(b"echo $((6 * 7))-times\r")
                await person.sees(b"42-times")
        await site.wait("node1", session="down")

    assert row["power"] == "unknown"
    assert "SeaBIOS" in site.text("node1")
    assert "Linux version" in site.text("node1")
    (boot,) = site.boots("node1")
    stages = list(boot["stages"])
    assert stages.index("firmware") < stages.index("kernel") < stages.index("login")


async def test_a_virtual_machine_that_is_killed_and_started_is_recorded_again(
    site: Site, place: Endpoint, qemu: None
) -> None:
    del qemu
    async with site.recording():
        with running(place):
            await says(site, "No bootable device")
            await trio.sleep(2)
            silent = await site.wait("node1", session="up")
        await site.wait("node1", session="down")
        with running(place):
            await says(site, "SeaBIOS", times=2)
            status, said = await run(site, "doctor", "node1")

    assert silent["error"] is None
    assert site.text("node1").count("# gap: ") == 1
    assert "s without a session (closed)" in site.text("node1")
    assert f"connected to {place.place} for" in said
    assert status == 0
