"""Serial ports: terminals that socat joins, and a whole daemon."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.stream.tty.place import TtyOptions
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site, until
from tests.integration.test_restart import recording
from tests.integration.test_restart_process import configure, raw, text
from tests.support.descriptor_store import DescriptorStore
from tests.support.peers import need
from tests.support.recorder import wait_until
from tests.support.serial_peers import SerialCable
from tests.support.streams import MISSING, SOCAT, numbered_lines


@pytest.fixture(name="cable")
def _cable(tmp_path: Path) -> Iterator[SerialCable]:
    need(MISSING, available=SOCAT is not None)
    with SerialCable(tmp_path) as cable:
        yield cable


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    """Return a site with the console node1."""
    site = Site(tmp_path)
    add(site, tmp_path / "port")
    return site


def add(site: Site, device: Path, baud: int = 115200) -> None:
    """Put the console node1 into the configuration."""
    options = TtyOptions(device=str(device), baud=baud)
    site.consoles["node1"] = ConsoleConfig(name="node1", kind="tty", options=options)


async def record(site: Site, cable: SerialCable, data: bytes) -> None:
    """Have the machine print something, and wait until it is recorded."""
    goal = len(site.raw("node1")) + len(data)
    await trio.to_thread.run_sync(cable.print, data)
    await until(lambda: len(site.raw("node1")) >= goal)


async def test_every_byte_is_recorded_as_it_was_printed(
    site: Site, cable: SerialCable
) -> None:
    printed = bytes(range(256)) * 16 + random.Random(7).randbytes(100_000)

    async with site.recording():
        await site.wait("node1", session="up")
        await record(site, cable, printed)

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")


async def test_what_is_typed_arrives_with_breaks_in_order(
    site: Site, cable: SerialCable
) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            person.type(b"ls\r\xff")
            await until(lambda: cable.typed == b"ls\r\xff")
            code, said = await run(site, "break", "node1")
            person.type(b"after\r")
            await until(lambda: cable.typed == b"ls\r\xffafter\r")

    assert code == 0, said
    assert "sent a break" in site.text("node1")


async def test_an_adapter_that_vanishes_is_recorded_again_when_it_is_back(
    site: Site, cable: SerialCable
) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        await record(site, cable, b"before\r\n")
        await trio.to_thread.run_sync(cable.kill)
        row = await site.wait("node1", session="down")
        await trio.sleep(2)
        await trio.to_thread.run_sync(cable.start)
        await site.wait("node1", session="up")
        await record(site, cable, b"after\r\n")

    (gap,) = re.findall(r"# gap: (.+)", site.text("node1"))
    length = float(gap.removeprefix("up to ").split(" s ")[0])
    assert 2 <= length < 7, gap
    assert re.match(
        r"(closed|unreachable): .*port: (the device is gone|no such)", row["error"]
    )
    assert site.raw("node1") == b"before\r\nafter\r\n"


@pytest.mark.parametrize(
    ("device", "error"),
    [
        ("missing", "no such device; plug the adapter in, or correct `device`"),
        ("file", "no serial port or terminal; correct `device`"),
        ("pipe", "no serial port or terminal; correct `device`"),
        ("/dev/null", "no serial port or terminal; correct `device`"),
        (".", "no serial port or terminal; correct `device`"),
    ],
)
async def test_what_is_no_serial_port_says_so(
    site: Site, device: str, error: str
) -> None:
    (site.folder / "file").touch()
    os.mkfifo(site.folder / "pipe")
    add(site, site.folder / device)

    async with site.recording():
        row = await site.wait("node1", session="down")
        code, said = await run(site, "doctor", "node1")

    assert row["error"].startswith(f"unreachable: {site.folder / device}: {error}")
    what = error.split(";", maxsplit=1)[0]
    assert f"bad  device          {site.folder / device}: {what}" in said
    assert code == 1


async def test_a_port_that_another_program_has_says_so(
    site: Site, cable: SerialCable
) -> None:
    other = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)

    async with site.recording():
        row = await site.wait("node1", session="down")
        os.close(other)
        await site.wait("node1", session="up")

    assert row["error"] == (
        f"unreachable: {cable.port}: another program has locked it; end that one"
        " (fuser DEVICE shows which)"
    )


async def test_a_port_is_ours_alone_while_it_is_recorded(
    site: Site, cable: SerialCable
) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        other = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)  # root always may
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        refused = await trio.to_thread.run_sync(opened_by_another, cable.port)
        os.close(other)
    again = os.open(cable.port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(again)

    assert "busy" in refused.lower()


def opened_by_another(port: Path) -> str:
    """Return what a user who is not root is told when opening the port."""
    real = Path(os.path.realpath(port))
    mode = real.stat().st_mode
    real.chmod(0o666)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(65534)
        try:
            os.open(real, os.O_RDWR | os.O_NOCTTY)
            os.write(write, b"opened")
        except OSError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    said = os.read(read, 1000).decode()
    real.chmod(mode)
    os.close(read)
    os.close(write)
    return said


async def test_restarts_keep_the_port_and_every_byte(
    site: Site, cable: SerialCable
) -> None:
    store, printed = DescriptorStore(), b""
    for number in range(3):
        async with recording(site, store):
            await site.wait("node1", session="up")
            lines = numbered_lines(1000 * number, 500)
            await record(site, cable, lines)
        later = numbered_lines(1000 * number + 500, 200)
        await trio.to_thread.run_sync(cable.print, later)
        printed += lines + later
    async with recording(site, store, is_handing_over=False):
        await until(lambda: len(site.raw("node1")) >= len(printed))

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")
    assert site.text("node1").count("# restart: session kept\n") == 3
    assert [name for name in store.kept if name.startswith("tty.")] == []


@pytest.mark.parametrize("how", ["restart", "crash"])
async def test_restarts_of_a_process_cost_no_byte_and_repeat_none(
    tmp_path: Path, cable: SerialCable, how: str
) -> None:
    rng, printed = random.Random(how), b""
    toml = f'[console.node1]\nkind = "tty"\ndevice = "{cable.port}"\n'
    with configure(tmp_path, toml) as service:
        await trio.to_thread.run_sync(service.start)
        await until(lambda: "state=up" in service.messages)
        for number in range(3):
            lines = numbered_lines(1000 * number, 900)
            printed += lines
            await trio.to_thread.run_sync(cable.print, lines[:6000])
            act = service.restart if how == "restart" else service.crash
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, act, rng.uniform(0, 1))
                nursery.start_soon(trio.to_thread.run_sync, cable.print, lines[6000:])
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


async def test_a_doctor_tells_how_the_port_is_set(
    site: Site, cable: SerialCable
) -> None:
    add(site, cable.port, baud=9600)

    async with site.recording():
        await record(site, cable, b"login: ")
        code, said = await run(site, "doctor", "node1")
        _, shown = await run(site, "status", "node1", "--json")

    assert f"ok   session         connected to {cable.port} for " in said
    assert "ok   serial          9600 bit/s, 8n1, flow control none" in said
    assert json.loads(shown)["baud"] == 9600
    assert code == 0
