"""The scrape over HTTP: a small ASGI application for hypercorn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

import trio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from solrecd.metrics.exposition import CONTENT_TYPE

GZIP_LEVEL = 1
"""A scrape shrinks by 20 even so; level 9 takes ten times as long."""

_INDEX = '<title>solrecd</title><a href="/metrics">metrics</a>\n'


def metrics_app(chunks: Callable[[], Iterable[bytes]]) -> Starlette:
    """Return the application: ``GET /metrics``, gzip when the client asks for it.

    Args:
        chunks: starts a scrape; between two of its pieces the event loop goes on, so
            that a scrape of a large fleet delays no ACK.
    """

    async def scrape(_request: Request) -> Response:
        return StreamingResponse(_unhurried(chunks()), media_type=CONTENT_TYPE)

    async def index(_request: Request) -> Response:
        return HTMLResponse(_INDEX)

    return Starlette(
        routes=[Route("/metrics", scrape), Route("/", index)],
        middleware=[Middleware(GZipMiddleware, compresslevel=GZIP_LEVEL)],
    )


async def _unhurried(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await trio.lowlevel.checkpoint()
        yield chunk
