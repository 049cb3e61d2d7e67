"""An HTTP server on loopback that remembers what comes, and misbehaves to order."""

from __future__ import annotations

import enum
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11
import trio


class Mood(enum.Enum):
    """What a server does with a request, apart from answering with a status."""

    HANG = enum.auto()
    """Read it and say nothing."""
    RESET = enum.auto()
    """Read it and close."""
    GARBAGE = enum.auto()
    """Answer with something that is not HTTP."""
    ENDLESS = enum.auto()
    """Answer with a body that never ends."""


@dataclass(frozen=True)
class Request:
    """One that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """The server."""

    answers: list[int | Mood] = field(default_factory=list)
    """What to do with the next requests; the last holds for all that follow."""
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    came: trio.Event = field(default_factory=trio.Event)

    async def wait_for(self, count: int) -> list[Request]:
        """Wait until so many requests came; return all of them."""
        with trio.fail_after(30):
            while len(self.requests) < count:
                await self.came.wait()
        return self.requests

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection."""
        connection = h11.Connection(h11.SERVER)
        async with stream:
            try:
                while await self._serve_one(stream, connection):
                    connection.start_next_cycle()
            except (trio.BrokenResourceError, h11.ProtocolError):
                return

    async def _serve_one(
        self, stream: trio.SocketStream, connection: h11.Connection
    ) -> bool:
        head: h11.Request | None = None
        body = b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        assert head is not None
        headers = {k.decode(): v.decode() for k, v in head.headers}
        self.requests.append(Request(head.target.decode(), headers, body))
        self.came.set()
        self.came = trio.Event()
        answer = self.answers[0] if self.answers else 200
        if len(self.answers) > 1:
            self.answers.pop(0)
        return await self._answer(stream, connection, answer)

    async def _answer(
        self, stream: trio.SocketStream, connection: h11.Connection, answer: int | Mood
    ) -> bool:
        match answer:
            case Mood.HANG:
                await trio.sleep_forever()
            case Mood.RESET:
                return False
            case Mood.GARBAGE:
                await stream.send_all(b"220 smtp.example.net ESMTP\r\n" * 3)
                return False
            case Mood.ENDLESS:
                await self._send_head(stream, connection, 200)
                while True:
                    await stream.send_all(connection.send(h11.Data(b"x" * 1000)) or b"")
            case int():
                await self._send_head(stream, connection, answer)
                said = connection.send(h11.Data(f"status {answer}".encode())) or b""
                said += connection.send(h11.EndOfMessage()) or b""
                await stream.send_all(said)
        return True

    async def _send_head(
        self, stream: trio.SocketStream, connection: h11.Connection, status: int
    ) -> None:
        headers = [("transfer-encoding", "chunked"), ("location", self.url + "/other")]
        head = h11.Response(status_code=status, headers=headers)
        await stream.send_all(connection.send(head) or b"")


@asynccontextmanager
async def http_receiver(*answers: int | Mood) -> AsyncIterator[Receiver]:
    """Serve on a port of loopback until left."""
    receiver = Receiver(list(answers))
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        receiver.url = f"http://127.0.0.1:{port}"
        await nursery.start(trio.serve_listeners, receiver.serve, listeners)
        yield receiver
        nursery.cancel_scope.cancel()
