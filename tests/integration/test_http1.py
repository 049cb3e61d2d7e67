"""Every listener speaks HTTP/1.1 alone, answers in time, and limits its clients."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import pytest
import trio
from starlette.types import Receive, Scope, Send

from solrecd.api import send_timeout
from solrecd.api.connection_limits import ConnectionLimits
from solrecd.api.denials import DenialReason, Denials
from solrecd.api.listening_sockets import Bind
from solrecd.api.send_timeout import bounded, wait_for_watcher
from solrecd.api.server import plain, serve
from solrecd.metrics import metrics_app
from solrecd.metrics.app import MAX_SCRAPES_OF_ONE
from solrecd.process.descriptors import ClientPlaces
from solrecd.process.tls import TlsFiles, server_context
from tests.support.certificates import Authority

_CURL = shutil.which("curl") or ""
_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
)


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Say which version was spoken."""
    del receive
    body = f"HTTP {scope['http_version']}\n".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(
    bind: Bind = ("127.0.0.1", 0), app: Any = _hello, **more: Any
) -> AsyncIterator[str]:
    """Serve an application; yield its address."""
    async with trio.open_nursery() as nursery:
        start = partial(serve, app, bind, **more)
        yield await nursery.start(start)
        nursery.cancel_scope.cancel()


@pytest.fixture
def listeners(tmp_path: Path) -> Mapping[str, tuple[Bind, Any, list[str], str]]:
    """Return, for each kind of listener: what to bind, TLS, curl's options and URL."""
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    context = server_context(TlsFiles(str(pair.certificate), str(pair.key)))
    path = str(tmp_path / "control.sock")
    ca = ["--cacert", str(authority.certificate)]
    return {
        "unix": (path, plain, ["--unix-socket", path], "http://localhost/"),
        "tls": (("127.0.0.1", 0), lambda: context, ca, "https://localhost:{port}/"),
        "metrics": (("127.0.0.1", 0), plain, [], "http://127.0.0.1:{port}/"),
    }


async def _curl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [_CURL, "--silent", "--show-error", "--max-time", "10", *arguments]
    return await trio.run_process(
        command, capture_stdout=True, capture_stderr=True, check=False
    )


@pytest.mark.skipif(not _CURL, reason="needs curl")
@pytest.mark.parametrize("kind", ["unix", "tls", "metrics"])
async def test_a_client_of_http2_is_answered_in_http1_or_refused(
    listeners: Mapping[str, tuple[Bind, Any, list[str], str]], kind: str
) -> None:
    bind, tls, options, url = listeners[kind]

    async with serving(bind, tls=tls) as address:
        url = url.format(port=address.rpartition(":")[2])
        upgraded = await _curl("--http2", *options, url)
        known = await _curl("--http2-prior-knowledge", *options, url)
        after = await _curl(*options, url)

    assert upgraded.stdout == b"HTTP 1.1\n", upgraded.stderr
    if kind == "tls":  # curl takes what was agreed on in the handshake
        assert known.stdout in {b"HTTP 1.1\n", b""}
    else:
        assert (known.stdout, known.returncode != 0) == (b"", True)
    assert after.stdout == b"HTTP 1.1\n"


async def test_tls_agrees_on_http1_with_a_client_that_prefers_http2(
    listeners: Mapping[str, tuple[Bind, Any, list[str], str]],
) -> None:
    bind, tls, _, _ = listeners["tls"]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])

    async with serving(bind, tls=tls) as address:
        tcp = await trio.open_tcp_stream("127.0.0.1", int(address.rpartition(":")[2]))
        async with trio.SSLStream(tcp, context, https_compatible=True) as stream:
            await stream.do_handshake()
            agreed = stream.selected_alpn_protocol()

    assert agreed == "http/1.1"


async def test_a_client_that_begins_with_http2_is_told_505_and_closed() -> None:
    client = h2.connection.H2Connection(h2.config.H2Configuration())
    client.initiate_connection()
    request = {":method": "GET", ":path": "/", ":scheme": "http", ":authority": "x"}
    client.send_headers(1, [*request.items()])

    async with serving() as address:
        answer = await _said(address, client.data_to_send())

    assert answer.startswith(b"HTTP/1.1 505 ")
    assert b"connection: close" in answer.lower()


async def test_an_upgrade_to_http2_is_passed_over() -> None:
    async with serving() as address:
        answer = await _said(address, _UPGRADE)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"HTTP 1.1\n")


async def _said(address: str, data: bytes) -> bytes:
    """Return all that the server says to bytes, until it is silent or gone."""
    host, _, port = address.rpartition(":")
    answer = b""
    async with await trio.open_tcp_stream(host, int(port)) as stream:
        await stream.send_all(data)
        with trio.move_on_after(1):
            while part := await stream.receive_some(65536):
                answer += part
    return answer


# Time.


async def _mute(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    await trio.sleep_forever()


async def _endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without an end, as a stream where the path says so."""
    del receive
    if scope["path"] == "/watch":
        wait_for_watcher(scope)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await trio.sleep(0.05)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have answers end soon."""
    from solrecd.api import server  # noqa: PLC0415

    monkeypatch.setattr(server, "bounded", partial(bounded, seconds=0.3))


@pytest.mark.usefixtures("_short")
async def test_an_answer_that_does_not_begin_is_a_503_in_time() -> None:
    async with serving(app=_mute) as address:
        answer = await _said(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 503 ")


@pytest.mark.usefixtures("_short")
async def test_an_answer_that_does_not_end_is_cut_off_but_a_stream_is_not() -> None:
    async with serving(app=_endless) as address:
        host, _, port = address.rpartition(":")
        with trio.move_on_after(1.0) as waiting:
            answer = await _whole(host, int(port), "/")
        with trio.move_on_after(1.0) as watching:
            await _whole(host, int(port), "/watch")

    assert not waiting.cancelled_caught
    assert b"x" in answer
    assert watching.cancelled_caught


async def _whole(host: str, port: int, path: str) -> bytes:
    async with await trio.open_tcp_stream(host, port) as stream:
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return b"".join([part async for part in stream])


def test_an_answer_has_more_time_than_anything_that_is_asked_for() -> None:
    assert send_timeout.RESPONSE_TIMEOUT > 2 * send_timeout.SEND_TIMEOUT


# Room.


async def test_connections_to_the_metrics_are_limited_by_themselves() -> None:
    denials = Denials(lambda: 0.0)
    limits = ConnectionLimits(denials, most=3, most_of_one=3)

    async with serving(limits=limits) as address, _dialled(address, 3):
        await _until(lambda: not limits.enter("another"))
        async with _dialled(address, 1) as [fourth]:
            with trio.fail_after(60):
                assert await fourth.receive_some(10) == b""

    assert denials.counts[DenialReason.CROWD] > 0


async def test_one_client_cannot_have_all_scrapes() -> None:
    def chunks(_form: object) -> Any:
        while True:
            yield b"x" * 100_000

    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    async with (
        serving(app=metrics_app(chunks)) as address,
        _dialled(address, MAX_SCRAPES_OF_ONE + 1) as streams,
    ):
        for stream in streams[:-1]:
            await stream.send_all(request)
            assert (await stream.receive_some(12)).endswith(b"200")
        await streams[-1].send_all(request)
        assert (await streams[-1].receive_some(12)).endswith(b"503")


async def test_clients_leave_the_descriptors_that_recording_needs(
    tmp_path: Path,
) -> None:
    places, path = ClientPlaces(0), str(tmp_path / "control.sock")
    half = places.count // 2

    async with (
        serving(places=places) as address,
        serving(path, places=places),
        _dialled(address, half + 1) as streams,
    ):
        with trio.fail_after(60):
            assert await streams[-1].receive_some(10) == b""
        local = [await trio.open_unix_socket(path) for _ in range(half + 1)]
        with trio.fail_after(60):
            assert await local[-1].receive_some(10) == b""
        for stream in (*local, *streams):
            await stream.aclose()
        await _until(lambda: places.enter(is_local=False))


@asynccontextmanager
async def _dialled(address: str, count: int) -> AsyncIterator[list[trio.SocketStream]]:
    host, _, port = address.rpartition(":")
    streams = [await trio.open_tcp_stream(host, int(port)) for _ in range(count)]
    try:
        yield streams
    finally:
        for stream in streams:
            stream.socket.close()


async def _until(is_so: Any) -> None:
    with trio.fail_after(60):
        while not is_so():  # noqa: ASYNC110 - nothing signals it
            await trio.sleep(0.01)
