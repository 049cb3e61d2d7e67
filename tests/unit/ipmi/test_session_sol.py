"""SoL through a whole session: recorded before acknowledged, losses marked."""

from __future__ import annotations

import pytest

from solrecd.events.gaps import GapReason
from solrecd.sources.ipmi.protocol.constants import AppCommand
from solrecd.sources.ipmi.protocol.events import (
    SessionEvent,
    SolActivated,
    SolAvailable,
    SolBreak,
    SolData,
    SolInputStuck,
    SolLoss,
    SolUnavailable,
)
from solrecd.sources.ipmi.protocol.quirks import Quirk
from solrecd.sources.limits import UNSENT_LIMIT
from tests.support.joined import Joined
from tests.support.scripted_bmc import ACTIVATED, BMC_SESSION_ID, ScriptedBmc

NACK, UNAVAILABLE, OVERRUN, BREAK = 0x40, 0x20, 0x08, 0x04


@pytest.fixture
def joined() -> Joined:
    """Return a session whose payload is active."""
    return Joined().log_in().activate()


def small_packets(size: int = 8) -> Joined:
    """Return a session whose BMC takes that many bytes per packet."""
    return Joined(payload_size=size).log_in().activate()


# --- output --------------------------------------------------------------------------


def test_output_is_acknowledged_with_number_and_length(joined: Joined) -> None:
    joined.print(7, b"hello")

    assert joined.output == b"hello"
    assert joined.acks() == [(7, 5)]


def test_nothing_is_acknowledged_before_it_is_recorded(joined: Joined) -> None:
    joined.records = False

    joined.print(1, b"hello")

    assert joined.acks() == []


def test_what_was_not_recorded_is_delivered_again(joined: Joined) -> None:
    joined.records = False
    joined.print(1, b"hello")
    joined.records = True

    joined.print(1, b"hello, world")

    assert joined.output == b"hello, world"
    assert joined.acks() == [(1, 12)]


def test_an_acknowledgement_packet_does_not_acknowledge_what_was_not_recorded(
    joined: Joined,
) -> None:
    joined.records = False
    joined.print(1, b"hello")

    joined.print(0)
    joined.print(0, status=OVERRUN)

    assert joined.acks() == []


def test_a_retransmission_is_acknowledged_but_not_recorded_twice(
    joined: Joined,
) -> None:
    joined.print(1, b"hello")

    assert joined.print(1, b"hello") == []

    assert joined.output == b"hello"
    assert joined.acks() == [(1, 5), (1, 5)]
    assert joined.session.statistics.duplicates == 1


def test_a_grown_retransmission_yields_only_its_tail(joined: Joined) -> None:
    joined.print(1, b"hello")

    joined.print(1, b"hello, world")

    assert joined.output == b"hello, world"
    assert joined.acks() == [(1, 5), (1, 12)]
    assert joined.session.statistics.grown == 1


def test_a_tail_that_was_not_recorded_comes_again(joined: Joined) -> None:
    joined.print(1, b"hello")
    joined.records = False
    joined.print(1, b"hello, world")
    joined.records = True

    joined.print(1, b"hello, world")

    assert joined.output == b"hello, world"


def test_a_shrunk_retransmission_yields_nothing(joined: Joined) -> None:
    joined.print(1, b"hello")

    joined.print(1, b"he")

    assert joined.output == b"hello"
    assert joined.acks()[-1] == (1, 2)


def test_numbers_run_from_one_to_fifteen_and_round_again(joined: Joined) -> None:
    for index in range(31):
        joined.print(index % 15 + 1, b"%d " % index)

    assert joined.output == b"".join(b"%d " % index for index in range(31))
    assert not joined.found(SolLoss)


@pytest.mark.parametrize("first", [1, 5, 15])
def test_the_first_packet_may_have_any_number(joined: Joined, first: int) -> None:
    joined.print(first, b"x")
    joined.print(first % 15 + 1, b"y")

    assert not joined.found(SolLoss)


def test_a_skipped_number_is_marked_before_the_data(joined: Joined) -> None:
    joined.print(1, b"x")

    events = joined.print(4, b"y")

    assert events == [SolLoss(GapReason.SKIPPED, packets=2), SolData(b"y")]


@pytest.mark.parametrize("seconds", [0.01, 0.6])
def test_the_same_text_behind_a_skipped_number_is_recorded_and_marked(
    joined: Joined, seconds: float
) -> None:
    line = b"waiting for the network\r\n"
    joined.print(1, line)
    joined.wait(seconds)

    joined.print(3, line)

    assert joined.output == 2 * line
    assert joined.found(SolLoss) == [SolLoss(GapReason.SKIPPED, packets=1)]
    assert not joined.session.resends


def test_the_same_text_after_all_tries_of_skipped_numbers_is_known_and_marked(
    joined: Joined,
) -> None:
    line = b"waiting for the network\r\n"
    joined.print(1, line)
    joined.wait(0.8)

    joined.print(3, line + b"more")

    assert joined.output == line + b"more"
    assert joined.found(SolLoss) == [SolLoss(GapReason.SKIPPED, packets=1)]
    assert not joined.session.resends


def test_a_loss_is_marked_once_although_its_packet_comes_twice(joined: Joined) -> None:
    joined.print(1, b"x")
    joined.records = False
    joined.print(4, b"y", status=OVERRUN)
    joined.records = True

    joined.print(4, b"y", status=OVERRUN)

    assert len(joined.found(SolLoss)) == 2
    assert joined.output == b"xy"


def test_a_jump_that_was_never_recorded_is_marked_again_for_the_next_one(
    joined: Joined,
) -> None:
    joined.print(1, b"x")
    joined.records = False
    joined.print(2, b"y")
    joined.records = True

    joined.print(3, b"z")

    assert joined.found(SolLoss) == [SolLoss(GapReason.SKIPPED, packets=1)]


def test_overrun_is_marked_before_the_data(joined: Joined) -> None:
    events = joined.print(1, b"x", status=OVERRUN)

    assert events == [SolLoss(GapReason.OVERRUN), SolData(b"x")]


def test_overrun_without_data_is_marked_too(joined: Joined) -> None:
    assert joined.print(0, status=OVERRUN) == [SolLoss(GapReason.OVERRUN)]


def test_every_packet_that_says_overrun_is_marked(joined: Joined) -> None:
    joined.print(1, b"x", status=OVERRUN)
    joined.print(2, b"y", status=OVERRUN)

    assert len(joined.found(SolLoss)) == 2


def test_a_break_is_told_although_nothing_was_typed(joined: Joined) -> None:
    assert joined.print(1, b"x", status=BREAK) == [SolBreak(), SolData(b"x")]


def test_a_machine_that_is_off_is_told_once_and_so_is_its_return(
    joined: Joined,
) -> None:
    joined.print(0, status=UNAVAILABLE)
    joined.print(0, status=UNAVAILABLE)
    joined.print(1, b"x")

    kinds = [type(event) for event in joined.events[-3:]]
    assert kinds == [SolUnavailable, SolAvailable, SolData]


def test_a_numbered_packet_without_data_is_acknowledged_by_itself(
    joined: Joined,
) -> None:
    joined.print(1)
    joined.print(2, b"x")

    assert joined.acks() == [(1, 0), (2, 1)]
    assert not joined.found(SolLoss)


def test_no_more_is_taken_than_can_be_acknowledged(joined: Joined) -> None:
    joined.print(1, bytes(300))

    assert len(joined.output) == 255
    assert joined.acks() == [(1, 255)]


def test_output_that_overtakes_the_answer_to_activation_is_kept() -> None:
    joined = Joined().log_in()
    joined.session.activate(joined.now)
    answers = joined.bmc.receive(joined.session.datagrams())

    early = joined.bmc.send_sol(1, b"early")
    # Session numbers must grow, so the answer is sealed again, after the data.
    assert joined.bmc.cipher is not None
    joined.feed(early)

    assert joined.output == b"early"
    assert len(answers) == 1
    assert not joined.found(SolActivated)


def test_output_after_the_payload_went_is_still_output(joined: Joined) -> None:
    joined.session.deactivate(joined.now)
    joined.exchange()

    joined.print(1, b"straggler")

    assert joined.output == b"straggler"


def test_numbers_start_afresh_with_each_activation(joined: Joined) -> None:
    joined.print(5, b"before")
    joined.session.deactivate(joined.now)
    joined.exchange()
    joined.activate()

    joined.print(5, b" after")

    assert joined.output == b"before after"
    assert not joined.found(SolLoss)


def test_acknowledging_twice_sends_one_ack(joined: Joined) -> None:
    joined.print(1, b"x")

    joined.session.acknowledge()

    assert joined.session.datagrams() == []


# --- input ---------------------------------------------------------------------------


def test_input_is_sent_and_counted_until_it_is_accepted(joined: Joined) -> None:
    joined.session.write(b"ls\r", joined.now)
    joined.exchange()
    assert joined.session.unsent == 3

    joined.print(0, acknowledged=2, accepted=3)

    assert joined.typed() == b"ls\r"
    assert joined.session.unsent == 0


def test_input_is_cut_to_the_negotiated_size() -> None:
    bmc = ScriptedBmc()
    answer = ACTIVATED[:4] + (36).to_bytes(2, "little") + ACTIVATED[6:]
    bmc.answers[AppCommand.ACTIVATE_PAYLOAD] = lambda _: (0, answer)
    joined = Joined(bmc).log_in().activate()

    joined.session.write(b"x" * 100, joined.now)
    for number in (2, 3, 4, 5):
        joined.exchange()
        joined.print(0, acknowledged=number, accepted=len(joined.bmc.sol[-1].data))

    assert [len(packet.data) for packet in joined.bmc.sol] == [32, 32, 32, 4]
    assert joined.session.unsent == 0


def test_one_packet_of_input_is_under_way_at_a_time() -> None:
    joined = small_packets()

    joined.session.write(b"x" * 16, joined.now)
    joined.exchange()

    assert len(joined.bmc.sol) == 1


def test_keystrokes_that_wait_travel_together(joined: Joined) -> None:
    for key in b"abc":
        joined.session.write(bytes((key,)), joined.now)
        joined.exchange()

    joined.print(0, acknowledged=2, accepted=1)

    assert [packet.data for packet in joined.bmc.sol] == [b"a", b"bc"]


def test_input_without_an_ack_is_sent_again_unchanged(joined: Joined) -> None:
    joined.session.write(b"ls\r", joined.now)
    joined.exchange()

    joined.wait(2)

    assert [packet.number for packet in joined.bmc.sol] == [2, 2, 2]
    assert len(set(joined.bmc.sol)) == 1
    assert joined.session.statistics.input_retransmitted == 2


@pytest.mark.parametrize("status", [0, NACK])
def test_the_rest_of_a_partial_acceptance_goes_under_a_new_number(
    joined: Joined, status: int
) -> None:
    joined.session.write(b"abcdef", joined.now)
    joined.exchange()

    joined.print(0, acknowledged=2, accepted=4, status=status)
    joined.wait(1)

    assert joined.bmc.sol[1].number == 3
    assert joined.bmc.sol[1].data == b"ef"


def test_a_full_refusal_is_not_answered_by_a_storm(joined: Joined) -> None:
    joined.session.write(b"abc", joined.now)
    joined.exchange()

    joined.print(0, acknowledged=2, accepted=0, status=NACK)

    assert len(joined.bmc.sol) == 1


def test_an_ack_for_another_number_changes_nothing(joined: Joined) -> None:
    joined.session.write(b"abc", joined.now)
    joined.exchange()

    joined.print(0, acknowledged=9, accepted=3)

    assert joined.session.unsent == 3


def test_more_accepted_than_sent_is_all_of_it(joined: Joined) -> None:
    joined.session.write(b"abc", joined.now)
    joined.exchange()

    joined.print(0, acknowledged=2, accepted=200)

    assert joined.session.unsent == 0


def test_output_and_ack_may_share_a_packet(joined: Joined) -> None:
    joined.session.write(b"a", joined.now)
    joined.exchange()

    joined.print(1, b"a", acknowledged=2, accepted=1)

    assert joined.output == b"a"
    assert joined.session.unsent == 0


def test_a_break_is_a_status_bit_in_order_with_the_input(joined: Joined) -> None:
    joined.session.write(b"before", joined.now)
    joined.session.send_break(joined.now)
    joined.session.write(b"after", joined.now)
    joined.exchange()

    joined.print(0, acknowledged=2, accepted=6)
    joined.print(0, acknowledged=3)

    sent = [(packet.data, packet.status) for packet in joined.bmc.sol]
    assert sent == [(b"before", 0), (b"", 0x10), (b"after", 0)]


def test_a_refused_break_is_sent_again(joined: Joined) -> None:
    joined.session.send_break(joined.now)
    joined.exchange()

    joined.print(0, acknowledged=2, status=NACK)
    joined.wait(1)

    assert [packet.status for packet in joined.bmc.sol][:2] == [0x10, 0x10]


def test_input_waits_for_the_activation() -> None:
    joined = Joined().log_in()
    joined.session.write(b"early", joined.now)
    assert joined.session.datagrams() == []

    joined.activate()

    assert joined.typed() == b"early"


def test_input_that_waits_is_dropped_with_the_payload(joined: Joined) -> None:
    joined.session.write(b"rm -rf /\r", joined.now)
    joined.bmc.owner = 0xDEAD
    joined.wait(20)
    sent = len(joined.bmc.sol)
    joined.bmc.owner = BMC_SESSION_ID

    joined.activate()
    joined.wait(5)

    assert joined.session.unsent == 0
    assert len(joined.bmc.sol) == sent


def test_input_is_bounded(joined: Joined) -> None:
    joined.session.write(bytes(UNSENT_LIMIT), joined.now)

    with pytest.raises(BufferError, match="wait already"):
        joined.session.write(b"x", joined.now)


def test_input_begins_with_an_empty_packet_number_1_after_each_activation() -> None:
    joined = Joined(ScriptedBmc(takes_opening=False)).log_in().activate()
    numbers = []
    for _ in range(2):
        joined.session.write(b"a", joined.now)
        joined.exchange()
        joined.print(0, acknowledged=1)
        joined.print(0, acknowledged=2, accepted=1)
        numbers += [(packet.number, packet.data) for packet in joined.bmc.sol]
        joined.bmc.sol.clear()
        joined.session.deactivate(joined.now)
        joined.exchange()
        joined.activate()

    assert numbers == [(1, b""), (2, b"a")] * 2


def test_where_nothing_is_typed_nothing_is_sent(joined: Joined) -> None:
    joined.wait(60)

    assert joined.bmc.sol == []


def test_a_bmc_that_does_not_take_the_empty_packet_gets_input_all_the_same() -> None:
    joined = Joined(ScriptedBmc(takes_opening=False)).log_in().activate()

    joined.session.write(b"a", joined.now)
    joined.wait(1.6)

    sent = [(packet.number, packet.data) for packet in joined.bmc.sol]
    assert sent == [(1, b""), (1, b""), (2, b"a")]


class Strict:
    """The input side of a BMC that takes the next number only."""

    def __init__(self, joined: Joined) -> None:
        self.joined = joined
        self.expected = 2
        self.typed = b""
        self.lost_acks: set[int] = set()
        """Numbers of which the first acknowledgement gets lost."""

    def run(self, seconds: float) -> None:
        """Let time pass, and take what comes."""
        end = self.joined.now + seconds
        while self.joined.now < end:
            self.joined.wait(0.1)
            self.take()

    def take(self) -> None:
        """Take what came."""
        while self.joined.bmc.sol:
            packet = self.joined.bmc.sol.pop(0)
            if packet.number != self.expected:
                continue
            self.expected = packet.number % 15 + 1
            self.typed += packet.data
            if packet.number in self.lost_acks:
                self.lost_acks.remove(packet.number)
                continue
            size = len(packet.data)
            self.joined.print(0, acknowledged=packet.number, accepted=size)


@pytest.mark.parametrize("number", [2, 3, 9, 14, 15, 1])
def test_a_lost_ack_of_a_bmc_that_takes_no_number_twice_costs_no_key(
    joined: Joined, number: int
) -> None:
    bmc = Strict(joined)
    bmc.lost_acks.add(number)
    keys = b"abcdefghijklmnopqrstuvwxyz"

    for key in keys:
        joined.session.write(bytes((key,)), joined.now)
        bmc.run(1)
    bmc.run(8)

    assert bmc.typed == keys
    assert joined.session.unsent == 0


@pytest.mark.parametrize("ahead", range(15))
def test_a_bmc_that_waits_for_any_other_number_is_found(
    joined: Joined, ahead: int
) -> None:
    bmc = Strict(joined)
    joined.session.write(b"first", joined.now)
    bmc.run(1)
    bmc.expected = (bmc.expected + ahead - 1) % 15 + 1

    joined.session.write(b"ls\r", joined.now)
    bmc.run(12)
    joined.session.write(b"df\r", joined.now)
    bmc.run(12)

    assert bmc.typed.endswith(b"df\r")
    assert joined.session.unsent == 0


def test_input_that_is_not_taken_is_told_after_three_seconds_and_so_is_its_end(
    joined: Joined,
) -> None:
    joined.session.write(b"abc", joined.now)
    joined.exchange()
    soon = joined.wait(2.9)
    later = joined.wait(1)
    number = joined.bmc.sol[0].number

    after = joined.print(0, acknowledged=number, accepted=3)
    after += joined.wait(0.1)

    assert SolInputStuck not in kinds(soon)
    told = [event for event in later + after if isinstance(event, SolInputStuck)]
    assert told == [SolInputStuck(3, is_stuck=True), SolInputStuck(0, is_stuck=False)]


def test_input_that_a_machine_without_power_refuses_is_told_as_stuck(
    joined: Joined,
) -> None:
    joined.session.write(b"abc", joined.now)
    for _ in range(40):
        joined.wait(0.1)
        while joined.bmc.sol:
            packet = joined.bmc.sol.pop(0)
            status = NACK | UNAVAILABLE
            joined.print(0, acknowledged=packet.number, status=status)

    assert [event.is_stuck for event in joined.found(SolInputStuck)] == [True]


def test_a_bmc_that_takes_no_number_at_all_is_not_flooded(joined: Joined) -> None:
    joined.session.write(b"abc", joined.now)

    joined.wait(120)

    assert len(joined.bmc.sol) < 100


def test_accepting_nothing_means_all_of_it_under_intelplus() -> None:
    joined = Joined(quirks=frozenset({Quirk.INTELPLUS}))
    # RAKP 3 differs too: this BMC would refuse it, so the engine's sender is asked.
    sender = joined.session._behaviour

    assert sender.zero_accepts_all


def test_a_stuck_number_is_bumped_under_its_quirk() -> None:
    joined = Joined(quirks=frozenset({Quirk.SOLPACKETSEQ})).log_in().activate()

    joined.session.write(b"a", joined.now)
    joined.exchange()
    joined.wait(40)

    assert {packet.number for packet in joined.bmc.sol} == {2, 3}


def kinds(events: list[SessionEvent]) -> list[type]:
    """Return the types of events."""
    return [type(event) for event in events]


def test_loss_break_and_power_come_before_the_data_of_their_packet(
    joined: Joined,
) -> None:
    joined.print(1, b"x")

    events = joined.print(3, b"y", status=OVERRUN | BREAK | UNAVAILABLE)

    assert kinds(events) == [SolLoss, SolBreak, SolUnavailable, SolLoss, SolData]
