"""WebSockets over a stream that is cut anywhere."""

from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    RejectConnection,
)

from solrecd.sources.https.request import ClosedError
from solrecd.sources.openbmc.websocket import (
    RefusedError,
    WebSocket,
    opened,
)


class Server:
    """The other end of a stream, which speaks by hand."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.protocol = WSConnection(ConnectionType.SERVER)

    async def events(self) -> list[object]:
        """Wait for what the client sends."""
        self.protocol.receive_data(bytes(await self.stream.receive_some()))
        return list(self.protocol.events())

    def says(self, *events: object) -> bytes:
        """Return events as bytes."""
        return b"".join(self.protocol.send(event) for event in events)  # type: ignore[arg-type]


@pytest.fixture(name="pair")
def _pair() -> tuple[trio.abc.Stream, Server]:
    ours, theirs = memory_stream_pair()
    return ours, Server(theirs)


async def ask(stream: trio.abc.Stream) -> WebSocket:
    """Ask for a WebSocket."""
    return await opened(stream, "bmc", "/console0", [(b"X-Test", b"1")], ["token"])


async def answer(server: Server, said: bytes | None = None, *more: object) -> None:
    """Accept, and say more in the same breath, byte by byte."""
    await server.events()
    if said is None:
        said = server.says(AcceptConnection(subprotocol="token"), *more)
    for at in range(len(said)):
        await server.stream.send_all(said[at : at + 1])


@pytest.fixture(name="opened_pair")
async def _opened_pair(
    pair: tuple[trio.abc.Stream, Server],
) -> tuple[WebSocket, Server]:
    stream, server = pair
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer, server)
        console = await ask(stream)
    return console, server


async def test_what_comes_with_the_acceptance_is_not_lost(
    pair: tuple[trio.abc.Stream, Server],
) -> None:
    stream, server = pair

    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            answer, server, None, BytesMessage(data=b"first"), BytesMessage(data=b"!")
        )
        console = await ask(stream)
        got = b""
        while len(got) < 6:
            got += await console.receive()

    assert got == b"first!"


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", RefusedError, "403"),
        (b"SSH-2.0-dropbear\r\n\r\n", ClosedError, "does not speak WebSocket"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", RefusedError, "200"),
    ],
)
async def test_an_answer_that_is_no_console_is_told(
    pair: tuple[trio.abc.Stream, Server],
    said: bytes,
    error: type[Exception],
    message: str,
) -> None:
    stream, server = pair

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer, server, said)
        with pytest.raises(error, match=message):
            await ask(stream)


async def test_a_server_that_hangs_up_during_the_handshake_is_told(
    pair: tuple[trio.abc.Stream, Server],
) -> None:
    stream, server = pair
    await server.stream.aclose()

    with pytest.raises(ClosedError, match=r"broke|closed the connection"):
        await ask(stream)


async def test_bytes_before_a_goodbye_are_returned_before_it_is_told(
    opened_pair: tuple[WebSocket, Server],
) -> None:
    console, server = opened_pair
    goodbye = CloseConnection(code=1000, reason="Error in reading to host port")
    await server.stream.send_all(server.says(BytesMessage(data=b"last"), goodbye))

    assert await console.receive() == b"last"
    with pytest.raises(ClosedError, match="host port") as caught:
        await console.receive()

    assert caught.value.was_clean


async def test_a_stream_that_ends_without_a_goodbye_is_told_as_such(
    opened_pair: tuple[WebSocket, Server],
) -> None:
    console, server = opened_pair
    await server.stream.aclose()

    with pytest.raises(ClosedError) as caught:
        await console.receive()

    assert not caught.value.was_clean


async def test_a_ping_is_answered_and_an_answer_to_ours_is_a_sign_of_life(
    opened_pair: tuple[WebSocket, Server],
    autojump_clock: trio.testing.MockClock,
) -> None:
    console, server = opened_pair
    await trio.sleep(60)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(console.receive)
        await server.stream.send_all(server.says(Ping(payload=b"a")))
        answers = await server.events()
        await console.ping()
        (asked,) = await server.events()
        assert isinstance(asked, Ping)
        await trio.sleep(5)
        await server.stream.send_all(server.says(asked.response()))
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    assert [type(one) for one in answers] == [Pong]
    assert console.heard == trio.current_time()


async def test_what_is_typed_is_one_message(
    opened_pair: tuple[WebSocket, Server],
) -> None:
    console, server = opened_pair

    await console.send(b"ls\r")
    (message,) = await server.events()

    assert isinstance(message, Message)
    assert message.data == b"ls\r"


async def test_a_rejection_with_a_body_is_a_refusal(
    pair: tuple[trio.abc.Stream, Server],
) -> None:
    stream, server = pair

    async def reject() -> None:
        await server.events()
        await server.stream.send_all(server.says(RejectConnection(status_code=503)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reject)
        with pytest.raises(RefusedError) as caught:
            await ask(stream)

    assert caught.value.status == 503
