"""The scrape over HTTP, without a socket."""

import gzip
from collections.abc import Generator, MutableMapping, Sequence
from typing import Any

import trio

from solrecd.metrics import metrics_app

Message = MutableMapping[str, Any]

BODY = [b"# HELP x y\n" * 100, b"x 1\n"]


class _Done:
    """Sending to a fast client: there is nothing to wait for."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


async def get(
    path: str, *, encoding: str = "identity", chunks: Sequence[bytes] = BODY
) -> list[Message]:
    """Return what the application sends for a request."""
    sent: list[Message] = []

    async def receive() -> Message:
        await trio.sleep_forever()
        raise AssertionError

    def send(message: Message) -> _Done:
        sent.append(message)
        return _Done()

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"accept-encoding", encoding.encode())],
        "asgi": {"spec_version": "2.4", "version": "3.0"},
    }
    await metrics_app(lambda: iter(chunks))(scope, receive, send)
    return sent


def body(sent: list[Message]) -> bytes:
    """Return the body of an answer."""
    return b"".join(message.get("body", b"") for message in sent)


def headers(sent: list[Message]) -> dict[bytes, bytes]:
    """Return the headers of an answer."""
    return dict(sent[0]["headers"])


async def test_a_scrape_is_the_text_format_in_pieces() -> None:
    sent = await get("/metrics")

    assert sent[0]["status"] == 200
    assert headers(sent)[b"content-type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert [message["body"] for message in sent[1:3]] == BODY


async def test_a_client_that_asks_for_gzip_gets_it() -> None:
    sent = await get("/metrics", encoding="gzip")

    assert headers(sent)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(body(sent)) == b"".join(BODY)


async def test_the_front_page_leads_to_the_metrics() -> None:
    sent = await get("/")

    assert b'href="/metrics"' in body(sent)


async def test_anything_else_is_not_there() -> None:
    sent = await get("/secrets")

    assert sent[0]["status"] == 404


async def test_the_loop_goes_on_during_a_long_scrape() -> None:
    turns = 0

    async def neighbour() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(neighbour)
        await get("/metrics", chunks=[b"x 1\n"] * 50)
        nursery.cancel_scope.cancel()

    # About one for each piece; it would be one or two without pauses.
    assert turns > 25
