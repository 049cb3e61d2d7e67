"""The API over a real unix socket: routes, errors, streams, bad clients."""

import gzip
import json
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from solrecd.api.app import api_app
from solrecd.api.fleet import FleetError
from solrecd.api.listening_sockets import ListenError
from solrecd.api.server import serve
from solrecd.console.viewers import VIEWER_BUFFER
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.lines import Line
from solrecd.metrics import Format, metrics_app
from tests.support.fleet import FakeFleet, open_gate


@asynccontextmanager
async def serving(fleet: FakeFleet, path: Path) -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        address = await nursery.start(
            serve, api_app(fleet, "1.2.3", open_gate()), str(path)
        )
        yield address
        nursery.cancel_scope.cancel()


async def request(path: Path, target: str, method: str = "GET") -> tuple[int, Any]:
    async with await trio.open_unix_socket(path) as stream:
        await stream.send_all(f"{method} {target} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join([data async for data in stream])
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


class Follower:
    """A client of ``/v1/tail`` that reads object by object."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._received = b""

    async def head(self) -> str:
        return (await self._until(b"\r\n\r\n")).decode()

    async def next(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self._until(b"\n"))
        return found

    async def _until(self, separator: bytes) -> bytes:
        while separator not in self._received:
            data = await self._stream.receive_some()
            assert data, "the server has closed the stream"
            self._received += data
        found, _, self._received = self._received.partition(separator)
        return found


@asynccontextmanager
async def following(path: Path, query: str = "") -> AsyncIterator[Follower]:
    async with await trio.open_unix_socket(path) as stream:
        await stream.send_all(f"GET /v1/tail{query} HTTP/1.0\r\n\r\n".encode())
        follower = Follower(stream)
        assert "200" in await follower.head()
        yield follower


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/v1/consoles", FakeFleet().list()),
        ("/v1/consoles/b", {"console": "b", "session": "up", "cipher_suite": 17}),
        ("/v1/version", {"version": "1.2.3"}),
    ],
)
async def test_questions_are_answered(
    tmp_path: Path, target: str, answer: object
) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path):
        assert await request(path, target) == (200, answer)


@pytest.mark.parametrize(
    ("target", "method", "status", "words"),
    [
        ("/v1/consoles/zz", "GET", 404, "no console 'zz'"),
        ("/v1/tail?names=a,zz", "GET", 404, "no console 'zz'"),
        ("/v1/nonsense", "GET", 404, "Not Found"),
        ("/v1/reload", "GET", 405, "Method Not Allowed"),
    ],
)
async def test_a_refusal_is_one_line_of_json(
    tmp_path: Path, target: str, method: str, status: int, words: str
) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path):
        found, answer = await request(path, target, method)

    assert found == status
    assert words in answer["error"]


async def test_a_reload_is_tried_and_done(tmp_path: Path) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()

    async with serving(fleet, path):
        await request(path, "/v1/reload?dry_run=1", "POST")
        status, plan = await request(path, "/v1/reload", "POST")

    assert fleet.reloads == [True, False]
    assert (status, plan["keep"]) == (200, 2)


async def test_a_refused_configuration_is_told(tmp_path: Path) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()
    fleet.refusal = FleetError("a.toml:3: no such key", [{"file": "a.toml", "line": 3}])

    async with serving(fleet, path):
        status, answer = await request(path, "/v1/reload", "POST")

    assert (status, answer["error"]) == (409, "a.toml:3: no such key")
    assert answer["problems"] == [{"file": "a.toml", "line": 3}]


async def test_a_viewer_gets_recent_lines_then_lines_and_events(
    tmp_path: Path,
) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()
    fleet.viewers.offer("a", [Line(0, 0, "before")], [])
    event = Event(2, "a", Kind.FAILURE, "panic", Severity.FATAL, "Kernel panic")

    async with serving(fleet, path), following(path, "?names=a") as follower:
        first = await follower.next()
        fleet.viewers.offer("a", [Line(1, 7, "åfter")], [event])
        second, third = await follower.next(), await follower.next()

    assert first == {
        "console": "a",
        "time": "1970-01-01T00:00:00.000000Z",
        "text": "before",
    }
    assert second["text"] == "åfter"
    assert third == event.as_dict()


async def test_a_viewer_that_leaves_is_noticed(tmp_path: Path) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()

    async with serving(fleet, path):
        async with following(path):
            await fleet.watched.wait()
            count = fleet.viewers.count("b")
        with trio.fail_after(60):
            await fleet.left.wait()

    assert (count, fleet.viewers.count("b")) == (1, 0)


async def test_a_viewer_that_reads_too_slowly_is_told_what_it_missed(
    tmp_path: Path,
) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()
    flood = [Line(0, 0, "x" * 1000)] * VIEWER_BUFFER

    async with serving(fleet, path), following(path, "?names=a") as follower:
        await fleet.watched.wait()
        for _ in range(5):
            fleet.viewers.offer("a", flood, [])
            await trio.testing.wait_all_tasks_blocked(0.01)
        missed = 0
        while not missed:
            missed = (await follower.next()).get("missed", 0)
            fleet.viewers.offer("a", [Line(0, 0, "on")], [])

    assert missed > 0


async def test_a_client_that_reads_nothing_cannot_hold_shutdown_up(
    tmp_path: Path,
) -> None:
    path, fleet = tmp_path / "control.sock", FakeFleet()

    with trio.fail_after(60), socket.socket(socket.AF_UNIX) as client:
        async with trio.open_nursery() as nursery:
            await nursery.start(serve, api_app(fleet, "1", open_gate()), str(path))
            client.connect(str(path))
            client.sendall(b"GET /v1/tail HTTP/1.0\r\n\r\n")
            await fleet.watched.wait()
            for _ in range(5):
                fleet.viewers.offer("a", [Line(0, 0, "x" * 8000)] * 500, [])
                await trio.testing.wait_all_tasks_blocked(0.01)

            nursery.cancel_scope.cancel()

    assert fleet.left.is_set()


@pytest.mark.parametrize(
    "nonsense",
    [b"\x00\xff" * 50, b"GET / HTTP/9.9\r\n\r\n", b"GET /v1/consoles HTTP/1.1\r\nHo"],
)
async def test_nonsense_ends_only_its_own_connection(
    tmp_path: Path, nonsense: bytes
) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path):
        async with await trio.open_unix_socket(path) as stream:
            await stream.send_all(nonsense)
        status, _ = await request(path, "/v1/version")

    assert status == 200


async def test_only_owner_and_group_may_use_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path) as address:
        mode = stat.S_IMODE(path.stat().st_mode)

    assert (address, mode) == (str(path), 0o660)
    assert not path.exists()


async def test_a_socket_that_a_dead_daemon_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async with serving(FakeFleet(), path):
        status, _ = await request(path, "/v1/version")

    assert status == 200


async def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async with serving(FakeFleet(), path):
        with pytest.raises(ListenError, match="another solrecd"):
            await serve(api_app(FakeFleet(), "1", open_gate()), str(path))


async def test_a_file_in_the_sockets_place_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")

    with pytest.raises(ListenError, match="is not a socket"):
        await serve(api_app(FakeFleet(), "1", open_gate()), str(path))

    assert path.read_text() == "precious"


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="missing"):
        await serve(
            api_app(FakeFleet(), "1", open_gate()), str(tmp_path / "missing" / "c.sock")
        )


@pytest.mark.parametrize(
    "head", ["GET /metrics HTTP/1.0", "GET /metrics HTTP/1.1\r\nConnection: close"]
)
async def test_a_client_that_reads_to_the_end_sees_the_end_of_the_metrics(
    head: str,
) -> None:
    async with trio.open_nursery() as nursery:
        app = metrics_app(lambda _form: [b"solrecd_consoles 2\n", b"solrecd_boots 1\n"])
        address = await nursery.start(serve, app, ("127.0.0.1", 0))
        host, _, port = address.rpartition(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(f"{head}\r\nHost: x\r\n\r\n".encode())
            with trio.fail_after(60):
                answer = b"".join([data async for data in stream])
        nursery.cancel_scope.cancel()

    assert b"text/plain; version=0.0.4" in answer
    assert b"solrecd_consoles 2\n" in answer
    assert b"solrecd_boots 1\n" in answer


async def test_a_client_that_leaves_amid_a_scrape_disturbs_no_other() -> None:
    left = trio.Event()

    def chunks(_form: Format) -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 100_000
        left.set()

    async with trio.open_nursery() as nursery:
        address = await nursery.start(serve, metrics_app(chunks), ("127.0.0.1", 0))
        host, _, port = address.rpartition(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(b"GET /metrics HTTP/1.0\r\n\r\n")
            await stream.receive_some()
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
            with trio.fail_after(60):
                answer = b"".join([data async for data in stream])
                await left.wait()
        nursery.cancel_scope.cancel()

    assert b"200" in answer


async def test_two_scrapes_at_once_are_whole_beside_a_reader_who_takes_nothing() -> (
    None
):
    chunks = [bytes([number]) * 100_000 for number in range(200)]
    answers: list[bytes] = []

    async def scrape(port: int) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(
                b"GET /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"
            )
            answers.append(b"".join([data async for data in stream]))

    async with trio.open_nursery() as nursery:
        app = metrics_app(lambda _form: chunks)
        address = await nursery.start(serve, app, ("127.0.0.1", 0))
        port = int(address.rpartition(":")[2])
        async with await trio.open_tcp_stream("127.0.0.1", port) as slow:
            await slow.send_all(b"GET /metrics HTTP/1.0\r\n\r\n")
            await slow.receive_some(1)
            with trio.fail_after(60):
                async with trio.open_nursery() as readers:
                    readers.start_soon(scrape, port)
                    readers.start_soon(scrape, port)
        nursery.cancel_scope.cancel()

    bodies = [gzip.decompress(one.partition(b"\r\n\r\n")[2]) for one in answers]
    assert [body == b"".join(chunks) for body in bodies] == [True, True]


async def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ListenError, match=str(port)):
            await serve(metrics_app(lambda _form: []), ("127.0.0.1", port))
