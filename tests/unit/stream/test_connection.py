"""What of a connection's bytes was recorded already, whenever its reader was killed."""

from __future__ import annotations

import fcntl
import os
import socket
import termios
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from solrecd.sources.stream.connection import (
    CHUNK,
    TcpConnection,
    UnixConnection,
    left_socket,
)
from solrecd.sources.stream.tcp.place import TcpOptions, TcpProtocol
from solrecd.sources.stream.tcp.telnet import TelnetConnection
from solrecd.sources.stream.way import Connection
from tests.support.streams import connected_pair

BEGIN = 70_000_000_000
"""Stream offset of the first byte: a console that was recorded for years."""


SocketOf = UnixConnection | TcpConnection | TelnetConnection


def connection(kind: str, ours: socket.socket) -> SocketOf:
    """Return what speaks on a socket."""
    if kind == "unix":
        return UnixConnection(ours, "there")
    if kind == "tcp":
        return TcpConnection(ours, "there", BEGIN)
    options = TcpOptions(host="there", port=1, protocol=TcpProtocol.TELNET)
    recorder: Any = None
    return TelnetConnection(ours, options, recorder)


@pytest.fixture(name="kind", params=["unix", "tcp", "telnet"])
def _kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(name="pair")
def _pair(kind: str) -> Iterator[tuple[SocketOf, socket.socket]]:
    ours, theirs = connected_pair(kind)
    with closing(ours), closing(theirs):
        yield connection(kind, ours), theirs


def test_looking_leaves_the_bytes_where_they_are(
    pair: tuple[SocketOf, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.send(b"one line\r\n")

    assert [ours.look(), ours.look()] == [b"one line\r\n"] * 2
    ours.take()
    with pytest.raises(BlockingIOError):
        ours.look()


@pytest.mark.parametrize("earlier", [b"", b"recorded and taken before " * 99])
@pytest.mark.parametrize(
    ("is_recorded", "taken", "repeated"),
    [(False, 0, 0), (True, 0, 9), (True, 4, 5), (True, 9, 0)],
    ids=["looked at", "recorded", "taken in part", "taken"],
)
def test_a_kill_at_any_point_repeats_nothing_and_skips_nothing(
    kind: str,
    pair: tuple[SocketOf, socket.socket],
    earlier: bytes,
    *,
    is_recorded: bool,
    taken: int,
    repeated: int,
) -> None:
    ours, theirs = pair
    offset = BEGIN
    if earlier:
        theirs.send(earlier)
        offset = record(ours, offset)
    theirs.send(b"the last ")
    data = ours.look()
    assert data is not None
    ours.recording(offset, len(data))
    offset += len(data) * is_recorded
    if taken:
        ours.socket.recv(taken)
    theirs.send(b"and what came later")

    after = connection(kind, ours.socket)
    before = waiting(after)
    after.resume(offset)

    assert before - waiting(after) == repeated
    assert after.look() == (b"the last " * (not is_recorded)) + b"and what came later"


def test_the_end_of_the_connection_is_no_byte(
    kind: str,
    pair: tuple[SocketOf, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.send(b"good bye\r\n")
    theirs.shutdown(socket.SHUT_WR)
    data = ours.look()
    assert data is not None
    ours.recording(BEGIN, len(data))

    after = connection(kind, ours.socket)
    after.resume(BEGIN + len(data))

    assert after.look() is None


def test_a_journal_that_tells_of_another_console_skips_nothing(
    pair: tuple[SocketOf, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.send(b"the last ")
    data = ours.look()
    assert data is not None
    ours.recording(BEGIN, len(data))

    ours.resume(BEGIN - 5)
    ours.resume(BEGIN + CHUNK + 1)

    assert ours.look() == data


@pytest.mark.parametrize("what", ["file", "datagrams", "not connected", "closed"])
def test_what_is_no_connected_stream_is_refused_and_closed(what: str) -> None:
    fd = left(what)

    with pytest.raises(OSError, match=r"[Nn]o[nt]|Bad"):
        left_socket({"0": fd})

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def left(what: str) -> int:
    """Return a descriptor that is not a connection."""
    if what == "file":
        return os.open("/dev/null", os.O_RDONLY)
    if what == "datagrams":
        one, other = socket.socketpair(type=socket.SOCK_DGRAM)
        other.close()
        return one.detach()
    fd = socket.socket(socket.AF_UNIX).detach()
    if what == "closed":
        os.close(fd)
    return fd


def record(ours: Connection, offset: int) -> int:
    """Record all that waits; return the stream offset behind it."""
    data = ours.look()
    assert data is not None
    ours.recording(offset, len(data))
    ours.take()
    return offset + len(data)


def waiting(ours: SocketOf) -> int:
    """Return how many bytes the kernel has for us."""
    answer = fcntl.ioctl(ours.socket, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, "little")
