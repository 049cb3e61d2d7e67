"""Consoles that are streams, with socat as the machine and a whole daemon."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trio

from solrecd.sources.stream.tcp.place import TcpOptions
from solrecd.sources.stream.unix.place import UnixOptions
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site, until
from tests.support.broken_disk import BrokenDisk
from tests.support.peers import need
from tests.support.ports import free_port
from tests.support.streams import (
    MISSING,
    SOCAT,
    Endpoint,
    Socat,
    endpoint,
    numbered_lines,
    stream_console,
)

LOGIN = Path("tests/golden/system-login.log").read_bytes()
KINDS = ["unix", "tcp"]


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    need(MISSING, available=SOCAT is not None)
    return Site(tmp_path)


@pytest.fixture(name="place", params=KINDS)
def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Endpoint:
    return endpoint(request.param, tmp_path)


@pytest.fixture(name="machine")
def _machine(site: Site, place: Endpoint) -> Iterator[Socat]:
    """Return a machine that is the console node1."""
    add(site, place)
    with Socat(place) as machine:
        yield machine


def add(site: Site, place: Endpoint, name: str = "node1") -> None:
    """Put a console into the configuration."""
    site.consoles[name] = stream_console(name, place)


async def record(site: Site, machine: Socat, data: bytes, name: str = "node1") -> None:
    """Have the machine print something, and wait until it is recorded."""
    goal = len(site.raw(name)) + len(data)
    await trio.to_thread.run_sync(machine.print, data)
    await until(lambda: len(site.raw(name)) >= goal)


# Recording.


async def test_output_is_recorded_byte_for_byte(site: Site, machine: Socat) -> None:
    printed = bytes(range(256)) * 16 + random.Random(7).randbytes(200_000)

    async with site.recording():
        await record(site, machine, printed)

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")


async def test_lines_and_stages_are_read_in_it(site: Site, machine: Socat) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        await record(site, machine, LOGIN)
        row = await site.wait("node1", stage="login")

    assert (row["kind"], row["power"]) == (site.consoles["node1"].kind, "unknown")
    assert row["error"] is None
    assert "Reached target multi-user.target" in site.text("node1")


@pytest.mark.alone
async def test_what_is_typed_arrives_and_is_answered_at_once(
    site: Site, place: Endpoint
) -> None:
    add(site, place)
    with Socat(place, echoes=True):
        async with site.recording():
            await site.wait("node1", session="up")
            async with attached(site) as person:
                waited = []
                for number in range(20):
                    began = trio.current_time()
                    person.type(b"%03d;" % number)
                    await person.sees(b"%03d;" % number)
                    waited.append(trio.current_time() - began)

    assert site.raw("node1") == b"".join(b"%03d;" % number for number in range(20))
    assert sorted(waited)[10] < 0.05


async def test_a_paste_arrives_whole(site: Site, machine: Socat) -> None:
    pasted = b"".join(b"%07d\r" % number for number in range(8192))

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            await person.paste(pasted)
            await until(lambda: len(machine.typed) == len(pasted))

    assert machine.typed == pasted


async def test_silence_over_an_open_connection_is_no_gap(
    site: Site, machine: Socat
) -> None:
    async with site.recording():
        await record(site, machine, b"before\r\n")
        site.later = 600_000_000
        await trio.sleep(1)
        await record(site, machine, b"after\r\n")
        row = await site.wait("node1", session="up")

    assert row["error"] is None
    assert "# gap: " not in site.text("node1")
    assert site.events("node1", "gap") == []


# When the other end goes away, or is not there.


async def test_a_machine_that_was_killed_is_recorded_again_within_seconds(
    site: Site, machine: Socat
) -> None:
    async with site.recording():
        await record(site, machine, b"before\r\n")
        began = trio.current_time()
        await trio.to_thread.run_sync(machine.kill)
        row = await site.wait("node1", session="down")
        await trio.sleep(3)
        machine.start()
        with trio.fail_after(60):
            await record(site, machine, b"after\r\n")
        most = trio.current_time() - began

    (gap,) = re.findall(r"# gap: (.+)", site.text("node1"))
    length = float(gap.removeprefix("up to ").split(" s ")[0])
    assert 3 <= length <= most + 0.1, gap
    assert gap.endswith("s without a session (closed)")
    assert row["error"].startswith("closed: ")
    assert site.consoles["node1"].options.place in row["error"]  # type: ignore[attr-defined]
    assert site.raw("node1") == b"before\r\nafter\r\n"


def left_behind(path: str) -> None:
    """Leave a socket that nothing listens on."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("missing", "no such socket; start the program that makes it, or correct"),
        ("left", "nothing listens on it; start the program that should"),
        ("full", "its queue is full; end the other client that has the console"),
    ],
)
async def test_a_socket_that_accepts_no_client_says_why_and_what_to_do(
    site: Site, path: str, error: str
) -> None:
    place = str(site.folder / path)
    add(site, UnixOptions(path=place))
    if path == "left":
        left_behind(place)

    with full_queue(place) if path == "full" else nothing():
        async with site.recording():
            row = await site.wait("node1", session="down")
            status, said = await run(site, "ls")

    assert row["error"].startswith(f"unreachable: {place}: {error}")
    assert row["next_try"] is not None
    assert f"{place}: {error}" in said
    assert status == 0


async def test_a_port_that_refuses_says_so_and_what_to_do(site: Site) -> None:
    port = free_port()
    add(site, TcpOptions(host="127.0.0.1", port=port))

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert row["error"] == (
        f"unreachable: 127.0.0.1:{port}: connection refused; start what listens on"
        " that port, or end the other client that it serves"
    )


async def test_a_name_that_is_not_found_says_so(site: Site) -> None:
    add(site, TcpOptions(host="no-such-host.invalid", port=7001))

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert row["error"].startswith("name_unresolved: no-such-host.invalid:7001: ")
    assert row["error"].endswith("; correct `address`, DNS or /etc/hosts")


@contextmanager
def nothing() -> Iterator[None]:
    """Do nothing."""
    yield


@contextmanager
def full_queue(path: str) -> Iterator[None]:
    """Listen on a socket whose queue other clients have filled."""
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as one:
        server.bind(path)
        server.listen(0)
        one.connect(path)
        yield


class Doorman:
    """Accepts connections and counts them; ends each at once, or keeps them."""

    def __init__(self, path: Path, *, ends: bool) -> None:
        self.came: list[socket.socket] = []
        self._ends = ends
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in self.came:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._server.accept()
            except OSError:
                return
            self.came.append(one)
            if self._ends:
                one.close()


async def test_one_that_ends_every_connection_at_once_is_not_stormed(
    site: Site,
) -> None:
    path = site.folder / "serial.sock"
    add(site, UnixOptions(path=str(path)))

    with closing(Doorman(path, ends=True)) as doorman:
        async with site.recording():
            await trio.sleep(8)

    assert 3 <= len(doorman.came) <= 8


# Reloading.


async def reload(site: Site) -> None:
    """Apply the configuration as it is now."""
    status, said = await run(site, "reload")
    assert status == 0, said


async def test_a_reload_keeps_the_connection_but_where_the_place_changed(
    site: Site,
) -> None:
    paths = [site.folder / name for name in ("first.sock", "second.sock")]
    doormen = [Doorman(path, ends=False) for path in paths]
    add(site, UnixOptions(path=str(paths[0])))

    async with site.recording():
        await site.wait("node1", session="up")
        site.consoles["node1"] = replace(site.consoles["node1"], labels={"rack": "r1"})
        await reload(site)
        row = await site.wait("node1", session="up")
        came = [len(one.came) for one in doormen]
        add(site, UnixOptions(path=str(paths[1])))
        await reload(site)
        await until(lambda: len(doormen[1].came) == 1)
        gone = doormen[0].came[0].recv(1)
    for one in doormen:
        one.close()

    assert row["labels"] == {"rack": "r1"}
    assert came == [1, 0]
    assert gone == b"", "the old one is closed"


# Back-pressure, and neighbours.


async def test_a_full_journal_holds_the_machine_up_and_loses_nothing(
    site: Site, machine: Socat
) -> None:
    disk = BrokenDisk()
    printed = numbered_lines(0, 120_000)

    async with site.recording(disk), trio.open_nursery() as nursery:
        await record(site, machine, b"ready\r\n")
        disk.hang()
        nursery.start_soon(partial(trio.to_thread.run_sync, machine.print, printed))
        await until_refusing(site)
        held_up = await site.wait("node1", session="up")
        disk.resume()
        await until(lambda: len(site.raw("node1")) == 7 + len(printed))

    assert held_up["error"] is None
    assert site.raw("node1") == b"ready\r\n" + printed
    assert "s without room in the journal; the other end had to wait" in site.text(
        "node1"
    )
    assert site.events("node1", "gap") == []


async def until_refusing(site: Site) -> None:
    """Wait until the journal has no room for node1."""
    while True:
        status, said = await run(site, "status", "node1", "--json")
        if status == 0 and json.loads(said)["journal_refusing"]:
            return


@pytest.mark.alone
async def test_a_flood_does_not_hurt_a_neighbour(site: Site, machine: Socat) -> None:
    place = endpoint("unix", site.folder / "other")
    (site.folder / "other").mkdir()
    add(site, place, "node2")

    with Socat(place) as neighbour:
        async with site.recording(), flood(machine):
            await record(site, machine, numbered_lines(0, 1))
            waited = []
            for number in range(40):
                began = trio.current_time()
                await record(site, neighbour, numbered_lines(number, 1), "node2")
                waited.append(trio.current_time() - began)
            await until(lambda: len(site.raw("node1")) > 4 << 20)

    assert site.raw("node2") == numbered_lines(0, 40)
    assert sorted(waited)[36] < 1.0
    assert "# gap: " not in site.text("node2")


@asynccontextmanager
async def flood(machine: Socat) -> AsyncIterator[None]:
    """Have a machine print without end, as fast as it is read."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_print_until_cut, machine)
        yield
        machine.cut()


async def _print_until_cut(machine: Socat) -> None:
    lines = numbered_lines(0, 4000)
    with suppress(BrokenPipeError):
        while True:
            await trio.to_thread.run_sync(machine.print, lines)


# What people ask of it.


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["power", "node1", "cycle", "--yes"], "power control"),
        (["power", "node1", "status"], "power control"),
        (["break", "node1"], "break"),
        (["yield", "node1"], "session that could be given away"),
        (["take", "node1"], "session that could be given away"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
async def test_what_a_stream_cannot_do_is_answered_in_one_sentence(
    site: Site, words: list[str], what: str
) -> None:
    place = endpoint("unix", site.folder)
    add(site, place)
    with Socat(place):
        async with site.recording():
            await site.wait("node1", session="up")
            status, said = await run(site, *words)

    sentence = f"node1 is a console of kind unix, which has no {what}"
    assert sentence in said
    assert said.count("\n") == 1
    assert status == 1


async def test_reconnect_ends_the_connection_and_makes_another(
    site: Site, machine: Socat
) -> None:
    async with site.recording():
        await record(site, machine, b"before\r\n")
        status, _ = await run(site, "reconnect", "node1")
        await site.wait("node1", session="down")
        machine.kill()
        machine.start()
        await record(site, machine, b"after\r\n")

    assert status == 0
    assert "s without a session (reconnect)" in site.text("node1")
    assert site.raw("node1") == b"before\r\nafter\r\n"


async def test_a_doctor_tells_that_it_is_connected_and_what_it_printed(
    site: Site, machine: Socat
) -> None:
    async with site.recording():
        await record(site, machine, b"a line\r\n")
        status, said = await run(site, "doctor", "node1")

    place = site.consoles["node1"].options.place  # type: ignore[attr-defined]
    assert re.sub(r"\d+ s", "N s", said.replace(place, "PLACE")) == (
        "node1\n"
        "  ok   session         connected to PLACE for N s\n"
        "  ok   output          last byte N s ago\n"
    )
    assert status == 0


async def test_a_doctor_of_a_silent_stream_says_what_to_try(
    site: Site, machine: Socat
) -> None:
    async with site.recording():
        await site.wait("node1", session="up")
        site.later = 120_000_000
        status, said = await run(site, "doctor", "node1")

    assert "warn output          nothing yet; none in 2 min of this connection" in said
    assert "another client has the console" in said
    assert machine.typed == b""
    assert status == 0


async def test_a_doctor_of_one_that_is_not_there_says_what_to_do(site: Site) -> None:
    place = endpoint("unix", site.folder)
    add(site, place)

    async with site.recording():
        await site.wait("node1", session="down")
        status, said = await run(site, "doctor", "node1", "--fix", "--yes")

    assert f"bad  session         {place.place}: no such socket" in said
    assert "-> start the program that makes it, or correct `path`" in said
    assert "node1: nothing to set from here" in said
    assert status == 1
