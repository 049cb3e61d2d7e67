"""What of a connection's bytes was recorded already, whenever its reader was killed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from solrecd.sources.stream.connection import (
    CHUNK,
    Connection,
    as_connection,
    connection_of,
    take,
)
from tests.support.streams import connected_pair

BEGIN = 70_000_000_000
"""Stream offset of the first byte: a console that was recorded for years."""


@pytest.fixture(name="pair", params=["unix", "tcp"])
def _pair(request: pytest.FixtureRequest) -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = connected_pair(request.param)
    with closing(ours), closing(theirs):
        yield as_connection(ours, BEGIN), theirs


def test_looking_leaves_the_bytes_where_they_are(
    pair: tuple[Connection, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.send(b"one line\r\n")

    assert [ours.look(), ours.look()] == [b"one line\r\n"] * 2
    take(ours.socket, 10)
    with pytest.raises(BlockingIOError):
        ours.look()


@pytest.mark.parametrize("earlier", [b"", b"recorded and taken before " * 99])
@pytest.mark.parametrize(
    ("is_recorded", "taken", "repeated"),
    [(False, 0, 0), (True, 0, 9), (True, 4, 5), (True, 9, 0)],
    ids=["looked at", "recorded", "taken in part", "taken"],
)
def test_a_kill_at_any_point_repeats_nothing_and_skips_nothing(
    pair: tuple[Connection, socket.socket],
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
    ours.recording(offset, len(data))
    offset += len(data) * is_recorded
    take(ours.socket, taken)
    theirs.send(b"and what came later")

    after = as_connection(ours.socket, BEGIN)
    found = after.repeated(offset)
    take(after.socket, found)

    assert found == repeated
    assert after.look() == (b"the last " * (not is_recorded)) + b"and what came later"


def test_the_end_of_the_connection_is_no_byte(
    pair: tuple[Connection, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.send(b"good bye\r\n")
    theirs.shutdown(socket.SHUT_WR)
    data = ours.look()
    ours.recording(BEGIN, len(data))

    found = as_connection(ours.socket, BEGIN).repeated(BEGIN + len(data))

    assert found == len(data)
    take(ours.socket, found)
    assert ours.look() == b""


def test_a_journal_that_tells_of_another_console_skips_nothing(
    pair: tuple[Connection, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.send(b"the last ")
    ours.recording(BEGIN, len(ours.look()))

    assert ours.repeated(BEGIN - 5) == 0
    assert ours.repeated(BEGIN + CHUNK + 1) == 0


@pytest.mark.parametrize("what", ["file", "datagrams", "not connected", "closed"])
def test_what_is_no_connected_stream_is_refused_and_closed(what: str) -> None:
    fd = left(what)

    with pytest.raises(OSError, match=r"[Nn]o[nt]|Bad"):
        connection_of(fd, 0)

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def left(what: str) -> int:
    """Return a descriptor that is no connection."""
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
    ours.recording(offset, len(data))
    take(ours.socket, len(data))
    return offset + len(data)
