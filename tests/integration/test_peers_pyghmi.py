"""The engine against pyghmi: its BMC over sockets, its client's crypto in process."""

from __future__ import annotations

import collections
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from pyghmi.ipmi.private import session as pyghmi_session

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.constants import NetFn, PayloadType
from solrecd.sources.ipmi.protocol.events import (
    CommandAnswered,
    LoggedIn,
    SessionLost,
    SolActivated,
    SolRefused,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from tests.support.ports import free_port
from tests.support.pump import Pump
from tests.support.pyghmi_bmc import HOST, PASSWORD, USERNAME, PyghmiBmc
from tests.support.scripted_bmc import ScriptedBmc

GET_CHASSIS_STATUS = 0x01


@pytest.fixture(scope="module")
def bmc() -> Iterator[PyghmiBmc]:
    """Return a running BMC."""
    with PyghmiBmc(free_port(socket.SOCK_DGRAM, HOST)) as running:
        yield running


def connect(bmc: PyghmiBmc, **options: Any) -> Pump:
    """Return a pump that has sent nothing yet."""
    given = {"username": USERNAME.encode(), "password": PASSWORD.encode()} | options
    return Pump(bmc.address, SessionOptions(**given))


@pytest.mark.parametrize("suites", [(3,), (17, 3)])
def test_pyghmis_bmc_is_logged_in_to(bmc: PyghmiBmc, suites: tuple[int, ...]) -> None:
    """It answers every proposal with suite 3, which is not what was asked first."""
    with connect(bmc, cipher_suites=suites) as pump:
        answer = pump.log_in()

    assert isinstance(answer, LoggedIn)
    assert answer.suite == 3


def test_a_suite_that_was_not_asked_for_is_not_accepted(bmc: PyghmiBmc) -> None:
    with connect(bmc, cipher_suites=(17,)) as pump:
        answer = pump.log_in()

    assert isinstance(answer, SessionLost)
    assert answer.reason is LostReason.SUITE_REFUSED


def test_a_wrong_password_is_told(bmc: PyghmiBmc) -> None:
    with connect(bmc, password=b"wrong") as pump:
        answer = pump.log_in()

    assert isinstance(answer, SessionLost)
    assert answer.reason is LostReason.BAD_PASSWORD


def test_bytes_go_both_ways_and_the_console_is_free_again(bmc: PyghmiBmc) -> None:
    for _ in range(2):
        with connect(bmc) as pump:
            pump.log_in()
            assert isinstance(pump.activate(), SolActivated)

            pump.write(b"all the way ")
            pump.until(lambda: len(pump.output) >= 24)

            assert pump.output == b"all the way all the way "
            assert pump.session.unsent == 0


def test_a_second_session_is_refused(bmc: PyghmiBmc) -> None:
    with connect(bmc) as first, connect(bmc) as second:
        first.log_in()
        first.activate()
        second.log_in()

        answer = second.activate()

    assert isinstance(answer, SolRefused)
    assert answer.reason is LostReason.FOREIGN_OWNER


def test_commands_are_answered(bmc: PyghmiBmc) -> None:
    with connect(bmc) as pump:
        pump.log_in()
        ticket = pump.request(NetFn.CHASSIS, GET_CHASSIS_STATUS)
        answer = pump.wait(CommandAnswered)

    assert answer == CommandAnswered(ticket, 0, b"\x01\x00\x00")


class Client:
    """pyghmi's client session without its sockets and thread."""

    def __init__(self, kg: bytes | None, attempted_hash: int) -> None:
        """Take over where it would send its Open Session Request."""
        self.sent: list[bytes] = []
        self.answers: list[dict[str, Any]] = []
        self.errors: list[Any] = []
        self.output: list[bytes] = []
        self.is_logged_in = False
        session = self.session = object.__new__(pyghmi_session.Session)
        session.userid, session.password = USERNAME.encode(), PASSWORD.encode()
        session.kg = kg or session.password
        session.privlevel, session.autopriv, session.nameonly = 4, False, 16
        session.servermode = False
        session.pendingpayloads = collections.deque()
        session.request_entry = []
        session._customkeepalives = None
        session._getmaxtimeout = lambda: 0
        session._xmit_packet = self._transmit
        session._req_priv_level = self._logged_in
        session.onlogon = self.errors.append
        session._initsession()
        session.attemptedhash = attempted_hash
        session.sol_handler = lambda payload: self.output.append(bytes(payload))
        session.ipmiversion = 2.0
        session._open_rmcpplus_request()

    def exchange(self, bmc: ScriptedBmc) -> None:
        """Let both talk until they are silent."""
        while self.sent:
            sent, self.sent = self.sent, []
            for reply in bmc.receive(sent):
                self.feed(reply)

    def feed(self, datagram: bytes) -> None:
        """Give it a datagram."""
        self.session._handle_ipmi_packet(bytearray(datagram))

    def ask(self, netfn: int, command: int, data: bytes) -> None:
        """Send a command; the answer appears in `answers`."""
        self.session.ipmicallback = self.answers.append
        self.session._send_ipmi_net_payload(netfn, command, data, retry=False)

    def _transmit(self, *_args: object, **_more: object) -> None:
        if self.session.sequencenumber:
            self.session.sequencenumber += 1
        self.sent.append(bytes(self.session.netpacket))
        self.session.lastpayload = None

    def _logged_in(self) -> None:
        self.is_logged_in = True


SUITES = pytest.mark.parametrize(("attempted_hash", "suite"), [(1, 3), (256, 17)])


@SUITES
@pytest.mark.parametrize("kg", [None, b"key of the machine"])
def test_pyghmis_client_and_our_bmc_role_agree_on_the_keys(
    attempted_hash: int, suite: int, kg: bytes | None
) -> None:
    bmc = ScriptedBmc(suites=(suite,), kg=kg)
    client = Client(kg, attempted_hash)

    client.exchange(bmc)

    assert client.errors == []
    assert client.is_logged_in
    assert bmc.cipher is not None
    assert bmc.cipher.keys.k1 == client.session.k1


@SUITES
@pytest.mark.parametrize("size", [0, 1, 14, 15, 16, 17, 100, 255])
def test_pyghmis_client_reads_what_we_seal(
    attempted_hash: int, suite: int, size: int
) -> None:
    bmc = ScriptedBmc(suites=(suite,))
    client = Client(None, attempted_hash)
    client.exchange(bmc)
    data = bytes(index % 256 for index in range(size))

    client.feed(bmc.send_sol(1, data))
    client.feed(bmc.send_sol(2, data[::-1]))

    assert client.output == [
        b"\x01\x00\x00\x00" + data,
        b"\x02\x00\x00\x00" + data[::-1],
    ]


@SUITES
@pytest.mark.parametrize("size", [0, 1, 8, 9, 10, 50])
def test_we_read_what_pyghmis_client_seals(
    attempted_hash: int, suite: int, size: int
) -> None:
    bmc = ScriptedBmc(suites=(suite,))
    bmc.answers[0x7F] = lambda request: (0, request.data)
    client = Client(None, attempted_hash)
    client.exchange(bmc)

    client.ask(NetFn.APP, 0x7F, bytes(size))
    client.exchange(bmc)

    assert bmc.requests[-1].data == bytes(size)
    assert client.session.sequencenumber > 1
    assert PayloadType.RAKP_3 in bmc.handshake
