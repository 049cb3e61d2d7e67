"""The scrape over HTTP, without a socket."""

import gzip
from collections.abc import Generator, Iterable, MutableMapping
from typing import Any

import trio
import trio.testing
from starlette.types import ASGIApp

from solrecd.metrics import Format, metrics_app
from solrecd.metrics.app import MAX_SCRAPES, SLICE

Message = MutableMapping[str, Any]

BODY = [b"# HELP x y\n" * 100, b"x 1\n"]


class _Done:
    """Sending to a fast client: there is nothing to wait for."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


async def get(
    path: str,
    *,
    app: ASGIApp | None = None,
    encoding: str = "identity",
    accept: str = "*/*",
    method: str = "GET",
    chunks: Iterable[bytes] = BODY,
) -> list[Message]:
    """Return what the application sends for a request."""
    sent: list[Message] = []

    async def receive() -> Message:
        await trio.sleep_forever()
        raise AssertionError

    def send(message: Message) -> _Done:
        sent.append(message)
        return _Done()

    headers = [(b"accept-encoding", encoding.encode()), (b"accept", accept.encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": headers,
        "asgi": {"spec_version": "2.4", "version": "3.0"},
    }
    app = app or metrics_app(lambda _form: iter(chunks))
    await app(scope, receive, send)
    return sent


def body(sent: list[Message]) -> bytes:
    """Return the body of an answer."""
    return b"".join(message.get("body", b"") for message in sent)


def headers(sent: list[Message]) -> dict[bytes, bytes]:
    """Return the headers of an answer."""
    return dict(sent[0]["headers"])


async def test_a_scrape_is_the_text_format_and_has_an_end() -> None:
    sent = await get("/metrics")

    assert sent[0]["status"] == 200
    assert headers(sent)[b"content-type"] == b"text/plain; version=0.0.4; charset=utf-8"
    assert body(sent) == b"".join(BODY)
    assert [message.get("more_body", False) for message in sent[1:]] == [True, False]


async def test_the_client_says_which_format() -> None:
    asked: list[Format] = []

    def scrape(form: Format) -> list[bytes]:
        asked.append(form)
        return BODY

    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    sent = await get("/metrics", app=metrics_app(scrape), accept=accept)

    assert asked == [Format.OPENMETRICS]
    kind = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert headers(sent)[b"content-type"] == kind


async def test_a_head_request_is_answered_without_a_scrape() -> None:
    def scrape(_form: Format) -> list[bytes]:
        raise AssertionError("the numbers are not wanted")

    sent = await get("/metrics", app=metrics_app(scrape), method="HEAD")

    assert sent[0]["status"] == 200
    assert body(sent) == b""


async def test_a_client_that_asks_for_gzip_gets_it() -> None:
    sent = await get("/metrics", encoding="gzip")

    assert headers(sent)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(body(sent)) == b"".join(BODY)


async def test_a_large_scrape_survives_compression_in_slices() -> None:
    chunks = [bytes([number % 251]) * 100_000 for number in range(40)]

    sent = await get("/metrics", encoding="gzip", chunks=chunks)

    assert gzip.decompress(body(sent)) == b"".join(chunks)
    assert len(sent) > 3


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
        await get("/metrics", chunks=[bytes(SLICE)] * 50)
        nursery.cancel_scope.cancel()

    # About one for each piece; it would be one or two without pauses.
    assert turns > 25


async def test_more_scrapes_than_the_bound_are_sent_away_and_may_come_again() -> None:
    stopped = trio.Event()

    class Stuck:
        async def __call__(self, _message: Message) -> None:
            await stopped.wait()

    app = metrics_app(lambda _form: BODY)
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": []}

    async with trio.open_nursery() as nursery:
        for _ in range(MAX_SCRAPES):
            nursery.start_soon(app, scope, trio.sleep_forever, Stuck())
        await trio.testing.wait_all_tasks_blocked()
        refused = await get("/metrics", app=app)
        stopped.set()
    served = await get("/metrics", app=app)

    assert (refused[0]["status"], served[0]["status"]) == (503, 200)
