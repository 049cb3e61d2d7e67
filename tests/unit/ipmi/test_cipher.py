"""Sealed packets: what one end seals the other opens, and nothing else is opened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from solrecd.sources.ipmi.protocol.auth import Exchange, SessionKeys, derive_keys
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.packets import MalformedPacket, Rejection
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES

EXCHANGE = Exchange(1, 2, b"m" * 16, b"c" * 16, b"g" * 16, 0x14, b"ADMIN")
SECURE = pytest.mark.parametrize("suite", [3, 17])
EVERY = pytest.mark.parametrize("suite", list(CIPHER_SUITES))


def pair(suite: int, **more: Any) -> tuple[SessionCipher, SessionCipher]:
    """Return the two ends of a session."""
    keys = derive_keys(CIPHER_SUITES[suite], b"secret", EXCHANGE)
    console = SessionCipher(CIPHER_SUITES[suite], keys, 1, 2, b"i" * 16)
    bmc = SessionCipher(CIPHER_SUITES[suite], keys, 2, 1, b"j" * 16, **more)
    return console, bmc


@EVERY
@given(payloads=st.lists(st.binary(max_size=300), max_size=5))
def test_what_one_end_seals_the_other_opens(suite: int, payloads: list[bytes]) -> None:
    console, bmc = pair(suite)

    for payload in payloads:
        assert console.open(bmc.seal(1, payload)) == (1, payload)
        assert bmc.open(console.seal(0, payload)) == (0, payload)


@SECURE
def test_the_signed_part_is_a_multiple_of_four_bytes(suite: int) -> None:
    _, bmc = pair(suite)
    code = {3: 12, 17: 16}[suite]

    for size in range(40):
        assert (len(bmc.seal(1, bytes(size))) - 4 - code) % 4 == 0


@SECURE
def test_the_same_payload_never_looks_the_same(suite: int) -> None:
    _, bmc = pair(suite)

    ivs = {bmc.seal(1, b"same")[16:32] for _ in range(100)}

    assert len(ivs) == 100


@SECURE
def test_a_packet_for_another_session_is_refused(suite: int) -> None:
    console, bmc = pair(suite)
    bmc.peer_id = 99

    with pytest.raises(MalformedPacket) as caught:
        console.open(bmc.seal(1, b""))

    assert caught.value.cause is Rejection.SESSION_ID


@SECURE
def test_a_packet_under_another_key_is_forged(suite: int) -> None:
    console, bmc = pair(suite)
    keys = SessionKeys(bytes(32), bytes(32), bytes(32))
    stranger = SessionCipher(CIPHER_SUITES[suite], keys, 2, 1, bytes(16))

    with pytest.raises(MalformedPacket) as caught:
        console.open(stranger.seal(1, b"believe me"))

    assert caught.value.cause is Rejection.FORGED
    assert console.open(bmc.seal(1, b"")) == (1, b"")


@SECURE
@pytest.mark.parametrize("first", [1, 0x7FFF_FFFF, 0x8000_0001, 0xFFFF_FFFF])
def test_the_first_sequence_number_may_be_any(suite: int, first: int) -> None:
    console, bmc = pair(suite, sent=first - 1)

    assert console.open(bmc.seal(1, b"")) == (1, b"")


@SECURE
def test_sequence_numbers_wrap_and_skip_zero(suite: int) -> None:
    console, bmc = pair(suite, sent=0xFFFF_FFFD)

    packets = [bmc.seal(1, b"%d" % index) for index in range(4)]

    assert [console.open(packet)[1] for packet in packets] == [b"0", b"1", b"2", b"3"]
    assert bmc.sent == 2


@SECURE
def test_an_older_packet_is_refused(suite: int) -> None:
    console, bmc = pair(suite)
    first, second = bmc.seal(1, b"1"), bmc.seal(1, b"2")
    console.open(second)

    for packet in (first, second):
        with pytest.raises(MalformedPacket) as caught:
            console.open(packet)
        assert caught.value.cause is Rejection.REPLAYED


@SECURE
def test_clear_packets_are_accepted_for_agreed_types_only(suite: int) -> None:
    console, bmc = pair(suite)
    console.clear_types = bmc.clear_types = frozenset((1,))

    assert console.open(bmc.seal(1, b"clear")) == (1, b"clear")
    assert b"clear" in bmc.seal(1, b"clear")
    bmc.clear_types = frozenset((0, 1))
    with pytest.raises(MalformedPacket) as caught:
        console.open(bmc.seal(0, b"clear"))
    assert caught.value.cause is Rejection.UNAUTHENTICATED


def test_the_icts_quirk_pads_without_the_last_two_bytes() -> None:
    console, bmc = pair(3)
    odd = replace(bmc, short_pad=True)

    packet = odd.seal(1, b"x")

    assert len(packet) - 4 - 12 - 2 == (len(packet) - 18) // 4 * 4
    assert console.open(packet) == (1, b"x")


def test_keys_do_not_show_in_what_is_printed() -> None:
    console, _ = pair(3)

    assert console.keys.k1.hex() not in repr(console)
    assert str(console.keys.k1) not in repr(console)
    assert "SessionKeys(...)" in repr(console)
