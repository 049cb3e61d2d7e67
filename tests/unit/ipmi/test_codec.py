"""Every message of the wire both ways: bytes that are known, and what they mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from solrecd.sources.ipmi.protocol.handshake import (
    Algorithms,
    OpenSessionRequest,
    OpenSessionResponse,
    Rakp1,
    Rakp2,
    Rakp3,
    Rakp4,
    decode_open_session_request,
    decode_open_session_response,
    decode_rakp1,
    decode_rakp2,
    decode_rakp3,
    decode_rakp4,
    describe_status,
    encode_open_session_request,
    encode_open_session_response,
    encode_rakp1,
    encode_rakp2,
    encode_rakp3,
    encode_rakp4,
)
from solrecd.sources.ipmi.protocol.messages import (
    Request,
    Response,
    answer,
    checksum,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from solrecd.sources.ipmi.protocol.packets import (
    Envelope,
    MalformedPacket,
    Rejection,
    SolPacket,
    decode_envelope,
    decode_legacy,
    decode_sol,
    encode_legacy,
    encode_plain,
    encode_sol,
)

SUITE_3 = Algorithms(1, 1, 1)
SUITE_17 = Algorithms(3, 4, 1)
R16, G16 = bytes(range(16)), bytes(range(16, 32))

Codec = tuple[Callable[..., bytes], Callable[[bytes], object], object, str]
CODECS: list[Codec] = [
    (
        encode_open_session_request,
        decode_open_session_request,
        OpenSessionRequest(7, 4, 0xA0A2A3A4, SUITE_3),
        "07040000 a4a3a2a0 00000008 01000000 01000008 01000000 02000008 01000000",
    ),
    (
        encode_open_session_response,
        decode_open_session_response,
        OpenSessionResponse(7, 0, 4, 0xA0A2A3A4, 0x01020304, SUITE_17),
        "07000400a4a3a2a004030201 00000008 03000000 01000008 04000000 0200000801000000",
    ),
    (
        encode_open_session_response,
        decode_open_session_response,
        OpenSessionResponse(7, 0x11, 0, 0xA0A2A3A4),
        "07110000 a4a3a2a0",
    ),
    (
        encode_rakp1,
        decode_rakp1,
        Rakp1(8, 0x01020304, R16, 0x14, b"ADMIN"),
        f"08000000 04030201 {R16.hex()} 14000005 41444d494e",
    ),
    (
        encode_rakp2,
        decode_rakp2,
        Rakp2(8, 0, 0xA0A2A3A4, R16, G16, b"\xaa" * 20),
        f"08000000 a4a3a2a0 {R16.hex()} {G16.hex()} {'aa' * 20}",
    ),
    (
        encode_rakp2,
        decode_rakp2,
        Rakp2(8, 0x0D, 0xA0A2A3A4),
        "080d0000 a4a3a2a0",
    ),
    (
        encode_rakp3,
        decode_rakp3,
        Rakp3(8, 0, 0x01020304, b"\xbb" * 20),
        f"08000000 04030201 {'bb' * 20}",
    ),
    (encode_rakp3, decode_rakp3, Rakp3(8, 0x0F, 0x01020304), "080f0000 04030201"),
    (
        encode_rakp4,
        decode_rakp4,
        Rakp4(8, 0, 0xA0A2A3A4, b"\xcc" * 12),
        f"08000000 a4a3a2a0 {'cc' * 12}",
    ),
    (
        encode_request,
        decode_request,
        Request(6, 0x3B, b"\x04", 1),
        "2018c8 81043b04 3c",
    ),
    (
        encode_response,
        decode_response,
        Response(7, 0x3B, 0, b"\x04", 1),
        "811c63 20043b00 049d",
    ),
    (
        encode_sol,
        decode_sol,
        SolPacket(15, 3, 200, 0x40, b"login: "),
        "0f03c840 6c6f67696e3a20",
    ),
    (
        encode_legacy,
        decode_legacy,
        bytes(9),
        f"0600ff07 {'00' * 9} 09 {'00' * 9}",
    ),
]
NAMES = [f"{encode.__name__}-{index}" for index, (encode, *_) in enumerate(CODECS)]


@pytest.mark.parametrize(("encode", "decode", "value", "wire"), CODECS, ids=NAMES)
def test_a_message_is_encoded_as_known_bytes(
    encode: Callable[[object], bytes],
    decode: Callable[[bytes], object],
    value: object,
    wire: str,
) -> None:
    assert encode(value).hex() == bytes.fromhex(wire).hex()


@pytest.mark.parametrize(("encode", "decode", "value", "wire"), CODECS, ids=NAMES)
def test_known_bytes_are_decoded_as_the_message(
    encode: Callable[[object], bytes],
    decode: Callable[[bytes], object],
    value: object,
    wire: str,
) -> None:
    assert decode(bytes.fromhex(wire)) == value


@pytest.mark.parametrize(("encode", "decode", "value", "wire"), CODECS, ids=NAMES)
def test_a_message_cut_anywhere_is_refused_or_shorter(
    encode: Callable[[object], bytes],
    decode: Callable[[bytes], object],
    value: object,
    wire: str,
) -> None:
    whole = bytes.fromhex(wire)

    for size in range(len(whole)):
        try:
            decoded = decode(whole[:size])
        except MalformedPacket as error:
            assert error.cause is Rejection.MALFORMED  # noqa: PT017 - both are right
        else:
            assert decoded != value or isinstance(decoded, Rakp2 | OpenSessionResponse)


@given(
    payload_type=st.integers(0, 255),
    session_id=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=300),
    trailer=st.binary(max_size=40),
)
def test_an_envelope_survives_the_way(
    payload_type: int, session_id: int, sequence: int, payload: bytes, trailer: bytes
) -> None:
    datagram = encode_plain(payload_type, payload, session_id, sequence)

    assert decode_envelope(datagram + trailer) == Envelope(
        payload_type & 0x3F,
        bool(payload_type & 0x80),
        bool(payload_type & 0x40),
        session_id,
        sequence,
        payload,
    )


@given(
    netfn=st.integers(0, 31).map(lambda half: 2 * half),
    command=st.integers(0, 255),
    data=st.binary(max_size=100),
    sequence=st.integers(0, 63),
    lun=st.integers(0, 3),
)
def test_a_request_and_its_answer_survive_the_way(
    netfn: int, command: int, data: bytes, sequence: int, lun: int
) -> None:
    request = Request(netfn, command, data, sequence, lun)
    response = answer(request, 0xC1, data)

    assert decode_request(encode_request(request)) == request
    assert decode_response(encode_response(response)) == response
    assert response.netfn == netfn + 1


def test_a_wrong_checksum_is_refused_unless_told_otherwise() -> None:
    message = bytearray(encode_response(Response(7, 1, 0, b"data", 1)))
    message[-1] ^= 1

    with pytest.raises(MalformedPacket, match="checksum"):
        decode_response(bytes(message))
    assert decode_response(bytes(message), strict=False).data == b"data"


def test_a_checksum_makes_the_sum_zero() -> None:
    assert checksum(b"\x20\x18") == 0xC8
    assert checksum(b"") == 0


def test_a_short_refusal_is_understood() -> None:
    assert decode_open_session_response(b"\x01\x11").status == 0x11
    assert decode_rakp2(b"\x01\x0d").status == 0x0D
    assert decode_rakp4(b"\x01\x02").status == 0x02


def test_a_proposal_without_one_kind_of_algorithm_is_refused() -> None:
    request = encode_open_session_request(OpenSessionRequest(0, 0, 1, SUITE_3))

    with pytest.raises(MalformedPacket, match="type 2"):
        decode_open_session_request(request[:-8] + request[-16:-8])


def test_a_user_name_longer_than_its_limit_is_refused() -> None:
    wire = encode_rakp1(Rakp1(0, 1, R16, 4, b"x" * 17))

    with pytest.raises(MalformedPacket, match="17 bytes"):
        decode_rakp1(wire)


def test_a_padded_user_name_keeps_its_length_byte() -> None:
    wire = encode_rakp1(Rakp1(0, 1, R16, 4, b"ADMIN"), pad_username=True)

    assert len(wire) == 28 + 16
    assert decode_rakp1(wire).username == b"ADMIN"


def test_a_datagram_of_another_kind_is_foreign() -> None:
    with pytest.raises(MalformedPacket) as caught:
        decode_envelope(encode_legacy(bytes(20)))

    assert caught.value.cause is Rejection.FOREIGN


def test_a_status_is_described_for_people() -> None:
    assert describe_status(0x0D) == "unauthorized name (0x0d)"
    assert describe_status(0x77) == "unknown status (0x77)"
