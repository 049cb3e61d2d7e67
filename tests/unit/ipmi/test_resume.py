"""A session that goes on in another process: nothing lost, nothing twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.auth import SessionKeys
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.events import (
    SessionLost,
    SolConfirmed,
    SolData,
    SolDeactivated,
    SolLoss,
    SolStolen,
)
from solrecd.sources.ipmi.protocol.frozen import FrozenSession, Numbers
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import MalformedPacket, decode_sol
from solrecd.sources.ipmi.protocol.session import Session
from tests.support.joined import Joined, counting_tokens
from tests.unit.ipmi.test_lossy import Network, Printer, make_text

OPTIONS = SessionOptions(username=b"recorder", password=b"secret")


NUMBERS = Numbers(
    received=50,
    sent=60,
    taken=4,
    taken_size=10,
    taken_sum=0,
    pending=5,
    pending_size=5,
    pending_sum=0,
    pending_known=0,
    habit=0,
    seen=5,
    status=0,
    next_number=1,
    request=9,
)


class KilledError(Exception):
    """The process ended here, as by kill -9."""


@dataclass
class Memory:
    """What outlives a process: its numbers, and how much was recorded before them."""

    frozen: FrozenSession
    numbers: Numbers
    before: int = 0


@dataclass
class Process:
    """Holds a session the way `link.sol` does, and may die between any two."""

    session: Session
    memory: Memory
    output: bytearray
    may_die: Callable[[], None]
    losses: list[SolLoss] = field(default_factory=list)

    def write_ahead(self) -> None:
        """Write the numbers down."""
        self.memory.numbers = Numbers(*self.session.numbers())
        self.memory.before = len(self.output)

    def take(self, datagram: bytes, now: float) -> None:
        """Take one datagram."""
        for event in self.session.receive(datagram, now):
            if isinstance(event, SolLoss):
                self.losses.append(event)
            if isinstance(event, SolData):
                self.may_die()
                self.write_ahead()
                self.may_die()
                self.output += event.data
                self.may_die()
                self.session.acknowledge()
                self.may_die()

    def serve(self, arriving: Iterator[bytes], now: float) -> list[bytes]:
        """Take what came; return what to send."""
        for datagram in arriving:
            self.take(datagram, now)
        return self.datagrams()

    def datagrams(self) -> list[bytes]:
        """Return what to send now."""
        datagrams = self.session.datagrams()
        if self.memory.numbers.sent != self.session.sent:
            self.may_die()
            self.write_ahead()
        self.may_die()
        return datagrams

    def replaced(self, now: float) -> Process:
        """Return the process that goes on where this one ended."""
        numbers = self.memory.numbers.settled(self.memory.before, len(self.output))
        assert numbers is not None
        session = Session.resume(
            OPTIONS, self.memory.frozen, numbers, now, token_bytes=counting_tokens()
        )
        return Process(session, self.memory, self.output, self.may_die, self.losses)


def freeze(session: Session) -> FrozenSession:
    """Return what never changes in a session with an active payload."""
    frozen = session.freeze()
    assert frozen is not None
    return frozen


def hand_over(joined: Joined) -> None:
    """Let another process go on with the session, and both talk."""
    frozen, numbers = freeze(joined.session), Numbers(*joined.session.numbers())
    settled = numbers.settled(0, 0)
    assert settled is not None
    joined.session = Session.resume(
        OPTIONS, frozen, settled, joined.now, token_bytes=counting_tokens()
    )
    joined.events.clear()
    joined.exchange()


def test_a_resumed_session_goes_on_and_the_bmc_confirms_it() -> None:
    joined = Joined().log_in().activate()
    joined.print(3, b"before ")

    hand_over(joined)
    joined.print(4, b"after")

    assert joined.found(SolConfirmed)
    assert joined.output == b"before after"
    assert joined.acks()[-1] == (4, 5)


def test_the_suite_that_the_bmc_has_proved_itself_under_is_handed_over() -> None:
    joined = Joined(cipher_suites=(3,)).log_in().activate()

    hand_over(joined)

    assert joined.session.proved_suite == 3


def test_a_retransmission_after_the_hand_over_is_only_acknowledged() -> None:
    joined = Joined().log_in().activate()
    joined.print(3, b"once")

    hand_over(joined)
    joined.print(3, b"once")
    joined.print(3, b"once more")

    assert joined.output == b"once more"
    assert joined.acks()[-2:] == [(3, 4), (3, 9)]


def test_of_transmissions_that_came_together_only_the_last_is_acknowledged() -> None:
    joined = Joined().log_in().activate()
    hand_over(joined)

    joined.feed(
        joined.bmc.send_sol(3, b"grown"),
        joined.bmc.send_sol(3, b"grown more"),
        joined.bmc.send_sol(3, b"grown more and more"),
    )
    joined.exchange()

    assert joined.output == b"grown more and more"
    assert joined.acks() == [(3, len(joined.output))]


def test_a_number_skipped_during_the_hand_over_is_marked() -> None:
    joined = Joined().log_in().activate()
    joined.print(3, b"before")

    hand_over(joined)
    joined.print(6, b"after")

    assert [loss.packets for loss in joined.found(SolLoss)] == [2]


def test_a_thief_during_the_hand_over_is_noticed() -> None:
    joined = Joined().log_in().activate()
    joined.bmc.owner = 0xBAD

    hand_over(joined)

    assert joined.found(SolStolen)
    assert not joined.found(SolConfirmed)


def test_a_payload_that_went_during_the_hand_over_is_noticed() -> None:
    joined = Joined().log_in().activate()
    joined.bmc.owner = 0

    hand_over(joined)

    assert joined.found(SolDeactivated)


def test_a_bmc_that_forgot_the_session_is_given_up_within_two_seconds() -> None:
    joined = Joined().log_in().activate()
    frozen, numbers = freeze(joined.session), Numbers(*joined.session.numbers())
    joined.session = Session.resume(
        OPTIONS, frozen, numbers, joined.now, token_bytes=counting_tokens()
    )

    joined.wait_unanswered(2.0)

    assert [lost.reason for lost in joined.found(SessionLost)] == [
        LostReason.BMC_TIMEOUT
    ]


def test_nothing_is_frozen_without_an_active_payload() -> None:
    joined = Joined().log_in()

    assert joined.session.freeze() is None


def test_keys_are_not_shown() -> None:
    frozen = freeze(Joined().log_in().activate().session)

    assert frozen.k1.hex() not in repr(frozen)
    assert repr(frozen.k1) not in repr(frozen)
    assert repr(SessionKeys(b"", frozen.k1, frozen.k2)) == "SessionKeys(...)"


@pytest.mark.parametrize(
    ("recorded", "taken"),
    [(100, (4, 10)), (105, (5, 5)), (104, None), (90, None)],
)
def test_the_recorded_bytes_tell_whether_the_pending_packet_counts(
    recorded: int, taken: tuple[int, int] | None
) -> None:
    settled = NUMBERS.settled(100, recorded)

    assert (settled and (settled.taken, settled.taken_size)) == taken


def test_only_the_grown_end_of_a_pending_retransmission_counts() -> None:
    numbers = NUMBERS._replace(pending=4, pending_size=15, pending_known=10, seen=4)

    settled = numbers.settled(100, 105)

    assert settled is not None
    assert (settled.taken, settled.taken_size, settled.pending) == (4, 15, 0)


@pytest.mark.parametrize("seed", range(40))
def test_kills_at_any_point_on_a_bad_network_cost_no_byte(seed: int) -> None:
    rng = random.Random(seed)
    joined = Joined().log_in().activate()
    printer = Printer(joined, make_text(rng), rng)

    kills = run(joined, printer, rng, loss=rng.choice((0.0, 0.1, 0.4)))

    assert joined.output == printer.text
    assert kills > 3


def run(joined: Joined, printer: Printer, rng: random.Random, loss: float) -> int:
    """Let the BMC print it all to processes that die; return how many did."""

    def may_die() -> None:
        if rng.random() < 0.03:
            raise KilledError

    there, back = Network(rng, loss), Network(rng, loss)
    memory = Memory(freeze(joined.session), Numbers(*joined.session.numbers()))
    process = Process(joined.session, memory, joined.output, may_die)
    kills, sent = 0, []
    while printer.sent < len(printer.text):
        joined.now += 0.01
        assert joined.now < 2000, "the BMC never got everything through"
        datagram = printer.next_datagram(joined.now)
        if datagram is not None:
            there.carry(datagram, joined.now)
        try:
            leaving = process.serve(there.arrived(joined.now), joined.now)
        except KilledError:
            kills += 1
            process = process.replaced(joined.now)
            continue
        for packet in leaving:
            sent.append(packet[10:14])
            back.carry(packet, joined.now)
        deliver(joined, printer, back.arrived(joined.now))
    assert not process.losses
    assert len(set(sent)) == len(sent), "a session sequence number was used twice"
    return kills


def deliver(joined: Joined, printer: Printer, datagrams: Iterator[bytes]) -> None:
    """Give datagrams to the BMC, which is strict about late ones."""
    cipher = joined.bmc.cipher
    assert cipher is not None
    for datagram in datagrams:
        try:
            kind, payload = cipher.open(datagram)
        except MalformedPacket:
            continue
        if kind == PayloadType.SOL:
            printer.acknowledged(decode_sol(payload))
