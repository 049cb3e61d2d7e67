"""The scrape over HTTP: a small ASGI application for hypercorn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from solrecd.metrics.exposition import CONTENT_TYPE

GZIP_LEVEL = 1
"""A scrape shrinks by 20 even so; level 9 takes ten times as long."""

_CONTENT_TYPE = (b"content-type", CONTENT_TYPE.encode())
_INDEX = '<title>solrecd</title><a href="/metrics">metrics</a>\n'


def metrics_app(chunks: Callable[[], Iterable[bytes]]) -> Starlette:
    """Return the application: ``GET /metrics``, gzip when the client asks for it.

    Args:
        chunks: starts a scrape; between two of its pieces the event loop goes on, so
            that a scrape of a large fleet delays no ACK.
    """
    return Starlette(
        routes=[
            Route("/metrics", _Scrape(chunks), methods=["GET"]),
            Route("/", HTMLResponse(_INDEX), methods=["GET"]),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=GZIP_LEVEL)],
    )


class _Scrape:
    """Answers each request with a scrape of its own.

    Not Starlette's streaming response: that cancels its sender as soon as hypercorn
    tells of the end, in the midst of hypercorn's closing the connection, and a client
    who reads until the end (HTTP/1.0, ``Connection: close``) never sees one.
    """

    def __init__(self, chunks: Callable[[], Iterable[bytes]]) -> None:
        self._chunks = chunks

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [_CONTENT_TYPE]}
        )
        for chunk in self._chunks():
            await trio.lowlevel.checkpoint()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
