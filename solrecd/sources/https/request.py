"""One HTTP request over a connection of its own (h11 knows the protocol)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import h11
import trio

from solrecd.sources.https.server import Header

READ: Final = 16 * 1024
"""Bytes read from the stream at once: TLS has no larger records."""

_LONGEST_ANSWER: Final = 64 * 1024
"""Bytes; what comes after them is not read."""


class ClosedError(Exception):
    """The connection has ended; the message says what the other end said.

    Args:
        why: one line.
        was_clean: the other end said goodbye.
    """

    def __init__(self, why: str, *, was_clean: bool = False) -> None:
        super().__init__(why)
        self.was_clean = was_clean


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Sequence[Header]
    """Names in lower case."""
    body: bytes


async def exchange(
    stream: trio.abc.Stream, request: h11.Request, body: bytes = b""
) -> Answer:
    """Send a request, and return the answer; the stream stays the caller's to close.

    Raises:
        ClosedError: there is none, or it makes no sense.
    """
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ)
    sent = (request, h11.Data(data=body), h11.EndOfMessage())
    try:
        await stream.send_all(b"".join(protocol.send(part) or b"" for part in sent))
        return await _answer(stream, protocol)
    except trio.BrokenResourceError:
        raise ClosedError("the connection broke") from None
    except h11.RemoteProtocolError as error:
        raise ClosedError(f"it does not speak HTTP: {error}") from None


async def _answer(stream: trio.abc.Stream, protocol: h11.Connection) -> Answer:
    response: h11.Response | None = None
    body = bytearray()
    while True:
        event = protocol.next_event()
        match event:
            case h11.NEED_DATA:
                protocol.receive_data(bytes(await stream.receive_some(READ)))
            case h11.Response():
                response = event
            case h11.Data(data=data):
                body += data
            case _:
                pass
        is_over = isinstance(event, h11.EndOfMessage | h11.ConnectionClosed)
        if response is not None and (is_over or len(body) > _LONGEST_ANSWER):
            return Answer(response.status_code, list(response.headers), bytes(body))
        if is_over:
            raise ClosedError("it closed the connection")
