"""The BMC's side of SoL: what real ones do, and what became of every byte."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.machine import Echo, Machine
from solrecd.simbmc.payload import GiveUp, Overflow, SolPayload, SolSettings
from solrecd.sources.ipmi.protocol.constants import SolOperation, SolStatus
from solrecd.sources.ipmi.protocol.packets import SolPacket

AT_ONCE = SolSettings(threshold=1)


def started(
    settings: SolSettings = AT_ONCE, *, powered: bool = True
) -> tuple[SolPayload, Ledger, Machine]:
    """Return a payload with an owner at time 0."""
    ledger = Ledger(keep=1 << 16)
    machine = Machine(Echo(), powered=powered)
    machine.output(0.0)
    payload = SolPayload(settings, machine, ledger)
    payload.activate(0.0)
    return payload, ledger, machine


def ack(packet: SolPacket, accepted: int | None = None) -> SolPacket:
    """Return the ACK of a packet, in full unless told otherwise."""
    count = len(packet.data) if accepted is None else accepted
    return SolPacket(0, packet.number, count, 0, b"")


def test_output_waits_for_company_and_not_longer_than_the_interval() -> None:
    payload, _, _ = started(SolSettings(threshold=10, accumulate_interval=0.05))

    payload.print(b"abc", 1.0)
    early = payload.packets()
    due = payload.deadline
    payload.expire(1.05)

    assert early == []
    assert due == pytest.approx(1.05)
    assert [packet.data for packet in payload.packets()] == [b"abc"]


def test_enough_output_ends_the_wait() -> None:
    payload, _, _ = started(SolSettings(threshold=3))

    payload.print(b"abc", 1.0)

    assert payload.packets() == [SolPacket(1, 0, 0, 0, b"abc")]


def test_the_next_packet_leaves_when_the_last_was_acked() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 1.0)
    (first,) = payload.packets()
    payload.print(b"def", 1.1)
    meanwhile = payload.packets()

    payload.receive(ack(first), 1.2)

    assert meanwhile == []
    assert payload.packets() == [SolPacket(2, 0, 0, 0, b"def")]
    assert ledger.kept == b"abc"


def test_numbers_run_from_1_to_15() -> None:
    payload, _, _ = started()
    numbers = []
    for _ in range(17):
        payload.print(b"x", 1.0)
        (packet,) = payload.packets()
        numbers.append(packet.number)
        payload.receive(ack(packet), 1.0)

    assert numbers == [*range(1, 16), 1, 2]


def test_a_retransmission_keeps_the_number_and_takes_on_more() -> None:
    payload, ledger, _ = started(SolSettings(threshold=1, retry_interval=0.5))
    payload.print(b"abc", 1.0)
    payload.packets()
    payload.print(b"def", 1.1)

    payload.expire(1.5)
    (again,) = payload.packets()
    payload.receive(ack(again), 1.6)

    assert again == SolPacket(1, 0, 0, 0, b"abcdef")
    assert ledger.kept == b"abcdef"
    assert ledger.retransmissions == 1


def test_a_bmc_that_does_not_grow_repeats_exactly() -> None:
    payload, _, _ = started(SolSettings(threshold=1, grows=False))
    payload.print(b"abc", 1.0)
    first = payload.packets()
    payload.print(b"def", 1.1)

    payload.expire(2.0)

    assert payload.packets() == first


def test_a_late_ack_of_the_shorter_attempt_changes_nothing() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 1.0)
    (first,) = payload.packets()
    payload.print(b"def", 1.1)
    payload.expire(2.0)
    (grown,) = payload.packets()

    payload.receive(ack(first), 2.1)
    after_late = ledger.acknowledged
    payload.receive(ack(grown), 2.2)

    assert after_late == 0
    assert ledger.kept == b"abcdef"


def test_the_rest_of_a_partial_accept_goes_under_a_new_number() -> None:
    payload, ledger, _ = started()
    payload.print(b"abcdef", 1.0)
    (packet,) = payload.packets()

    payload.receive(ack(packet, accepted=2), 1.1)

    assert payload.packets() == [SolPacket(2, 0, 0, 0, b"cdef")]
    assert ledger.kept == b"ab"


def test_retransmissions_back_off() -> None:
    payload, _, _ = started(
        SolSettings(threshold=1, retry_interval=1.0, retry_growth=2.0)
    )
    payload.print(b"abc", 0.0)
    waits = []
    for _ in range(3):
        due = payload.deadline
        assert due is not None
        waits.append(due)
        payload.expire(due)

    assert waits == [1.0, 3.0, 7.0]


def test_a_nack_makes_the_bmc_wait_and_repeat() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 0.0)
    (packet,) = payload.packets()

    payload.receive(SolPacket(0, 1, 0, SolOperation.NACK, b""), 0.5)
    payload.expire(1.5)

    assert payload.packets() == [packet]
    assert ledger.acknowledged == 0


def test_a_pause_holds_new_packets_back() -> None:
    payload, _, _ = started()
    payload.receive(SolPacket(0, 0, 0, SolOperation.CTS_PAUSE, b""), 0.0)
    payload.print(b"abc", 0.1)
    held = payload.packets()

    payload.receive(SolPacket(0, 0, 0, 0, b""), 0.2)
    payload.expire(0.2)

    assert held == []
    assert [packet.data for packet in payload.packets()] == [b"abc"]


def test_a_full_buffer_sets_the_overrun_bit() -> None:
    payload, ledger, _ = started(SolSettings(threshold=1, buffer_size=4))
    payload.print(b"abcdef", 0.0)
    (first,) = payload.packets()
    payload.receive(ack(first), 0.1)
    payload.print(b"gh", 0.2)

    (second,) = payload.packets()

    assert first.status == SolStatus.TRANSMIT_OVERRUN
    assert second.status == 0
    assert ledger.dropped[Drop.OVERFLOW] == 2
    assert ledger.overruns == 1


def test_an_ack_for_an_attempt_before_the_overrun_does_not_clear_the_bit() -> None:
    payload, _, _ = started(SolSettings(threshold=1, buffer_size=4))
    payload.print(b"ab", 0.0)
    (first,) = payload.packets()
    payload.print(b"cdef", 0.1)
    payload.receive(ack(first), 0.2)

    (second,) = payload.packets()

    assert (first.status, second.status) == (0, SolStatus.TRANSMIT_OVERRUN)


def test_a_full_buffer_may_skip_a_number_instead() -> None:
    settings = SolSettings(threshold=1, buffer_size=4, overflow=Overflow.SKIP)
    payload, ledger, _ = started(settings)
    payload.print(b"ab", 0.0)
    (first,) = payload.packets()
    payload.print(b"cdef", 0.1)

    payload.receive(ack(first), 0.2)

    assert payload.packets() == [SolPacket(3, 0, 0, 0, b"cd")]
    assert ledger.skipped_numbers == 1


def test_with_flow_control_the_host_waits_while_half_of_the_buffer_is_full() -> None:
    settings = SolSettings(threshold=1, buffer_size=8, flow_control=True)
    payload, _, _ = started(settings)
    payload.print(b"abcd", 0.0)
    (packet,) = payload.packets()

    held = settings.holds_host(payload.waiting)
    payload.receive(ack(packet), 0.1)

    assert held
    assert not settings.holds_host(payload.waiting)


def test_a_full_buffer_may_say_nothing() -> None:
    settings = SolSettings(threshold=1, buffer_size=4, overflow=Overflow.SILENT)
    payload, ledger, _ = started(settings)

    payload.print(b"abcdef", 0.0)

    assert payload.packets() == [SolPacket(1, 0, 0, 0, b"abcd")]
    assert ledger.dropped[Drop.OVERFLOW] == 2


@pytest.mark.parametrize(
    ("give_up", "left", "number"),
    [(GiveUp.PACKET, b"def", 2), (GiveUp.BACKLOG, b"", 3)],
)
def test_a_bmc_gives_up_in_its_own_way(
    give_up: GiveUp, left: bytes, number: int
) -> None:
    settings = SolSettings(threshold=1, retry_count=1, give_up=give_up, grows=False)
    payload, ledger, _ = started(settings)
    payload.print(b"abc", 0.0)
    payload.print(b"def", 0.1)
    payload.expire(1.0)
    payload.packets()

    payload.expire(2.0)
    payload.print(b"ghi", 2.1)

    (packet,) = payload.packets()
    assert packet.number == number
    assert (left + b"ghi").startswith(packet.data)
    assert ledger.dropped[Drop.GIVEN_UP] == 6 - len(left)


def test_a_bmc_that_never_gives_up_keeps_everything() -> None:
    payload, ledger, _ = started(SolSettings(threshold=1, retry_count=1))
    payload.print(b"abc", 0.0)

    for second in range(1, 20):
        payload.expire(float(second))

    assert ledger.dropped.total() == 0
    assert payload.waiting == 3


def test_output_without_an_owner_is_lost() -> None:
    payload, ledger, _ = started()
    payload.deactivate(tell=False)

    payload.print(b"abc", 1.0)
    payload.activate(2.0)

    assert payload.packets() == []
    assert ledger.dropped[Drop.NO_OWNER] == 3


def test_a_history_waits_for_the_next_owner() -> None:
    payload, _, _ = started(SolSettings(threshold=1, buffers_without_owner=True))
    payload.deactivate(tell=False)

    payload.print(b"abc", 1.0)
    payload.activate(2.0)

    assert [packet.data for packet in payload.packets()] == [b"abc"]


def test_numbers_may_survive_the_owner() -> None:
    payload, _, _ = started(SolSettings(threshold=1, numbers_survive=True))
    payload.print(b"abc", 0.0)
    payload.receive(ack(payload.packets()[0]), 0.1)
    payload.deactivate(tell=False)

    payload.activate(1.0)
    payload.print(b"def", 1.0)

    assert [packet.number for packet in payload.packets()] == [2]


def test_a_robbed_owner_is_told() -> None:
    payload, _, _ = started()

    payload.deactivate(tell=True)

    assert payload.packets() == [SolPacket(0, 0, 0, SolStatus.DEACTIVATED, b"")]


def test_a_reset_forgets_everything() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 0.0)

    payload.reset()

    assert payload.packets() == []
    assert payload.deadline is None
    assert ledger.dropped[Drop.RESET] == 3


def test_input_is_taken_in_portions_and_only_once() -> None:
    payload, _, machine = started(SolSettings(input_size=4))
    packet = SolPacket(5, 0, 0, 0, b"typing")

    payload.receive(packet, 0.0)
    payload.receive(packet, 0.5)

    assert payload.packets() == [SolPacket(0, 5, 4, 0, b"")] * 2
    assert machine.typed == b"typi"


def test_a_host_without_power_takes_no_input() -> None:
    payload, _, machine = started(powered=False)

    payload.receive(SolPacket(5, 0, 0, 0, b"typing"), 0.0)

    status = SolStatus.NACK | SolStatus.TRANSFER_UNAVAILABLE
    assert payload.packets() == [SolPacket(0, 5, 0, status, b"")]
    assert machine.typed == b""


def test_some_bmcs_mean_all_by_an_accepted_count_of_zero() -> None:
    payload, _, machine = started()
    payload.accepts_zero = True

    payload.receive(SolPacket(5, 0, 0, 0, b"typing"), 0.0)

    assert payload.packets() == [SolPacket(0, 5, 0, 0, b"")]
    assert machine.typed == b"typing"


def test_a_break_reaches_the_host() -> None:
    payload, _, machine = started()

    payload.receive(SolPacket(0, 0, 0, SolOperation.BREAK, b""), 0.0)

    assert machine.breaks == 1


def test_the_digest_is_that_of_the_acked_bytes() -> None:
    payload, ledger, _ = started()
    payload.print(b"abc", 0.0)

    payload.receive(ack(payload.packets()[0]), 0.1)

    assert ledger.digest.startswith("ba7816bf8f01cfea")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=30))
def test_every_byte_is_acked_once_dropped_or_waiting(writes: list[bytes]) -> None:
    payload, ledger, _ = started(SolSettings(threshold=1, buffer_size=64))
    now = 0.0
    seen: list[SolPacket] = []
    for data in writes:
        now += 0.4
        payload.print(data, now)
        payload.expire(now)
        seen += payload.packets()
        if seen and len(data) % 2:
            payload.receive(ack(seen[len(data) * 7 % len(seen)]), now)

    known = ledger.acknowledged + ledger.dropped.total() + payload.waiting
    assert known == ledger.printed == sum(map(len, writes))
