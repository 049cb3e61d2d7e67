"""The scrape over HTTP: a small ASGI application for hypercorn.

A scrape of 5000 consoles is half a million series, 30 MB. It is written in slices
between which the event loop goes on, and compressed in a thread: zlib lets go of the
interpreter's lock.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing

import trio
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from solrecd.metrics.family import Format
from solrecd.metrics.negotiation import format_for, takes_gzip
from solrecd.process.threads import Job, in_thread

GZIP_LEVEL = 1
"""A scrape shrinks by 20 even so; level 9 takes ten times as long."""

SLICE = 256 * 1024
"""Bytes after which the loop goes on, and that are sent at once: 1 to 3 ms of writing.
Smaller slices cost more turns of the loop than they win."""

PACKED_AT_ONCE = 4
"""Slices compressed by one visit to a thread."""

MAX_SCRAPES = 16
"""Under way at the same time: Prometheus servers, people, readers that are slow."""

MAX_SCRAPES_OF_ONE = 8
"""Of these, for one address: no client shuts the others out."""

COMPRESSORS = 2
"""Threads that compress, for all scrapes together."""

_PACK = Job("the compression of a scrape", "Prometheus asks again")
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_INDEX = '<title>solrecd</title><a href="/metrics">metrics</a>\n'

Scrape = Callable[[Format], Iterable[bytes]]
"""Starts a scrape; between two of its pieces the event loop goes on."""


def metrics_app(scrape: Scrape) -> Starlette:
    """Return the application: ``GET /metrics``, as the client would like to have it."""
    return Starlette(
        routes=[
            Route("/metrics", _Scrapes(scrape), methods=["GET"]),
            Route("/", HTMLResponse(_INDEX), methods=["GET"]),
        ],
    )


class _Scrapes:
    """Answers each request with a scrape of its own.

    Not Starlette's streaming response: that cancels its sender as soon as hypercorn
    reports the end, in the midst of hypercorn's closing the connection, and a client
    who reads until the end (HTTP/1.0, ``Connection: close``) never sees one.
    """

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape
        self._under_way = Counter[str]()
        self._compressors = trio.CapacityLimiter(COMPRESSORS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whose = (scope.get("client") or [""])[0]
        is_full = self._under_way.total() >= MAX_SCRAPES
        if is_full or self._under_way[whose] >= MAX_SCRAPES_OF_ONE:
            refusal = PlainTextResponse(
                "too many scrapes at the same time\n", 503, {"retry-after": "1"}
            )
            await refusal(scope, receive, send)
            return
        self._under_way[whose] += 1
        try:
            await self._answer(scope, send)
        finally:
            self._under_way -= Counter((whose,))

    async def _answer(self, scope: Scope, send: Send) -> None:
        request = Headers(scope=scope)
        form = format_for(", ".join(request.getlist("accept")))
        zips = takes_gzip(", ".join(request.getlist("accept-encoding")))
        headers = [
            (b"content-type", form.value.encode()),
            (b"vary", b"Accept, Accept-Encoding"),
        ]
        if zips:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] != "HEAD":
            body = self._zipped(form) if zips else self._plain(form)
            async with aclosing(body):
                async for piece in body:
                    await send(_more(piece))
        await send({"type": "http.response.body", "body": b""})

    async def _plain(self, form: Format) -> AsyncGenerator[bytes, None]:
        for chunks in _slices(self._scrape(form)):
            yield b"".join(chunks)
            await trio.lowlevel.checkpoint()

    async def _zipped(self, form: Format) -> AsyncGenerator[bytes, None]:
        compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        waiting: list[bytes] = []
        for number, chunks in enumerate(_slices(self._scrape(form)), 1):
            waiting += chunks
            await trio.lowlevel.checkpoint()
            if number % PACKED_AT_ONCE == 0:
                yield await self._pack(compressor.compress, waiting)
                waiting = []
        yield await self._pack(compressor.compress, waiting) + compressor.flush()

    async def _pack(
        self, compress: Callable[[bytes], bytes], chunks: Iterable[bytes]
    ) -> bytes:
        return await in_thread(
            _PACK, lambda: b"".join(map(compress, chunks)), limiter=self._compressors
        )


def _slices(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield chunks, `SLICE` bytes of them at once."""
    waiting: list[bytes] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= SLICE:
            yield waiting
            waiting, size = [], 0
    yield waiting


def _more(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}
