"""What an operator may choose: options and quirks."""

from __future__ import annotations

from typing import Any

import pytest

from solrecd.sources.ipmi.protocol.constants import AppCommand, PrivilegeLevel
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.privilege import Privileges
from solrecd.sources.ipmi.protocol.quirks import (
    Behaviour,
    Quirk,
    behaviour_of,
    parse_quirks,
)
from solrecd.sources.ipmi.protocol.watch import OwnerWatch, Verdict, owner_of

USER, OPERATOR, ADMINISTRATOR = (
    PrivilegeLevel.USER,
    PrivilegeLevel.OPERATOR,
    PrivilegeLevel.ADMINISTRATOR,
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"username": b"x" * 17}, "username: 17 bytes, at most 16"),
        ({"password": b"x" * 21}, "password: 21 bytes, at most 20"),
        ({"kg": b"x" * 21}, "kg: 21 bytes, at most 20"),
        ({"cipher_suites": ()}, "cipher_suites: at least one"),
        ({"cipher_suites": (8,)}, "cipher_suites: 8 is not one of 0, 1, 2, 3, 17"),
        ({"cipher_suites": (0,)}, "only with insecure = true"),
        ({"instance": 16}, "instance: 16 is not within 1-15"),
        ({"payload_size": 0}, "payload_size: 0 is not within 1-255"),
        ({"privileges": ()}, "privileges: at least one"),
    ],
)
def test_a_wrong_choice_is_named(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"username": b"", "password": b""} | wrong

    with pytest.raises(ValueError, match=message):
        SessionOptions(**given)


def test_secrets_do_not_show_in_what_is_printed() -> None:
    options = SessionOptions(username=b"me", password=b"hush", kg=b"quiet")

    assert "hush" not in repr(options)
    assert "quiet" not in repr(options)


def test_every_quirk_has_a_known_effect() -> None:
    for quirk in Quirk:
        assert isinstance(behaviour_of({quirk}), Behaviour)


def test_no_quirks_is_the_specification() -> None:
    assert behaviour_of(()) == Behaviour()


def test_quirks_add_up() -> None:
    behaviour = behaviour_of({Quirk.NOCHECKSUMCHECK, Quirk.SOLPACKETSEQ})

    assert not behaviour.check_checksums
    assert behaviour.bump_stuck_number


def test_an_unknown_quirk_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown quirk 'solpayload'.*solpayloadsize"):
        parse_quirks(["solpayload"])


def test_quirks_go_by_the_names_of_freeipmi_and_ipmitool() -> None:
    assert parse_quirks(["sun20", "intelplus"]) == {Quirk.SUN20, Quirk.INTELPLUS}


def test_the_first_level_wanted_that_is_granted_is_used() -> None:
    assert Privileges((ADMINISTRATOR, OPERATOR), OPERATOR).level == OPERATOR
    assert Privileges((OPERATOR, ADMINISTRATOR), ADMINISTRATOR).level == OPERATOR


def test_levels_are_raised_one_by_one_up_to_what_is_granted() -> None:
    privileges = Privileges((USER, OPERATOR, ADMINISTRATOR), OPERATOR)

    assert privileges.higher() == OPERATOR
    privileges.raise_to(OPERATOR, succeeded=True)

    assert privileges.higher() is None


def test_a_level_that_cannot_be_raised_is_not_tried_again() -> None:
    privileges = Privileges((USER, OPERATOR), OPERATOR)

    privileges.raise_to(OPERATOR, succeeded=False)

    assert privileges.level == USER
    assert privileges.higher() is None


def test_levels_are_lowered_until_none_is_left() -> None:
    privileges = Privileges((ADMINISTRATOR, OPERATOR), ADMINISTRATOR)

    assert privileges.lower()
    assert privileges.level == OPERATOR
    assert not privileges.lower()


@pytest.mark.parametrize(
    ("code", "data", "owner"),
    [(0, b"\x01\0\0\0", 1), (0, bytes(12), 0), (0, b"\x01", None), (0xC1, b"", None)],
)
def test_an_owner_is_read_from_the_answer(
    code: int, data: bytes, owner: int | None
) -> None:
    assert owner_of(code, data) == owner


def test_a_capacity_of_zero_does_not_hide_the_instance() -> None:
    watch = OwnerWatch(1, believe_status=True)
    watch.judge(0xC1, b"")

    assert watch.judge(0, b"\x00\x01\x00") is Verdict.OURS


def test_an_activation_status_that_lies_can_be_left_out() -> None:
    watch = OwnerWatch(1, believe_status=False)
    watch.judge(0xC1, b"")

    assert watch.command().command == AppCommand.GET_DEVICE_ID
