"""Hostile bytes: decoders raise one exception only, and a session shrugs them off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.sources.ipmi.protocol.auth import SessionKeys
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.events import SolData
from solrecd.sources.ipmi.protocol.handshake import (
    decode_open_session_request,
    decode_open_session_response,
    decode_rakp1,
    decode_rakp2,
    decode_rakp3,
    decode_rakp4,
)
from solrecd.sources.ipmi.protocol.messages import decode_request, decode_response
from solrecd.sources.ipmi.protocol.packets import (
    RMCP_PLUS,
    MalformedPacket,
    Rejection,
    decode_envelope,
    decode_legacy,
    decode_sol,
    encode_legacy,
    encode_plain,
)
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES
from tests.support.joined import SESSION_ID, Joined

DECODERS: list[Callable[[bytes], object]] = [
    decode_envelope,
    decode_legacy,
    decode_open_session_request,
    decode_open_session_response,
    decode_rakp1,
    decode_rakp2,
    decode_rakp3,
    decode_rakp4,
    decode_request,
    decode_response,
    decode_sol,
]

datagrams = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(RMCP_PLUS.__add__),
    st.builds(
        encode_plain,
        st.integers(0, 255),
        st.binary(max_size=100),
        st.sampled_from([0, SESSION_ID]),
        st.integers(0, 2**32 - 1),
    ),
    st.binary(max_size=60).map(encode_legacy),
)


@pytest.mark.parametrize("decode", DECODERS)
@given(data=st.one_of(st.binary(max_size=120), datagrams))
def test_a_decoder_raises_malformed_packet_or_nothing(
    decode: Callable[[bytes], object], data: bytes
) -> None:
    with contextlib.suppress(MalformedPacket):
        decode(data)


@pytest.mark.parametrize("suite", list(CIPHER_SUITES))
@given(data=datagrams)
def test_a_cipher_raises_malformed_packet_or_nothing(suite: int, data: bytes) -> None:
    keys = SessionKeys(bytes(20), bytes(20), bytes(20))
    cipher = SessionCipher(CIPHER_SUITES[suite], keys, SESSION_ID, 2, bytes(16))

    with contextlib.suppress(MalformedPacket):
        cipher.open(data)


@given(noise=st.lists(datagrams, max_size=5))
@settings(max_examples=50)
def test_a_login_survives_noise_at_every_step(noise: list[bytes]) -> None:
    joined = Joined(cipher_suites=(3,))
    joined.session.open(joined.now)

    while sent := joined.session.datagrams():
        for reply in joined.bmc.receive(sent):
            joined.feed(*noise)
            joined.feed(reply)

    assert joined.session.receive(b"", joined.now) is not None


@given(noise=st.lists(datagrams, max_size=20))
@settings(max_examples=50)
def test_an_established_session_is_unaffected_by_foreign_datagrams(
    noise: list[bytes],
) -> None:
    joined = Joined().log_in().activate()
    events = len(joined.events)

    joined.feed(*noise)

    assert len(joined.events) == events
    assert joined.session.datagrams() == []
    joined.print(1, b"still here")
    assert joined.output == b"still here"


@given(bit=st.integers(0, 8 * 96 - 1))
@settings(max_examples=100)
def test_no_flipped_bit_of_a_signed_packet_is_believed(bit: int) -> None:
    joined = Joined().log_in().activate()
    packet = bytearray(joined.bmc.send_sol(1, b"x" * 30))
    bit %= 8 * len(packet)
    packet[bit // 8] ^= 1 << bit % 8

    assert joined.feed(bytes(packet)) == []

    # The RMCP header is not signed, but it must be right all the same.
    assert joined.acks() == []
    joined.print(2, b"the real one")
    assert joined.output == b"the real one"


@pytest.mark.parametrize("suite", [3, 17])
def test_no_truncated_packet_is_believed(suite: int) -> None:
    joined = Joined(cipher_suites=(suite,)).log_in().activate()
    packet = joined.bmc.send_sol(1, b"x" * 30)

    for size in range(len(packet)):
        assert joined.feed(packet[:size]) == []

    assert joined.feed(packet) == [SolData(b"x" * 30)]


def test_a_replayed_packet_is_not_believed() -> None:
    joined = Joined().log_in().activate()
    packet = joined.bmc.send_sol(1, b"once")
    joined.feed(packet)

    assert joined.feed(packet) == []

    assert joined.session.statistics.rejected[Rejection.REPLAYED] == 1


def test_an_original_after_its_retransmission_is_not_believed() -> None:
    joined = Joined().log_in().activate()
    original = joined.bmc.send_sol(1, b"hello")
    joined.print(1, b"hello")
    joined.print(2, b" world")

    joined.feed(original)

    assert joined.output == b"hello world"


def test_a_signed_packet_in_clear_text_is_not_believed() -> None:
    joined = Joined().log_in().activate()
    assert joined.bmc.cipher is not None
    joined.bmc.cipher.clear_types = frozenset((PayloadType.SOL,))

    assert joined.feed(joined.bmc.send_sol(1, b"in the clear")) == []

    assert joined.session.statistics.rejected[Rejection.UNAUTHENTICATED] == 1


def test_an_ipmi_15_packet_does_not_blind_a_session() -> None:
    joined = Joined().log_in().activate()

    joined.feed(encode_legacy(bytes(20)))

    joined.print(1, b"still here")
    assert joined.output == b"still here"


def test_a_torn_ciphertext_block_does_not_shift_what_follows() -> None:
    joined = Joined().log_in().activate()
    cipher = joined.bmc.cipher
    assert cipher is not None
    whole, cipher._encrypt = cipher._encrypt, None
    torn = cipher.seal(PayloadType.SOL, bytes(37))
    cipher._encrypt = whole

    assert joined.feed(torn) == []

    joined.print(1, b"still here")
    assert joined.output == b"still here"


def test_an_unknown_payload_type_is_counted_and_ignored() -> None:
    joined = Joined().log_in().activate()

    joined.feed(joined.bmc.seal(PayloadType.OEM, b"what?"))

    assert joined.session.statistics.rejected[Rejection.UNEXPECTED] == 1


def test_sol_bytes_under_the_type_of_a_message_are_no_output() -> None:
    joined = Joined().log_in().activate()

    joined.feed(joined.bmc.seal(PayloadType.IPMI, b"\x01\x00\x00\x00hello"))

    assert joined.output == b""
