"""The HTTP server behind TLS, as a client of Python's own ssl sees it."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from starlette.types import ASGIApp

from solrecd.api.server import Tls, serve
from solrecd.metrics import metrics_app
from tests.support.certificates import Authority

BODY = b"x 1\n" * 300_000


async def get(address: str, context: ssl.SSLContext, path: str = "/metrics") -> bytes:
    """Return a whole answer, to the end of the connection."""
    host, _, port = address.rpartition(":")
    stream = await trio.open_ssl_over_tcp_stream(
        host, int(port), ssl_context=context, https_compatible=True
    )
    async with stream:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        await stream.send_all(request.encode())
        return b"".join([data async for data in stream])


def serving(app: ASGIApp, tls: Tls) -> Callable[..., Awaitable[None]]:
    """Return what a nursery starts to serve an application on a free port."""
    return functools.partial(serve, app, ("127.0.0.1", 0), tls=tls)


def server_context(authority: Authority, name: str = "server") -> ssl.SSLContext:
    issued = authority.issue(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    return context


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_a_large_answer_arrives_whole(authority: Authority) -> None:
    client = ssl.create_default_context(cafile=authority.certificate)
    context = server_context(authority)
    app = metrics_app(lambda _form: [BODY])

    async with trio.open_nursery() as nursery:
        address = await nursery.start(serving(app, lambda: context))
        with trio.fail_after(20):
            answer = await get(address, client)
        nursery.cancel_scope.cancel()

    assert answer.count(b"x 1\n") == BODY.count(b"x 1\n")


async def test_a_peer_without_tls_or_trust_disturbs_no_other(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")
    client = ssl.create_default_context(cafile=authority.certificate)
    wary = ssl.create_default_context(cafile=stranger.certificate)
    context = server_context(authority)
    app = metrics_app(lambda _form: [b"x 1\n"])

    async with trio.open_nursery() as nursery:
        address = await nursery.start(serving(app, lambda: context))
        host, _, port = address.rpartition(":")
        with trio.fail_after(20):
            async with await trio.open_tcp_stream(host, int(port)) as stream:
                await stream.send_all(b"GET /metrics HTTP/1.0\r\n\r\n")
                plain = b"".join([data async for data in stream])
            with pytest.raises(trio.BrokenResourceError):
                await get(address, wary)
            answer = await get(address, client)
        nursery.cancel_scope.cancel()

    assert b"HTTP/1" not in plain
    assert b"x 1\n" in answer


async def test_the_next_connection_has_the_certificate_of_now(
    authority: Authority,
) -> None:
    client = ssl.create_default_context(cafile=authority.certificate)
    contexts = [server_context(authority, "first"), server_context(authority, "second")]
    names: list[str] = []

    async with trio.open_nursery() as nursery:
        app = metrics_app(lambda _form: [])
        address = await nursery.start(serving(app, lambda: contexts.pop(0)))
        host, _, port = address.rpartition(":")
        for _ in range(2):
            stream = await trio.open_ssl_over_tcp_stream(
                host, int(port), ssl_context=client
            )
            async with stream:
                await stream.do_handshake()
                names.append(str(stream.getpeercert()["subject"]))
        nursery.cancel_scope.cancel()

    assert ["first" in names[0], "second" in names[1]] == [True, True]
