"""What logins teach about a BMC: its suites, its pace, where it is."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import pytest

from solrecd.sources.ipmi.link.known_bmc import KnownBmc
from solrecd.sources.ipmi.link.resolve import Address

ONE, TWO, THREE = (Address(socket.AF_INET, f"192.0.2.{n}", 623) for n in (1, 2, 3))


@dataclass
class Seen:
    """What of a session counts here."""

    answer_delay: float = 0.0
    resends: bool = False
    proved_suite: int | None = None
    refused_suite: int | None = None


def known(*sessions: Seen) -> KnownBmc:
    """Return what is known after these sessions."""
    bmc = KnownBmc()
    for session in sessions:
        told: Any = session
        bmc.learn(told)
    return bmc


@pytest.mark.parametrize(
    ("sessions", "suites"),
    [
        ([], (17, 3)),
        ([Seen(proved_suite=17)], (17,)),
        ([Seen(proved_suite=17), Seen()], (17,)),
        ([Seen(proved_suite=17), Seen(proved_suite=3)], (17,)),
        ([Seen(proved_suite=3)], (3, 17)),
        ([Seen(refused_suite=17)], (3, 17)),
        ([Seen(refused_suite=17), Seen(refused_suite=3)], (17, 3)),
        ([Seen(proved_suite=17), Seen(refused_suite=17)], (17,)),
    ],
)
def test_no_suite_is_weaker_than_what_the_bmc_was_seen_to_speak(
    sessions: list[Seen], suites: tuple[int, ...]
) -> None:
    assert known(*sessions).suites((17, 3)) == suites


def test_a_configuration_that_allows_weaker_suites_alone_is_followed() -> None:
    assert known(Seen(proved_suite=17)).suites((3,)) == (3,)


def test_every_address_of_a_name_has_its_turn_and_then_the_first_again() -> None:
    bmc, addresses = KnownBmc(), (ONE, TWO, THREE)

    tried = [(bmc.choose(addresses), bmc.try_next()) for _ in range(6)]

    assert tried == [(ONE, True), (TWO, True), (THREE, False)] * 2


def test_an_address_that_answered_stays_as_long_as_the_name_has_it() -> None:
    bmc = KnownBmc()
    bmc.choose((ONE, TWO))
    bmc.try_next()

    bmc.arrived()

    assert bmc.choose((ONE, TWO)) == bmc.choose((TWO, THREE)) == TWO
    assert bmc.choose((ONE, THREE)) == ONE
