"""Telnet as bytes: read in any pieces, never wrong, never stuck."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.sources.stream.tcp.codec import (
    LONGEST_SUBNEGOTIATION,
    Command,
    Negotiation,
    Option,
    Subnegotiation,
    Verb,
    decode,
    encode,
    negotiation,
    subnegotiation,
)

telnet_like = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                b"\r",
                b"\n",
                b"\0",
                b"\xff",
                b"\xff\xff",
                b"\xff\xfa",
                b"\xff\xf0",
                b"\xff\xf1",
                b"\xff\xfb\x00",
                b"\xff\xfc\x00",
                b"\xff\xfd\x01",
                b"\xff\xfa\x2c\x65\x00\xff\xff\x00\xff\xf0",
            ]
        ),
    ),
    max_size=30,
).map(b"".join)


def read(pieces: list[bytes], *, binary: bool) -> tuple[bytes, list[Command], bytes]:
    """Return console bytes and commands of pieces as they come, and what is left."""
    data, commands, left = b"", list[Command](), b""
    for piece in pieces:
        left += piece
        while left:
            found = decode(left, binary=binary)
            data += found.data
            commands += found.commands
            left = left[found.used :]
            if not found.used:
                break
    return data, commands, left


@given(telnet_like, st.lists(st.integers(1, 7)), st.booleans())
def test_pieces_change_nothing(
    raw: bytes,
    sizes: list[int],
    binary: bool,  # noqa: FBT001
) -> None:
    pieces, rest = [], raw
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]

    whole = read([raw], binary=binary)

    assert read([*pieces, rest], binary=binary) == whole


@given(st.binary(max_size=400), st.booleans())
def test_what_is_sent_is_what_is_read(data: bytes, binary: bool) -> None:  # noqa: FBT001
    raw = encode(data, binary=binary)

    found, commands, left = read([raw], binary=binary)

    assert (found + left, commands) == (data, [])
    assert left in {b"", b"\r"}


@given(telnet_like, st.booleans())
def test_what_is_left_is_short_and_whatever_follows_is_read(
    raw: bytes,
    binary: bool,  # noqa: FBT001
) -> None:
    _, _, left = read([raw], binary=binary)
    _, _, after = read([left, b"\xff\xf0" * LONGEST_SUBNEGOTIATION], binary=binary)

    assert len(left) <= LONGEST_SUBNEGOTIATION + 2
    assert len(after) <= 1


@pytest.mark.parametrize(
    ("raw", "data", "left"),
    [
        (b"line\r\n", b"line\r\n", b""),
        (b"50%\r\x0060%\r\0", b"50%\r60%\r", b""),
        (b"50%\r60%", b"50%\r60%", b""),
        (b"login: \r", b"login: ", b"\r"),
        (b"a\xff\xffb", b"a\xffb", b""),
        (b"a\xff\xf1b\xff\xf9c\xff\xefd", b"abcd", b""),
        (b"a\xff", b"a", b"\xff"),
        (b"a\xff\xfd", b"a", b"\xff\xfd"),
        (b"a\xff\xfa\x2c\xff", b"a", b"\xff\xfa\x2c\xff"),
        (b"no telnet: \xff\x41.", b"no telnet: \xff\x41.", b""),
        (b"\xff\xfa" + bytes(600), b"\xff\xfa" + bytes(600), b""),
    ],
)
def test_bytes_that_mean_something(raw: bytes, data: bytes, left: bytes) -> None:
    assert read([raw], binary=False) == (data, [], left)


def test_in_binary_mode_a_carriage_return_is_a_byte() -> None:
    assert read([b"a\r\0b\r"], binary=True) == (b"a\r\0b\r", [], b"")
    assert encode(b"ls\r", binary=True) == b"ls\r"
    assert encode(b"ls\r", binary=False) == b"ls\r\0"
    assert encode(b"ls\r\n", binary=False) == b"ls\r\n"


def test_reading_stops_where_the_mode_changes() -> None:
    raw = negotiation(Verb.WILL, Option.BINARY) + b"a\r\0"

    found = decode(raw, binary=False)

    assert (found.data, found.used) == (b"", 3)
    assert found.commands == (Negotiation(Verb.WILL, 0),)


def test_data_of_an_option_may_have_any_byte() -> None:
    raw = subnegotiation(Option.COM_PORT, b"\x01\xff\x00")

    assert raw == b"\xff\xfa\x2c\x01\xff\xff\x00\xff\xf0"
    assert read([raw], binary=False)[1] == [Subnegotiation(44, b"\x01\xff\x00")]
