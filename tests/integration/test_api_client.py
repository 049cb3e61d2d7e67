"""The client: answers, refusals, and servers that are not solrecd."""

import grp
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from solrecd.api.client import ApiError, Client, UnreachableError
from solrecd.api.hints import hint_for


@contextmanager
def answering(path: Path, *answers: bytes) -> Iterator[list[bytes]]:
    """Serve a connection for each answer; note what was asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(5)

        def serve() -> None:
            for answer in answers:
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

    with (
        answering(path, answer),
        pytest.raises(UnreachableError, match="is not solrecd"),
    ):
        Client(str(path)).get("/v1/consoles")


def test_a_daemon_that_is_not_there_is_named_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"c\.sock.*systemctl status"):
        Client(str(tmp_path / "c.sock")).get("/v1/consoles")


def test_a_socket_without_a_server_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    with pytest.raises(UnreachableError, match="has stopped"):
        Client(str(path)).get("/v1/consoles")


def test_a_port_without_http_is_named_with_it() -> None:
    with pytest.raises(UnreachableError, match=r"-s https://127\.0\.0\.1:9622"):
        Client("127.0.0.1:9622").get("/v1/consoles")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(), "may ask: sudo"),
        (FileNotFoundError(), "is it running"),
        (TimeoutError(), "does not answer"),
        (OSError(), ""),
    ],
)
def test_every_way_not_to_reach_the_daemon_has_its_remedy(
    tmp_path: Path, error: OSError, words: str
) -> None:
    assert words in hint_for(error, str(tmp_path / "c.sock"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_who_may_not_ask_is_told_which_group_to_join(tmp_path: Path) -> None:
    group = next(each for each in grp.getgrall() if each.gr_name != "root")
    os.chown(tmp_path, -1, group.gr_gid)

    hint = hint_for(PermissionError(), str(tmp_path / "c.sock"))

    assert f"usermod -aG {group.gr_name}" in hint


def test_an_older_daemon_is_told_apart_from_a_console_that_is_not_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.sock"
    unknown = b'HTTP/1.1 404 \r\n\r\n{"error": "Not Found"}'

    with (
        answering(path, unknown, ok(b'{"version": "0.0.1"}')),
        pytest.raises(ApiError, match=r"version 0\.0\.1, this is") as caught,
    ):
        Client(str(path)).get("/v1/novelty")

    assert caught.value.status == 501


def test_a_stranger_that_knows_nothing_is_asked_no_further(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    unknown = b'HTTP/1.1 404 \r\n\r\n{"error": "Not Found"}'

    with answering(path, unknown, unknown), pytest.raises(ApiError, match="Not Found"):
        Client(str(path)).get("/v1/novelty")


@pytest.mark.parametrize(
    "url", ["ftp://host", "http://", "http://host:port", "https://host:x"]
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
