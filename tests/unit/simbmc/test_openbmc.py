"""OpenBMC's side of SoL, rule by rule (phosphor-net-ipmid a52ddc8)."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.openbmc import SETTINGS, OpenBmcPayload
from solrecd.sources.ipmi.protocol.constants import SolOperation
from solrecd.sources.ipmi.protocol.packets import SolPacket


def started() -> tuple[OpenBmcPayload, Ledger, Machine]:
    """Return a payload with an owner at time 0."""
    ledger = Ledger(keep=1 << 16)
    machine = Machine(Echo())
    machine.output(0.0)
    payload = OpenBmcPayload(SETTINGS, machine, ledger)
    payload.activate(0.0)
    return payload, ledger, machine


def sent(payload: OpenBmcPayload) -> list[SolPacket]:
    """Return what was sent, without payloads that have no byte."""
    return [packet for packet in payload.packets() if packet is not None]


def run(payload: OpenBmcPayload, until: float) -> list[tuple[float, SolPacket]]:
    """Let time pass; return what was sent, and when."""
    found: list[tuple[float, SolPacket]] = []
    while (due := payload.deadline) is not None and due <= until:
        payload.expire(due)
        found += [(round(due, 3), packet) for packet in sent(payload)]
    return found


def ack(packet: SolPacket, accepted: int | None = None) -> SolPacket:
    """Return the ACK of a packet, in full unless told otherwise."""
    count = len(packet.data) if accepted is None else accepted
    return SolPacket(0, packet.number, count, 0, b"")


def test_what_gets_no_ack_goes_again_under_the_next_number_and_takes_on_more() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 0.05)
    first = run(payload, 0.15)
    payload.print(b"def", 0.2)

    rest = run(payload, 0.95)

    assert first == [(0.1, SolPacket(1, 0, 0, 0, b"abc"))]
    numbers = [(at, packet.number, packet.data) for at, packet in rest]
    assert numbers == [
        *((round(0.2 + n / 10, 3), 1, b"abc") for n in range(8)),
        (0.9, 2, b"abcdef"),
    ]
    assert ledger.dropped.total() == 0


def test_an_ack_of_the_number_before_comes_too_late() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 0.05)
    (_, first), *_, (_, second) = run(payload, 0.95)

    payload.receive(ack(first), 0.95)
    acknowledged = ledger.acknowledged
    payload.receive(ack(second), 0.96)

    assert (first.number, second.number) == (1, 2)
    assert acknowledged == 0
    assert ledger.kept == b"abc"
    assert payload.ignored == 1


def test_an_ack_lets_the_next_packet_go_at_once() -> None:
    payload, _, _ = started()
    payload.print(b"abc", 0.05)
    ((_, first),) = run(payload, 0.1)
    payload.print(b"def", 0.11)

    payload.receive(ack(first), 0.12)

    assert sent(payload) == [SolPacket(2, 0, 0, 0, b"def")]


def test_an_ack_that_comes_twice_is_answered_by_empty_payloads() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 0.05)
    ((_, first),) = run(payload, 0.1)
    payload.receive(ack(first), 0.11)
    payload.packets()

    payload.receive(ack(first), 0.12)

    assert payload.packets() == [None]
    assert ledger.kept == b"abc"


def test_a_wrong_count_makes_it_send_the_packet_again_at_once() -> None:
    payload, ledger, _ = started()
    payload.print(b"abcdef", 0.05)
    ((_, first),) = run(payload, 0.1)

    payload.receive(ack(first, accepted=2), 0.12)

    assert payload.packets() == [first]
    assert ledger.acknowledged == 0


@pytest.mark.parametrize("number", [0, 2, 15])
def test_input_must_begin_with_number_1(number: int) -> None:
    payload, _, machine = started()

    payload.receive(SolPacket(number, 0, 0, 0, b"x"), 0.1)

    assert machine.typed == b""
    assert payload.packets() == []


def test_input_goes_on_with_the_next_number_and_takes_none_twice() -> None:
    payload, _, machine = started()

    for number in (1, 1, 2, 3, 2):
        payload.receive(SolPacket(number, 0, 0, 0, b"%d" % number), 0.1)

    assert machine.typed == b"123"
    acks = [(packet.acknowledged, packet.accepted) for packet in sent(payload)]
    assert acks == [(1, 1), (2, 1), (3, 1)]


def test_an_empty_packet_counts_as_input() -> None:
    payload, _, machine = started()

    payload.receive(SolPacket(1, 0, 0, 0, b""), 0.1)
    payload.receive(SolPacket(2, 0, 0, 0, b"x"), 0.2)

    assert machine.typed == b"x"
    assert sent(payload) == [SolPacket(0, 1, 0, 0, b""), SolPacket(0, 2, 1, 0, b"")]


def test_a_break_is_sent_to_the_machine() -> None:
    payload, _, machine = started()

    payload.receive(SolPacket(1, 0, 0, SolOperation.BREAK, b""), 0.1)

    assert machine.breaks == 1


def test_a_new_owner_begins_with_fresh_numbers_and_an_empty_buffer() -> None:
    payload, ledger, machine = started()
    payload.receive(SolPacket(1, 0, 0, 0, b"x"), 0.1)
    payload.print(b"abc", 0.2)
    payload.deactivate(tell=True)
    payload.print(b"def", 0.3)
    payload.packets()

    payload.activate(1.0)
    payload.print(b"ghi", 1.05)
    payload.receive(SolPacket(1, 0, 0, 0, b"y"), 1.06)

    assert sent(payload)[0] == SolPacket(1, 1, 1, 0, b"ghi")
    assert machine.typed == b"xy"
    assert ledger.dropped[Drop.NO_OWNER] == 6


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=30), st.integers(0, 2**9))
def test_every_byte_is_acked_once_in_order_or_waits(
    writes: list[bytes], lost: int
) -> None:
    payload, ledger, _ = started()
    now = 0.0
    for n, data in enumerate(writes):
        payload.print(data, now)
        now += 0.3
        for at, packet in run(payload, now):
            if not lost >> (n % 10) & 1:
                payload.receive(ack(packet), at)

    printed = b"".join(writes)
    assert ledger.acknowledged + payload.waiting == len(printed)
    assert printed.startswith(bytes(ledger.kept))
