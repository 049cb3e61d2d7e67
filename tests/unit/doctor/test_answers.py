"""Decoders of what BMCs answer: real answers, and hostile ones."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from solrecd.sources.ipmi.doctor import answers, sol_answers
from solrecd.sources.ipmi.doctor.answers import SessionInfo, Unreadable, UserAccess
from solrecd.sources.ipmi.doctor.sol_answers import (
    Accumulation,
    BitRate,
    Retry,
    SolParameters,
    SolSecurity,
)

DECODERS: list[Callable[[bytes], object]] = [
    answers.capabilities,
    answers.suites,
    answers.session_info,
    answers.user_access,
    answers.user_name,
    answers.payload_access,
    sol_answers.activation,
    sol_answers.instance_owner,
    answers.chassis,
    answers.channel_medium,
    answers.mux_is_at_bmc,
    answers.log_info,
    answers.log_time,
]


@given(st.sampled_from(DECODERS), st.binary(max_size=64))
def test_hostile_bytes_raise_nothing_but_unreadable(
    decode: Callable[[bytes], object], data: bytes
) -> None:
    with suppress(Unreadable):
        decode(data)


@given(st.dictionaries(st.integers(0, 20), st.binary(max_size=4)))
def test_hostile_parameters_are_read_as_far_as_they_make_sense(
    found: dict[int, bytes],
) -> None:
    read = sol_answers.sol_parameters(found)

    assert (read.enabled is None) == (not found.get(1))
    assert (read.retry is None) == (len(found.get(4, b"")) < 2)


@given(st.lists(st.integers(0, 63), unique=True, max_size=20), st.data())
def test_suite_records_of_every_shape_give_their_numbers(
    numbers: list[int], data: st.DataObject
) -> None:
    records = b""
    for number in numbers:
        if data.draw(st.booleans()):
            # A vendor's: start, identifier, three bytes of the vendor's number.
            records += b"\xc1\x80\x01\x02\x03\x01\x41\x81"
        records += bytes((0xC0, number, 0x01, 0x41, 0x81))

    assert answers.suites(records) == tuple(numbers)


def test_openipmis_session_info_is_read() -> None:
    found = answers.session_info(bytes.fromhex("013f0102041e"))

    assert found == SessionInfo(
        slots=63, active=1, user=2, privilege=4, channel=14, address=None
    )


def test_who_has_a_session_is_read_with_his_address() -> None:
    found = answers.session_info(bytes.fromhex("010f02030411c0000207000000000000"))

    assert (found.user, found.channel, found.address) == (3, 1, "192.0.2.7")


@pytest.mark.parametrize(
    ("data", "access"),
    [
        ("3f010014", UserAccess(63, None, messaging=True, limit=4)),
        ("10420133", UserAccess(16, True, messaging=True, limit=3)),
        ("1082000f", UserAccess(16, False, messaging=False, limit=15)),
    ],
)
def test_user_access_is_read(data: str, access: UserAccess) -> None:
    assert answers.user_access(bytes.fromhex(data)) == access


def test_every_sol_parameter_is_read() -> None:
    found = sol_answers.sol_parameters(
        {
            1: b"\x01",
            2: b"\x84",
            3: b"\x0c\x60",
            4: b"\x07\x30",
            5: b"\x0a",
            6: b"\x07",
            8: b"\x6f\x02",
        }
    )

    assert found == SolParameters(
        enabled=True,
        security=SolSecurity(
            force_encryption=True, force_authentication=False, privilege=4
        ),
        accumulation=Accumulation(interval=60, threshold=96),
        retry=Retry(count=7, interval=480),
        lasting_rate=BitRate(0x0A),
        rate=BitRate(0x07),
        port=623,
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0x0A, "115200 baud"),
        (0x00, "as the BMC's serial channel"),
        (0x05, "reserved (0x5)"),
    ],
)
def test_bit_rates_are_said_as_people_read_them(number: int, words: str) -> None:
    assert str(BitRate(number)) == words


def test_active_instances_are_counted_from_1() -> None:
    assert sol_answers.activation(b"\x02\x02\x80") == {2, 16}
