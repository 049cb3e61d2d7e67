"""A terrible network: every console byte once and in order, every loss marked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from solrecd.events.gaps import GapReason
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.events import SessionEvent, SolData, SolLoss
from solrecd.sources.ipmi.protocol.packets import MalformedPacket, SolPacket, decode_sol
from tests.support.joined import Joined

RESEND_AFTER = 1.0
"""Seconds; BMCs retransmit at about this pace."""


@dataclass
class Network:
    """Drops, repeats, delays and reorders, the same way for the same seed."""

    rng: random.Random
    loss: float
    _flying: list[tuple[float, int, bytes]] = field(default_factory=list)
    _count: int = 0

    def carry(self, datagram: bytes, now: float) -> None:
        """Take a datagram; it arrives never, once or twice, sooner or later."""
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            if self.rng.random() >= self.loss:
                delay = self.rng.choice((0.01, 0.02, 0.3, 1.5))
                self._count += 1
                self._flying.append((now + delay, self._count, datagram))

    def arrived(self, now: float) -> Iterator[bytes]:
        """Yield what is there by now."""
        due = sorted(entry for entry in self._flying if entry[0] <= now)
        self._flying = [entry for entry in self._flying if entry[0] > now]
        for _, _, datagram in due:
            yield datagram


@dataclass
class Printer:
    """The SoL sender of a BMC: one packet at a time, sent until acknowledged."""

    joined: Joined
    text: bytes
    rng: random.Random
    sent: int = 0
    number: int = 0
    size: int = 0
    resend_at: float = 0.0
    gives_up_after: int = 1000
    tries: int = 0

    def next_datagram(self, now: float) -> bytes | None:
        """Return what the BMC sends now, if anything."""
        if self.size and now < self.resend_at:
            return None
        if self.size and self.tries >= self.gives_up_after:
            self._drop()
        if not self.size:
            if self.sent >= len(self.text):
                return None
            self.number, self.tries = self.number % 15 + 1, 0
        # New characters join a retransmission, as ipmi_sim's do.
        grown = self.size + self.rng.randint(8, 40)
        self.size = min(grown, 255, len(self.text) - self.sent)
        self.tries += 1
        self.resend_at = now + RESEND_AFTER
        data = self.text[self.sent : self.sent + self.size]
        return self.joined.bmc.send_sol(self.number, data)

    def acknowledged(self, packet: SolPacket) -> None:
        """Take an ACK, unless the packet has grown since: then it comes again."""
        if packet.acknowledged == self.number and packet.accepted == self.size:
            self.sent += packet.accepted
            self.size = 0

    def _drop(self) -> None:
        """Give up; like ipmi_sim, skip a number, which is the only sign of it."""
        self.number = self.number % 15 + 1
        self.sent += self.size
        self.size = 0


def run(joined: Joined, printer: Printer, rng: random.Random, loss: float) -> None:
    """Let the BMC print everything over a network that loses this share."""
    there, back = Network(rng, loss), Network(rng, loss)
    for _ in range(200_000):
        joined.now += 0.01
        datagram = printer.next_datagram(joined.now)
        if datagram is not None:
            there.carry(datagram, joined.now)
        for arriving in there.arrived(joined.now):
            joined.feed(arriving)
        for leaving in joined.session.datagrams():
            back.carry(leaving, joined.now)
        for arriving in back.arrived(joined.now):
            for packet in _read_sol(joined, arriving):
                printer.acknowledged(packet)
        if printer.sent >= len(printer.text):
            return
    pytest.fail("the BMC never got everything through")


def _read_sol(joined: Joined, datagram: bytes) -> list[SolPacket]:
    """Open what reached the BMC, which is as strict about late packets as we are."""
    cipher = joined.bmc.cipher
    assert cipher is not None
    try:
        kind, payload = cipher.open(datagram)
    except MalformedPacket:
        return []
    return [decode_sol(payload)] if kind == PayloadType.SOL else []


def make_text(rng: random.Random) -> bytes:
    """Return bytes of which any eight tell their place."""
    return rng.randbytes(rng.randint(800, 3000))


@pytest.mark.parametrize("seed", range(30))
def test_every_byte_is_recorded_once_and_in_order(seed: int) -> None:
    rng = random.Random(seed)
    joined = Joined().log_in().activate()
    printer = Printer(joined, make_text(rng), rng)

    run(joined, printer, rng, loss=rng.choice((0.0, 0.1, 0.4)))

    assert joined.output == printer.text
    assert not joined.found(SolLoss)


@pytest.mark.parametrize("seed", range(30))
def test_what_a_bmc_gives_up_on_is_marked_at_its_place(seed: int) -> None:
    rng = random.Random(1000 + seed)
    joined = Joined().log_in().activate()
    printer = Printer(joined, make_text(rng), rng, gives_up_after=2)
    joined.print(15, b"")  # a first number, so that the next one is expected

    run(joined, printer, rng, loss=0.4)

    assert_marks_cover_what_is_missing(joined.events, printer)


def assert_marks_cover_what_is_missing(
    events: list[SessionEvent], printer: Printer
) -> None:
    """Walk output and text side by side; only at a mark may the text run ahead."""
    position, marked = 0, False
    for event in events:
        if isinstance(event, SolLoss):
            assert event.reason is GapReason.SKIPPED
            marked = True
        elif isinstance(event, SolData):
            found = printer.text.find(event.data, position)
            assert found >= position, "output twice or out of order"
            assert found == position or marked, f"silent gap at {position}"
            position, marked = found + len(event.data), False


@pytest.mark.parametrize("seed", range(12))
def test_what_came_again_is_counted(seed: int) -> None:
    """Numbers and lengths of what arrives tell what the session must have counted."""
    rng = random.Random(2000 + seed)
    joined = Joined().log_in().activate()
    printer = Printer(joined, make_text(rng), rng)
    before = joined.session.statistics
    seen: dict[str, int] = {"number": 0, "size": 0}
    expected = {"received": 0, "duplicates": 0, "grown": 0, "rejected": 0}
    feed = joined.feed

    def counting_feed(*datagrams: bytes) -> list[SessionEvent]:
        for datagram in datagrams:
            rejected = sum(joined.session.statistics.rejected.values())
            size = len(joined.output)
            feed(datagram)
            expected["received"] += 1
            if sum(joined.session.statistics.rejected.values()) > rejected:
                expected["rejected"] += 1
                continue
            new = len(joined.output) - size
            number, length = printer.number, printer.size
            if number != seen["number"]:
                seen.update(number=number, size=new)
            elif new:
                expected["grown"] += 1
                seen["size"] += new
            elif length:
                expected["duplicates"] += 1
        return []

    joined.feed = counting_feed  # type: ignore[method-assign]
    run(joined, printer, rng, loss=0.3)

    after = joined.session.statistics
    assert after.received - before.received == expected["received"]
    assert sum(after.rejected.values()) == expected["rejected"]
    assert after.grown == expected["grown"]
    assert after.duplicates == expected["duplicates"]
    assert after.duplicates + after.grown > 0
