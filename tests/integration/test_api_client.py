"""The client: answers, refusals, and everything that is no solrecd."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from solrecd.api.client import ApiError, Client, UnreachableError


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """Serve one connection: note what was asked, give a fixed answer."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        thread.join(5)


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 \r\ncontent-type: application/json\r\n\r\n" + body


def test_an_answer_is_an_object(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"

    with answering(path, ok(b'{"a": 1}')) as asked:
        answer = Client(str(path)).get("/v1/consoles", names="a,b", odd="å &")

    assert answer == {"a": 1}
    assert asked[0].startswith(b"GET /v1/consoles?names=a,b&odd=%C3%A5%20%26 HTTP/1.0")


def test_something_done_is_posted(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"

    with answering(path, ok(b"{}")) as asked:
        Client(str(path)).post("/v1/reload")

    assert asked[0].startswith(b"POST /v1/reload HTTP/1.0")


def test_a_stream_gives_object_by_object(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"

    with answering(path, ok(b'{"n": 1}\n{"n": 2}\n')):
        assert list(Client(str(path)).stream("/v1/tail")) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b'HTTP/1.1 404 \r\n\r\n{"error": "there is no console"}', "no console"),
        (b"HTTP/1.1 500 \r\n\r\nInternal Server Error", "status 500"),
        (b"HTTP/1.1 500 \r\n\r\n[]", "status 500"),
    ],
)
def test_a_refusal_is_told_in_one_line(
    tmp_path: Path, answer: bytes, message: str
) -> None:
    path = tmp_path / "c.sock"

    with answering(path, answer), pytest.raises(ApiError, match=message):
        Client(str(path)).get("/v1/consoles/x")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 \r\n" + b"a: b\r\n" * 200,
        ok(b"<html>"),
    ],
)
def test_a_stranger_is_not_mistaken_for_a_solrecd(
    tmp_path: Path, answer: bytes
) -> None:
    path = tmp_path / "c.sock"

    with answering(path, answer), pytest.raises(UnreachableError, match="no solrecd"):
        Client(str(path)).get("/v1/consoles")


def test_a_daemon_that_is_not_there_is_named_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"c\.sock.*systemctl status"):
        Client(str(tmp_path / "c.sock")).get("/v1/consoles")


def test_a_socket_that_nobody_serves_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    with pytest.raises(UnreachableError, match="has stopped"):
        Client(str(path)).get("/v1/consoles")


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "http://host:port", "https://host:1"]
)
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UnreachableError, match="allowed are"):
        Client(url).get("/v1/consoles")


def test_a_url_is_asked_over_tcp() -> None:
    with socket.socket() as listening:
        listening.settimeout(5)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(ok(b"[]"))

        thread = threading.Thread(target=serve)
        thread.start()

        assert Client(f"http://127.0.0.1:{port}").get("/v1/consoles") == []
        thread.join(5)
