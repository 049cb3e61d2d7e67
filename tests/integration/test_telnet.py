"""Consoles behind telnet: ser2net, QEMU, and servers that speak none."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.stream.tcp.place import TcpOptions, TcpProtocol
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site, until
from tests.integration.test_restart import recording
from tests.support.descriptor_store import DescriptorStore
from tests.support.peers import need
from tests.support.ports import free_port
from tests.support.serial_peers import (
    QEMU,
    SER2NET,
    Ser2Net,
    SerialCable,
    qemu_machine,
    silent_server,
)
from tests.support.streams import MISSING, SOCAT, numbered_lines

PROTOCOLS = [TcpProtocol.TELNET, TcpProtocol.RFC2217]


@pytest.fixture(name="cable")
def _cable(tmp_path: Path) -> Iterator[SerialCable]:
    need(MISSING, available=SOCAT is not None)
    need("ser2net is not installed", available=SER2NET is not None)
    with SerialCable(tmp_path) as cable:
        yield cable


@pytest.fixture(name="protocol", params=PROTOCOLS)
def _protocol(request: pytest.FixtureRequest) -> TcpProtocol:
    return TcpProtocol(request.param)


@pytest.fixture(name="server")
def _server(
    tmp_path: Path, cable: SerialCable, protocol: TcpProtocol
) -> Iterator[Ser2Net]:
    rfc2217 = protocol is TcpProtocol.RFC2217
    with Ser2Net(tmp_path, cable.port, rfc2217=rfc2217) as server:
        yield server


@pytest.fixture(name="site")
def _site(tmp_path: Path, server: Ser2Net, protocol: TcpProtocol) -> Site:
    """Return a site with the console node1, behind ser2net."""
    site = Site(tmp_path)
    baud = 115200 if protocol is TcpProtocol.RFC2217 else None
    add(
        site,
        TcpOptions(host="127.0.0.1", port=server.port, protocol=protocol, baud=baud),
    )
    return site


def add(site: Site, options: TcpOptions) -> None:
    """Put the console node1 into the configuration."""
    site.consoles["node1"] = ConsoleConfig(name="node1", kind="tcp", options=options)


async def record(site: Site, cable: SerialCable, data: bytes) -> None:
    """Have the machine print something, and wait until it is recorded."""
    goal = len(site.raw("node1")) + len(data)
    await trio.to_thread.run_sync(cable.print, data)
    await until(lambda: len(site.raw("node1")) >= goal)


async def status(site: Site) -> dict[str, object]:
    """Return the ``status`` object."""
    _, said = await run(site, "status", "node1", "--json")
    return dict(json.loads(said))


async def negotiated(site: Site) -> dict[str, object]:
    """Wait until telnet's options are agreed on; return the ``status`` object."""
    await site.wait("node1", session="up")
    while True:
        row = await status(site)
        if "binary" in row.get("telnet_options", ()):  # type: ignore[operator]
            return row


async def test_every_byte_is_recorded_once_and_as_it_was_printed(
    site: Site, cable: SerialCable
) -> None:
    printed = bytes(range(256)) * 16 + b"\r\0\r\n\xff\xff\xff\xfa" * 500
    printed += random.Random(7).randbytes(100_000)

    async with site.recording():
        await negotiated(site)
        await record(site, cable, printed)

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")


async def test_what_is_typed_arrives_as_it_was_typed(
    site: Site, cable: SerialCable
) -> None:
    typed = b"ls\r\xff\xff\r\0" + bytes(range(128, 256))

    async with site.recording():
        await negotiated(site)
        async with attached(site) as person:
            await person.paste(typed)
            await until(lambda: len(cable.typed) >= len(typed))

    assert cable.typed == typed


async def test_a_server_that_was_killed_is_recorded_again(
    site: Site, server: Ser2Net, cable: SerialCable
) -> None:
    async with site.recording():
        await negotiated(site)
        await record(site, cable, b"before\r\n")
        await trio.to_thread.run_sync(server.kill)
        await site.wait("node1", session="down")
        await trio.sleep(1)
        await trio.to_thread.run_sync(server.start)
        await negotiated(site)
        await record(site, cable, b"after\r\n")

    (gap,) = re.findall(r"# gap: (.+)", site.text("node1"))
    assert gap.endswith("s without a session (closed)")
    assert site.raw("node1") == b"before\r\nafter\r\n"


async def test_restarts_keep_the_connection_and_every_byte(
    site: Site, cable: SerialCable
) -> None:
    store, printed = DescriptorStore(), b""
    for number in range(3):
        async with recording(site, store):
            await negotiated(site)
            lines = numbered_lines(1000 * number, 500).replace(b"7", b"\xff\xf1")
            await record(site, cable, lines)
        later = numbered_lines(1000 * number + 500, 100).replace(b"5", b"\xff")
        await trio.to_thread.run_sync(cable.print, later)
        printed += lines + later
    async with recording(site, store):
        await until(lambda: len(site.raw("node1")) >= len(printed))
        row = await status(site)
    store.clear()

    assert site.raw("node1") == printed
    assert "binary" in row["telnet_options"]  # type: ignore[operator]
    assert "# gap: " not in site.text("node1")
    assert site.text("node1").count("# restart: session kept\n") == 3


async def test_a_doctor_tells_what_was_agreed_on(
    site: Site, cable: SerialCable, protocol: TcpProtocol
) -> None:
    async with site.recording():
        await negotiated(site)
        await record(site, cable, b"login: ")
        row = await status(site)
        code, said = await run(site, "doctor", "node1")

    assert re.search(
        r"  ok   negotiate +telnet, with binary, .*suppress_go_ahead", said
    )
    if protocol is TcpProtocol.RFC2217:
        assert re.search(r"  ok   serial +ser2net, 115200 bit/s", said)
        assert (row["signature"], row["baud"]) == ("ser2net", 115200)
    assert code == 0


@pytest.mark.parametrize("protocol", [TcpProtocol.RFC2217])
async def test_what_is_no_rfc2217_is_recorded_and_said(
    tmp_path: Path, cable: SerialCable, protocol: TcpProtocol
) -> None:
    site = Site(tmp_path)
    with Ser2Net(tmp_path, cable.port, rfc2217=False) as server:
        add(site, TcpOptions(host="127.0.0.1", port=server.port, protocol=protocol))
        async with site.recording():
            await negotiated(site)
            await record(site, cable, b"login: ")
            _, said = await run(site, "doctor", "node1")

    assert "warn serial          the other end refuses RFC 2217" in said
    assert 'set protocol = "telnet"' in said


async def test_a_break_reaches_the_machine_in_order(tmp_path: Path) -> None:
    need("qemu is not installed", available=QEMU is not None)
    site, port = Site(tmp_path), free_port()
    options = TcpOptions(host="127.0.0.1", port=port, protocol=TcpProtocol.TELNET)
    add(site, options)

    with qemu_machine(tmp_path, port):
        async with site.recording():
            await until(lambda: site.raw("node1").endswith(b"!"))
            async with attached(site) as person:
                person.type(b"a\xff\r\n")
                await person.sees(b"a\xff\r\n")
                code, said = await run(site, "break", "node1")
                await until(lambda: site.raw("node1").endswith(b"B"))
                person.type(b"z")
                await person.sees(b"z")

    assert code == 0, said
    assert site.raw("node1").endswith(b"!a\xff\r\nBz")


@pytest.mark.parametrize("protocol", [TcpProtocol.TELNET])
async def test_keepalives_type_nothing_on_a_machine(
    site: Site, server: Ser2Net, cable: SerialCable
) -> None:
    add(
        site,
        TcpOptions(
            host="127.0.0.1",
            port=server.port,
            protocol=TcpProtocol.TELNET,
            telnet_keepalive=0.1,
        ),
    )

    async with site.recording():
        await negotiated(site)
        async with attached(site) as person:
            for letter in b"a", b"b", b"c":
                await trio.sleep(0.4)
                person.type(letter)
                await until(lambda letter=letter: cable.typed.endswith(letter))  # type: ignore[misc]

    assert cable.typed == b"abc"


# What is not telnet.


async def test_a_server_that_never_negotiates_is_recorded_and_said(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)

    with silent_server(b"50%\r\x00100%\r\nno telnet: \xff\x41\xff") as port:
        options = TcpOptions(host="127.0.0.1", port=port, protocol=TcpProtocol.TELNET)
        add(site, options)
        async with site.recording():
            await until(lambda: len(site.raw("node1")) == 23)
            _, said = await run(site, "doctor", "node1")

    assert site.raw("node1") == b"50%\r100%\r\nno telnet: \xff\x41"
    assert "warn negotiate       the other end answers no telnet option" in said
    assert 'if the port is raw, set protocol = "raw"' in said


async def test_one_that_asks_for_options_and_takes_no_answers_is_given_up(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    asks = b"".join(bytes([255, 251, 24]) for _ in range(2_000_000))

    with silent_server(asks) as port:
        options = TcpOptions(host="127.0.0.1", port=port, protocol=TcpProtocol.TELNET)
        add(site, options)
        async with site.recording():
            row = await site.wait("node1", session="down")

    assert row["error"] == (
        f"protocol_error: 127.0.0.1:{port} asks for options and does not take the"
        " answers"
    )


async def test_a_name_that_is_not_found_is_the_first_step_that_fails(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    options = TcpOptions(host="no-such.invalid", port=1, protocol=TcpProtocol.TELNET)
    add(site, options)

    async with site.recording():
        await site.wait("node1", session="down")
        code, said = await run(site, "doctor", "node1")

    assert "bad  resolve         no-such.invalid: " in said
    assert "session" not in said
    assert code == 1


async def test_a_port_that_refuses_is_the_second_step_that_fails(
    tmp_path: Path,
) -> None:
    site, port = Site(tmp_path), free_port()
    options = TcpOptions(host="localhost", port=port, protocol=TcpProtocol.TELNET)
    add(site, options)

    async with site.recording():
        await site.wait("node1", session="down")
        code, said = await run(site, "doctor", "node1")

    assert "ok   resolve         localhost is 127.0.0.1" in said
    assert f"bad  session         localhost:{port}: connection refused" in said
    assert code == 1
