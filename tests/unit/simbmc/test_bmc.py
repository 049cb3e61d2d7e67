"""One simulated BMC: logins, commands, ownership, and what it does wrong on demand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.controller import STRANGER
from solrecd.simbmc.faults import Misbehaviour, Mishap
from solrecd.simbmc.ledger import Drop
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.options import BmcOptions, User
from solrecd.simbmc.payload import SolSettings
from solrecd.sources.ipmi.protocol.constants import (
    CompletionCode,
    NetFn,
    PayloadType,
    PrivilegeLevel,
    RmcpStatus,
    SolStatus,
)
from solrecd.sources.ipmi.protocol.messages import (
    Request,
    decode_response,
    encode_request,
)
from solrecd.sources.ipmi.protocol.packets import (
    RMCP_HEADER,
    decode_envelope,
    decode_legacy,
    encode_legacy,
    encode_plain,
)
from tests.support.remote_console import ADDRESS, RemoteConsole

AT_ONCE = BmcOptions(sol=SolSettings(threshold=1))
SOL = bytes((PayloadType.SOL, 1))


def make(
    options: BmcOptions = AT_ONCE, misbehaviour: Misbehaviour | None = None
) -> Bmc:
    """Return a BMC whose host is on, with reproducible randomness."""
    rng = random.Random(1)
    bmc = Bmc(options, Machine(Echo()), rng=rng)
    bmc.misbehaviour = misbehaviour or Misbehaviour()
    bmc.expire(0.0)
    return bmc


# --- logins --------------------------------------------------------------------------


@pytest.mark.parametrize("suite", [0, 1, 2, 3, 17])
def test_every_suite_logs_in_where_it_is_allowed(suite: int) -> None:
    bmc = make(BmcOptions(cipher_suites=(0, 1, 2, 3, 17)))

    console = RemoteConsole(bmc, suite=suite).log_in()

    assert console.ask(NetFn.APP, 0x01)[0] == 0


def test_a_suite_that_is_not_allowed_is_refused() -> None:
    bmc = make(BmcOptions(cipher_suites=(17,)))

    response = RemoteConsole(bmc, suite=3).open_session()

    assert response.status == RmcpStatus.NO_CIPHER_SUITE_MATCH


def test_kg_replaces_the_password_in_the_keys() -> None:
    bmc = make(BmcOptions(kg=b"the key"))

    console = RemoteConsole(bmc, kg=b"the key").log_in()

    assert console.ask(NetFn.CHASSIS, 0x01) == (0, b"\x01\x00\x00")


def test_an_unknown_user_is_refused_by_name() -> None:
    console = RemoteConsole(make(), username=b"nobody")
    console.open_session()

    assert console.rakp1().status == RmcpStatus.UNAUTHORIZED_NAME


def test_a_user_cannot_rise_above_the_limit() -> None:
    user = User(b"recorder", b"secret", PrivilegeLevel.OPERATOR)
    console = RemoteConsole(make(BmcOptions(users=(user,))))
    console.open_session()

    assert console.rakp1(role=0x14).status == RmcpStatus.UNAUTHORIZED_ROLE


def test_a_wrong_password_is_refused_at_the_end() -> None:
    console = RemoteConsole(make(), password=b"wrong")
    console.open_session()

    rakp4 = console.rakp3(console.rakp1())

    assert rakp4.status == RmcpStatus.INVALID_INTEGRITY_CHECK_VALUE


def test_a_repeated_rakp_1_gets_the_same_answer() -> None:
    console = RemoteConsole(make())
    console.open_session()

    assert console.rakp1() == console.rakp1()


def test_session_slots_run_out() -> None:
    bmc = make(BmcOptions(session_slots=1))
    RemoteConsole(bmc).log_in()

    response = RemoteConsole(bmc, session_id=99).open_session()

    assert response.status == RmcpStatus.INSUFFICIENT_RESOURCES


def test_logins_that_never_end_make_room_for_others() -> None:
    bmc = make()
    for number in range(1, 200):
        RemoteConsole(bmc, session_id=number).open_session()

    RemoteConsole(bmc, session_id=500).log_in()

    assert len(bmc.controller.sessions) == 1


def test_a_login_that_took_too_long_is_forgotten() -> None:
    bmc = make()
    slow = RemoteConsole(bmc)
    slow.open_session()
    slow.now = 21.0
    other = RemoteConsole(bmc, session_id=99)
    other.now = 21.0
    other.log_in()

    with pytest.raises(ValueError, match="not enough values"):
        slow.rakp1()


def test_an_idle_session_is_closed() -> None:
    bmc = make(BmcOptions(session_timeout=30.0))
    console = RemoteConsole(bmc).log_in()
    console.activate()

    console.pass_time(31.0)

    assert bmc.controller.sessions == {}
    assert bmc.controller.owner is None


# 14.3 + 60 - 60 is less than 14.3, in floating point.
@pytest.mark.parametrize("seen", [0.0, 14.3])
def test_at_the_deadline_an_idle_session_is_closed(seen: float) -> None:
    bmc = make(BmcOptions(session_timeout=60.0))
    console = RemoteConsole(bmc)
    console.now = seen
    console.log_in()
    deadline = bmc.controller.idle_check

    bmc.expire(deadline)

    assert deadline == seen + 60.0
    assert bmc.controller.sessions == {}


@pytest.mark.parametrize(("keeps", "left"), [(True, 1), (False, 0)])
def test_sol_packets_may_or_may_not_keep_a_session(*, keeps: bool, left: int) -> None:
    bmc = make(BmcOptions(session_timeout=30.0, sol_keeps_session=keeps))
    console = RemoteConsole(bmc).log_in()
    console.activate()

    for _ in range(4):
        console.pass_time(10.0)
        console.send_sol(number=1, data=b"x")

    assert len(bmc.controller.sessions) == left


# --- commands ------------------------------------------------------------------------


def test_capabilities_are_told_before_a_login() -> None:
    bmc = make()
    request = encode_request(Request(NetFn.APP, 0x38, b"\x8e\x04", 1))

    bmc.receive(encode_legacy(request), ADDRESS, 0.0)

    ((datagram, _),) = bmc.datagrams()
    response = decode_response(decode_legacy(datagram))
    assert (response.code, response.data[1], response.data[3]) == (0, 0x80, 0x02)


def test_cipher_suites_are_told_before_a_login() -> None:
    bmc = make()
    request = encode_request(Request(NetFn.APP, 0x54, b"\x0e\x00\x80", 1))

    bmc.receive(encode_plain(PayloadType.IPMI, request), ADDRESS, 0.0)

    ((datagram, _),) = bmc.datagrams()
    response = decode_response(decode_envelope(datagram).payload)
    assert response.data == bytes.fromhex("01 c003014181 c011034481")


def test_other_commands_need_a_session() -> None:
    bmc = make()
    request = encode_request(Request(NetFn.CHASSIS, 0x01, b"", 1))

    bmc.receive(encode_legacy(request), ADDRESS, 0.0)

    ((datagram, _),) = bmc.datagrams()
    response = decode_response(decode_legacy(datagram))
    assert response.code == CompletionCode.INSUFFICIENT_PRIVILEGE


@pytest.mark.parametrize(
    ("netfn", "command", "data", "code"),
    [
        (NetFn.APP, 0x01, b"", 0x00),
        (NetFn.APP, 0x37, b"", 0x00),
        (NetFn.APP, 0x3B, b"", 0xC7),
        (NetFn.APP, 0x3B, b"\x05", 0x81),
        (NetFn.APP, 0x3C, b"\1\2\3\4", 0x87),
        (NetFn.APP, 0x48, b"\x02\x01" + bytes(4), 0xCC),
        (NetFn.APP, 0x48, b"\x01\x02" + bytes(4), 0xC9),
        (NetFn.APP, 0x49, b"\x01\x01", 0x80),
        (NetFn.APP, 0x4E, b"\x0e", 0x00),
        (NetFn.APP, 0x4F, b"\x0e\x01", 0x00),
        (NetFn.APP, 0x7F, b"", 0xC1),
        (NetFn.CHASSIS, 0x02, b"\x0f", 0xCC),
        (NetFn.STORAGE, 0x40, b"", 0x00),
        (NetFn.STORAGE, 0x43, bytes(6), 0xCB),
        (NetFn.TRANSPORT, 0x22, b"\x0e\x7f\0\0", 0x80),
        (NetFn.TRANSPORT, 0x21, b"\x0e\x7f\0", 0x80),
    ],
)
def test_commands_are_answered_with_their_completion_code(
    netfn: int, command: int, data: bytes, code: int
) -> None:
    console = RemoteConsole(make()).log_in()

    assert console.ask(netfn, command, data)[0] == code


@pytest.mark.parametrize(
    ("netfn", "command", "data", "answer"),
    [
        (NetFn.APP, 0x3B, b"\x00", b"\x04"),
        (NetFn.APP, 0x4A, b"\x01", b"\x01\x00\x00"),
        (NetFn.TRANSPORT, 0x21, b"\x0e\x06\x0a", b""),
        (NetFn.TRANSPORT, 0x22, b"\x8e\x00\x00\x00", b"\x11"),
        (NetFn.TRANSPORT, 0x22, b"\x0e\x08\x00\x00", b"\x11\x6f\x02"),
    ],
)
def test_commands_are_answered_with_data(
    netfn: int, command: int, data: bytes, answer: bytes
) -> None:
    console = RemoteConsole(make()).log_in()

    assert console.ask(netfn, command, data) == (0, answer)


def test_an_operator_may_switch_the_power_and_a_user_may_not() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.ask(NetFn.APP, 0x3B, bytes((PrivilegeLevel.USER,)))
    as_user = console.ask(NetFn.CHASSIS, 0x02, b"\x00")[0]
    console.ask(NetFn.APP, 0x3B, bytes((PrivilegeLevel.OPERATOR,)))

    as_operator = console.ask(NetFn.CHASSIS, 0x02, b"\x00")[0]

    assert (as_user, as_operator) == (CompletionCode.INSUFFICIENT_PRIVILEGE, 0)
    assert bmc.machine.power_on is False


@pytest.mark.parametrize(
    ("number", "value"),
    [(1, b"\x00"), (3, b"\x02\x40"), (4, b"\x03\x32")],
)
def test_sol_settings_are_kept(number: int, value: bytes) -> None:
    console = RemoteConsole(make()).log_in()
    parameter = bytes((0x0E, number))

    written = console.ask(NetFn.TRANSPORT, 0x21, parameter + value)

    assert written == (0, b"")
    read = console.ask(NetFn.TRANSPORT, 0x22, parameter + bytes(2))
    assert read == (0, b"\x11" + value)


def test_a_closed_session_is_gone_and_its_payload_free() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()

    code, _ = console.ask(NetFn.APP, 0x3C, console.bmc_session_id.to_bytes(4, "little"))

    assert code == 0
    assert bmc.controller.sessions == {}
    assert bmc.controller.owner is None


# --- the payload and its owner -------------------------------------------------------


def test_output_reaches_the_owner_and_input_the_host() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()
    bmc.console_output(b"hello", 0.0)
    (packet,) = console.take_sol()

    console.acknowledge(packet)
    console.send_sol(number=1, data=b"typed")

    assert packet.data == b"hello"
    assert bmc.ledger.acknowledged == 5
    assert bmc.machine.typed == b"typed"


def test_the_power_going_away_is_told() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()

    console.ask(NetFn.CHASSIS, 0x02, b"\x00")

    (packet,) = console.take_sol()
    assert packet.status == SolStatus.TRANSFER_UNAVAILABLE


def test_a_second_session_cannot_activate_but_deactivate() -> None:
    bmc = make()
    first = RemoteConsole(bmc).log_in()
    first.activate()
    second = RemoteConsole(bmc, session_id=99).log_in()

    refused = second.activate()
    owner = second.ask(NetFn.APP, 0x4B, SOL)[1][:4]
    datagrams = _robbery(bmc, second)

    assert refused == CompletionCode.PAYLOAD_ALREADY_ACTIVE
    assert owner == first.bmc_session_id.to_bytes(4, "little")
    assert [address for _, address in datagrams] == [ADDRESS]
    assert bmc.controller.owner is None


def _robbery(bmc: Bmc, robber: RemoteConsole) -> list[tuple[bytes, tuple[object, ...]]]:
    """Deactivate as `robber`; return what the robbed owner is sent."""
    assert robber.cipher is not None
    message = encode_request(Request(NetFn.APP, 0x49, SOL + bytes(4), 9))
    bmc.receive(robber.cipher.seal(PayloadType.IPMI, message), ADDRESS, 0.0)
    sent = bmc.datagrams()
    return [x for x in sent if decode_envelope(x[0]).session_id != robber.session_id]


@pytest.mark.parametrize(("silently", "packets"), [(False, 1), (True, 0)])
def test_a_robbed_owner_is_told_unless_the_bmc_robs_silently(
    *, silently: bool, packets: int
) -> None:
    bmc = make(misbehaviour=Misbehaviour(robs_silently=silently))
    console = RemoteConsole(bmc).log_in()
    console.activate()

    bmc.inject(Mishap.STEAL, 0.0)

    assert len(console.take_sol()) == packets
    assert bmc.controller.owner == STRANGER


@pytest.mark.parametrize(
    ("settings", "suite", "auxiliary", "code"),
    [
        (SolSettings(enabled=False), 3, 0xC0, CompletionCode.PAYLOAD_DISABLED),
        (SolSettings(needs_encryption=True), 3, 0, CompletionCode.ENCRYPTION_REQUIRED),
        (SolSettings(), 2, 0xC0, CompletionCode.ENCRYPTION_NOT_POSSIBLE),
    ],
)
def test_settings_refuse_an_activation(
    settings: SolSettings, suite: int, auxiliary: int, code: int
) -> None:
    bmc = make(BmcOptions(cipher_suites=(2, 3), sol=settings))
    console = RemoteConsole(bmc, suite=suite).log_in()

    assert console.activate(bytes((auxiliary, 0, 0, 0))) == code


def test_sol_may_ask_for_an_administrator() -> None:
    bmc = make(BmcOptions(sol_privilege=PrivilegeLevel.ADMINISTRATOR))
    console = RemoteConsole(bmc).log_in()
    console.ask(NetFn.APP, 0x3B, bytes((PrivilegeLevel.OPERATOR,)))

    assert console.activate() == CompletionCode.INSUFFICIENT_PRIVILEGE


# --- misbehaviour --------------------------------------------------------------------


def test_a_mute_bmc_says_nothing_until_it_does_again() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()
    bmc.inject(Mishap.MUTE, 0.0)
    bmc.console_output(b"lost in silence", 0.0)
    silence = console.take_sol()

    bmc.inject(Mishap.UNMUTE, 0.0)
    console.pass_time(1.5)

    assert silence == []
    assert [packet.data for packet in console.take_sol()] == [b"lost in silence"]


@pytest.mark.parametrize(
    "misbehaviour",
    [
        Misbehaviour(mute_after_login=True),
        Misbehaviour(unanswered=frozenset({(NetFn.APP, 0x3B)})),
    ],
)
def test_a_command_may_stay_unanswered(misbehaviour: Misbehaviour) -> None:
    console = RemoteConsole(make(misbehaviour=misbehaviour))
    console.open_session()
    assert console.rakp3(console.rakp1()).status == 0

    with pytest.raises(ValueError, match="not enough values"):
        console.ask(NetFn.APP, 0x3B, b"\x04")


def test_a_command_is_refused_with_the_code_that_was_asked_for() -> None:
    refusals = {(int(NetFn.APP), 0x48): 0xCC}
    console = RemoteConsole(make(misbehaviour=Misbehaviour(refusals=refusals))).log_in()

    assert console.activate() == 0xCC


def test_a_login_is_refused_with_the_status_that_was_asked_for() -> None:
    bmc = make()
    console = RemoteConsole(bmc)

    bmc.misbehaviour = Misbehaviour(open_session_status=1)
    opened = console.open_session()
    bmc.misbehaviour = Misbehaviour(rakp2_status=9)
    console.open_session()
    rakp2 = console.rakp1()
    bmc.misbehaviour = Misbehaviour(rakp4_status=2)
    console.open_session()
    rakp4 = console.rakp3(console.rakp1())

    assert (opened.status, rakp2.status, rakp4.status) == (1, 9, 2)


@pytest.mark.parametrize(
    ("misbehaviour", "answer"),
    [
        (Misbehaviour(), "2400 0301 6f02 ffff"),
        (Misbehaviour(announced_sizes=(32, 16384)), "2000 0040 6f02 ffff"),
        (Misbehaviour(announced_port=0x1234), "2400 0301 3412 ffff"),
        (Misbehaviour(port_swapped=True), "2400 0301 026f ffff"),
    ],
)
def test_the_activation_answer_lies_as_told(
    misbehaviour: Misbehaviour, answer: str
) -> None:
    console = RemoteConsole(make(misbehaviour=misbehaviour)).log_in()

    _, data = console.ask(NetFn.APP, 0x48, SOL + b"\xc0\0\0\0")

    assert data == bytes(4) + bytes.fromhex(answer)


def test_a_dead_serial_line_loses_output_while_ipmi_lives() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()

    bmc.inject(Mishap.SERIAL_DEAD, 0.0)
    bmc.console_output(b"unheard", 0.0)

    assert console.take_sol() == []
    assert console.ask(NetFn.CHASSIS, 0x01)[0] == 0
    assert bmc.ledger.dropped[Drop.SERIAL_DEAD] == 7


def test_a_lost_serial_line_comes_back_with_the_next_activation() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()

    bmc.inject(Mishap.SERIAL_LOST, 0.0)
    bmc.console_output(b"unheard", 0.0)
    console.deactivate()
    console.activate()
    bmc.console_output(b"heard", 0.0)

    assert b"".join(packet.data for packet in console.take_sol()) == b"heard"
    assert bmc.ledger.dropped[Drop.SERIAL_DEAD] == 7


def test_a_stuck_payload_is_never_free_again() -> None:
    console = RemoteConsole(make(misbehaviour=Misbehaviour(payload_stuck=True)))
    console.log_in().activate()

    assert console.deactivate() == 0
    assert console.activate() == CompletionCode.PAYLOAD_ALREADY_ACTIVE


def test_sol_data_may_overtake_the_activation_answer() -> None:
    sol = SolSettings(threshold=1, buffers_without_owner=True)
    bmc = make(BmcOptions(sol=sol), Misbehaviour(data_before_answer=True))
    bmc.console_output(b"early", 0.0)
    console = RemoteConsole(bmc).log_in()
    assert console.cipher is not None
    message = encode_request(Request(NetFn.APP, 0x48, SOL + b"\xc0\0\0\0", 5))

    bmc.receive(console.cipher.seal(PayloadType.IPMI, message), ADDRESS, 0.0)

    kinds = [console.cipher.open(datagram)[0] for datagram, _ in bmc.datagrams()]
    assert kinds == [PayloadType.SOL, PayloadType.IPMI]


def test_a_reset_forgets_sessions_and_output() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()
    bmc.console_output(b"gone", 0.0)

    bmc.inject(Mishap.RESET, 0.0)

    assert bmc.datagrams() == []
    assert bmc.controller.sessions == {}
    assert bmc.ledger.dropped[Drop.RESET] == 4
    RemoteConsole(bmc).log_in()


def test_numbers_may_jump_without_a_loss() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()

    bmc.inject(Mishap.JUMP, 0.0)
    bmc.console_output(b"after the jump", 0.0)

    assert [packet.number for packet in console.take_sol()] == [7]
    assert bmc.ledger.dropped.total() == 0


def test_a_power_cycle_is_told_twice() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    console.activate()

    bmc.inject(Mishap.POWER_CYCLE, 0.0)
    console.pass_time(2.0)

    statuses = [packet.status for packet in console.take_sol()]
    assert statuses == [SolStatus.TRANSFER_UNAVAILABLE, 0]
    assert bmc.machine.power_on


# --- hostile datagrams ---------------------------------------------------------------


@given(st.binary(max_size=200), st.sampled_from([b"", RMCP_HEADER, b"\6\0\xff\7\6"]))
def test_no_datagram_upsets_a_bmc(noise: bytes, start: bytes) -> None:
    bmc = make()

    bmc.receive(start + noise, ADDRESS, 0.0)

    bmc.datagrams()
    RemoteConsole(bmc).log_in()


def test_a_forged_packet_is_counted_and_ignored() -> None:
    bmc = make()
    console = RemoteConsole(bmc).log_in()
    assert console.cipher is not None
    datagram = bytearray(console.cipher.seal(PayloadType.IPMI, b"x" * 16))
    datagram[-1] ^= 1

    bmc.receive(bytes(datagram), ADDRESS, 0.0)

    assert bmc.rejected == 1
    assert bmc.datagrams() == []
