"""The engine against a third-party BMC: OpenIPMI's ipmi_sim."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.constants import AppCommand, NetFn
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    LoggedIn,
    SessionLost,
    SolActivated,
    SolDeactivated,
    SolRefused,
    SolStolen,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from tests.support import ipmi_sim
from tests.support.ipmi_sim import HOST, PASSWORD, USERNAME, IpmiSim
from tests.support.peers import need
from tests.support.pump import Pump

HISTORY = 65536
"""Bytes that the BMC keeps while none listens: without it, SoL wedges (OpenIPMI)."""


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[IpmiSim]:
    """Return a running BMC."""
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    with IpmiSim(tmp_path / "bmc", history=HISTORY) as simulator:
        yield simulator


def connect(bmc: IpmiSim, **options: Any) -> Pump:
    """Return a pump that has sent nothing yet."""
    given = {"username": USERNAME.encode(), "password": PASSWORD.encode()} | options
    return Pump((HOST, bmc.port), SessionOptions(**given))


def test_a_bmc_without_suite_17_is_logged_in_to_with_suite_3(bmc: IpmiSim) -> None:
    with connect(bmc) as pump:
        answer = pump.log_in()

    assert isinstance(answer, LoggedIn)
    assert answer.suite == 3


@pytest.mark.parametrize("suite", [1, 2])
def test_insecure_suites_work_where_allowed(bmc: IpmiSim, suite: int) -> None:
    with connect(bmc, cipher_suites=(suite,), insecure=True) as pump:
        assert isinstance(pump.log_in(), LoggedIn)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"password": b"wrong"}, LostReason.BAD_PASSWORD),
        ({"username": b"nobody"}, LostReason.BAD_USERNAME),
        ({"cipher_suites": (17,)}, LostReason.SUITE_REFUSED),
    ],
)
def test_a_refused_login_says_why(
    bmc: IpmiSim, options: dict[str, Any], reason: LostReason
) -> None:
    with connect(bmc, **options) as pump:
        answer = pump.log_in()

    assert isinstance(answer, SessionLost)
    assert answer.reason is reason


@pytest.mark.parametrize(
    ("ours", "theirs", "detail"),
    [
        ("", "keyofthebmc", "another key K_g, or one where none is configured"),
        ("another", "keyofthebmc", "another key K_g, or one where none"),
        ("another", "", "the BMC has no key K_g, and one is configured"),
    ],
)
def test_a_wrong_kg_is_told_as_such(
    tmp_path: Path, ours: str, theirs: str, detail: str
) -> None:
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)

    with IpmiSim(tmp_path / "bmc", history=HISTORY, kg=theirs) as bmc:
        with connect(bmc, kg=ours.encode() or None) as pump:
            answer = pump.log_in()
        with connect(bmc, kg=theirs.encode() or None) as pump:
            assert isinstance(pump.log_in(), LoggedIn), "the right key works"

    assert isinstance(answer, SessionLost)
    assert answer.reason is LostReason.BAD_KG
    assert detail in answer.detail


@pytest.mark.parametrize("length", [16, 17, 20])
def test_a_password_that_the_bmc_keeps_16_bytes_of_works(
    tmp_path: Path, length: int
) -> None:
    need(ipmi_sim.MISSING, available=ipmi_sim.AVAILABLE)
    password = "0123456789abcdefghij"[:length]

    with (
        IpmiSim(tmp_path / "bmc", history=HISTORY, password=password[:16]) as bmc,
        connect(bmc, password=password.encode()) as pump,
    ):
        answer = pump.log_in()

    assert isinstance(answer, LoggedIn)
    assert answer.kept == (16 if length > 16 else None)


def test_output_and_input_arrive_whole(bmc: IpmiSim) -> None:
    printed = b"".join(b"line %06d\r\n" % index for index in range(1000))
    typed = bytes(range(256)) * 2

    with connect(bmc) as pump:
        pump.log_in()
        assert isinstance(pump.activate(), SolActivated)
        bmc.wire.emit(printed)
        pump.write(typed)
        pump.until(lambda: len(pump.output) >= len(printed) and not pump.session.unsent)
        pump.until(lambda: len(bmc.wire.typed) >= len(typed))

    assert pump.output == printed
    assert bmc.wire.typed == typed


def test_commands_are_answered_while_output_flows(bmc: IpmiSim) -> None:
    with connect(bmc) as pump:
        pump.log_in()
        pump.activate()
        bmc.wire.emit(b"x" * 5000)
        ticket = pump.request(NetFn.APP, AppCommand.GET_DEVICE_ID)
        answer = pump.wait(CommandAnswered)
        pump.until(lambda: len(pump.output) == 5000)

    assert (answer.ticket, answer.code) == (ticket, 0)
    assert len(answer.data) >= 11


def test_a_closed_session_leaves_the_console_free(bmc: IpmiSim) -> None:
    with connect(bmc) as first:
        first.log_in()
        first.activate()

    with connect(bmc) as second:
        second.log_in()
        assert isinstance(second.activate(), SolActivated)


def test_a_second_session_is_refused_and_may_take_the_console(bmc: IpmiSim) -> None:
    with connect(bmc, keepalive_interval=2.0) as first, connect(bmc) as second:
        first.log_in()
        first.activate()
        second.log_in()

        refusal = second.activate()
        second.session.deactivate(time.monotonic())
        second.wait(SolDeactivated)
        taken = second.activate()
        told = first.wait_any(SolStolen, SolDeactivated)

    assert isinstance(refusal, SolRefused)
    assert refusal.reason is LostReason.FOREIGN_OWNER
    assert refusal.owner
    assert isinstance(taken, SolActivated)
    assert isinstance(told, SolStolen | SolDeactivated)


def test_a_bmc_that_was_killed_is_noticed_and_found_again(
    bmc: IpmiSim,
) -> None:
    with connect(bmc, keepalive_interval=1.0) as pump:
        pump.log_in()
        pump.activate()
        bmc.kill()
        ended = pump.wait(SessionLost, seconds=20)
        bmc.start()
        bmc.wire.wait_bmc()

    assert ended.reason is LostReason.BMC_TIMEOUT
    with connect(bmc) as again:
        assert isinstance(again.log_in(), LoggedIn)
        assert isinstance(again.activate(), SolActivated)


def test_a_session_outlives_the_bmcs_own_timeout_under_flow(
    bmc: IpmiSim,
) -> None:
    """ipmi_sim ends a session 30 s after its last command; SoL packets do not count."""
    expected = bytearray()

    with connect(bmc) as pump:
        pump.log_in()
        pump.activate()
        for index in range(70):
            line = b"second %03d\r\n" % index
            expected += line
            bmc.wire.emit(line)
            pump.run(0.5)
        pump.until(lambda: len(pump.output) == len(expected))

        assert not [e for e in pump.events if isinstance(e, SolDeactivated)]
    assert pump.output == expected
