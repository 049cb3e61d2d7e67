"""What was read from a terminal, whenever its reader was stopped or killed."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import time
from collections.abc import Iterator

import pytest

from solrecd.sources.stream.connection import CHUNK
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.terminal import TerminalConnection, left_terminal

OFFSET = 70_000_000_000


@pytest.fixture(name="pair")
def _pair() -> Iterator[tuple[TerminalConnection, int]]:
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    connection = TerminalConnection(ours, HeldBytes())
    yield connection, theirs
    connection.leave()
    os.close(theirs)


def write(theirs: int, ours: TerminalConnection, data: bytes) -> None:
    """Write, and wait until the kernel has carried it over."""
    os.write(theirs, data)
    while int.from_bytes(fcntl.ioctl(ours.fd, termios.FIONREAD, bytes(4)), "little") < (
        len(data)
    ):
        time.sleep(0.001)


def successor(connection: TerminalConnection) -> TerminalConnection:
    """Return what the next process makes of what was stored."""
    left = {name: os.dup(fd) for name, fd in connection.descriptors.items()}
    return TerminalConnection(*left_terminal(left))


@pytest.mark.parametrize(
    ("done", "seen"),
    [
        ([], b"the last "),
        (["looked"], b"the last "),
        (["looked", "recording"], b"the last "),
        (["looked", "recording", "recorded"], None),
        (["looked", "recording", "recorded", "taken"], None),
    ],
    ids=lambda value: value[-1] if value and isinstance(value, list) else "",
)
@pytest.mark.parametrize("earlier", [b"", b"the first"])
def test_a_kill_at_any_point_repeats_nothing_and_skips_nothing(
    pair: tuple[TerminalConnection, int],
    earlier: bytes,
    done: list[str],
    seen: bytes | None,
) -> None:
    ours, theirs = pair
    offset = OFFSET
    if earlier:
        write(theirs, ours, earlier)
        ours.look()
        ours.recording(offset, len(earlier))
        offset += len(earlier)
        ours.take()
    write(theirs, ours, b"the last ")
    if "looked" in done:
        assert ours.look() == b"the last "
    if "recording" in done:
        ours.recording(offset, 9)
    if "recorded" in done:
        offset += 9
    if "taken" in done:
        ours.take()

    after = successor(ours)
    after.resume(offset)

    if seen is None:
        with pytest.raises(BlockingIOError):
            after.look()
    else:
        assert after.look() == seen
    after.leave()


def test_what_is_refused_is_looked_at_again(
    pair: tuple[TerminalConnection, int],
) -> None:
    ours, theirs = pair
    write(theirs, ours, b"one ")
    first = ours.look()
    write(theirs, ours, b"two ")

    assert (first, ours.look()) == (b"one ", b"one ")
    ours.take()
    assert ours.look() == b"two "


@pytest.mark.parametrize("read", [b"", b"one ", b"one line\r\n"])
def test_a_kill_while_bytes_are_read_loses_none(
    pair: tuple[TerminalConnection, int], read: bytes
) -> None:
    ours, _ = pair
    memory = os.dup(ours.descriptors["h"])
    os.pwrite(memory, struct.pack("<qq", -2, 10) + read.ljust(10, b"\xfe"), 0)

    held = HeldBytes(memory)
    held.resume(0)

    assert bytes(held) == read
    held.close()


def test_no_more_than_a_chunk_is_held() -> None:
    read, write = os.pipe()
    os.write(write, bytes(2 * CHUNK))
    held = HeldBytes()

    assert held.read(read) == len(held) == CHUNK
    held.close()
    os.close(read)
    os.close(write)


def test_what_is_no_terminal_is_refused_and_closed() -> None:
    null, memory = os.open("/dev/null", os.O_RDONLY), os.memfd_create("other")

    with pytest.raises(OSError, match="no terminal"):
        left_terminal({"t": null, "h": memory})

    for fd in (null, memory):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_memory_of_another_size_is_refused() -> None:
    ours, theirs = os.openpty()

    with pytest.raises(OSError, match="no memory of ours"):
        left_terminal({"t": ours, "h": os.memfd_create("other")})

    os.close(theirs)
