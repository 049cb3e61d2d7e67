"""A `Session` and a `ScriptedBmc` joined in process; the test moves their clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.events import SessionEvent, SolData
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.session import Session
from tests.support.scripted_bmc import ScriptedBmc

E = TypeVar("E", bound=SessionEvent)

SESSION_ID = 0x5E55_1010


def counting_tokens() -> Callable[[int], bytes]:
    """Return a `token_bytes` that repeats itself from run to run."""
    counter = itertools.count(1)
    return lambda size: bytes((next(counter) % 256,)) * size


class Joined:
    """The two ends of one session; output is acknowledged unless told otherwise."""

    def __init__(self, bmc: ScriptedBmc | None = None, **options: Any) -> None:
        """Join a new session to a BMC; ``options`` go to `SessionOptions`."""
        self.bmc = ScriptedBmc() if bmc is None else bmc
        given = {"username": b"recorder", "password": b"secret"} | options
        self.session = Session(
            SessionOptions(**given),
            token_bytes=counting_tokens(),
            session_id=SESSION_ID,
        )
        self.now = 100.0
        self.records = True
        """Whether output is recorded, and so acknowledged."""
        self.output = bytearray()
        self.events: list[SessionEvent] = []
        """All events, output too."""

    def log_in(self) -> Joined:
        """Open the session and let both talk until they are silent."""
        self.session.open(self.now)
        self.exchange()
        return self

    def activate(self) -> Joined:
        """Activate the payload and let both talk until they are silent."""
        self.session.activate(self.now)
        self.exchange()
        return self

    def exchange(self) -> None:
        """Carry datagrams both ways until neither side has anything to say."""
        while sent := self.session.datagrams():
            self.feed(*self.bmc.receive(sent))

    def feed(self, *datagrams: bytes) -> list[SessionEvent]:
        """Give datagrams to the session only; return their events."""
        start = len(self.events)
        for datagram in datagrams:
            self._take(self.session.receive(datagram, self.now))
        return self.events[start:]

    def print(self, number: int, data: bytes = b"", **more: int) -> list[SessionEvent]:
        """Let the BMC send a SoL packet; return its events, and let both talk on."""
        events = self.feed(self.bmc.send_sol(number, data, **more))
        self.exchange()
        return events

    def wait(self, seconds: float) -> list[SessionEvent]:
        """Let time pass, timers fire and both talk; return the events."""
        start = len(self.events)
        end = self.now + seconds
        while (due := self.session.deadline) is not None and due <= end:
            self.now = max(self.now, due)
            self._take(self.session.expire(self.now))
            self.exchange()
        self.now = end
        return self.events[start:]

    def wait_unanswered(self, seconds: float) -> list[bytes]:
        """Let time pass without a BMC; return what the session sent."""
        end = self.now + seconds
        sent = self.session.datagrams()
        while (due := self.session.deadline) is not None and due <= end:
            self.now = max(self.now, due)
            self._take(self.session.expire(self.now))
            sent += self.session.datagrams()
        self.now = end
        return sent

    def found(self, kind: type[E]) -> list[E]:
        """Return the events of one type so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def acks(self) -> list[tuple[int, int]]:
        """Return number and count of the ACKs that the BMC has received."""
        return [(p.acknowledged, p.accepted) for p in self.bmc.sol if p.acknowledged]

    def typed(self) -> bytes:
        """Return the data of all SoL packets that the BMC has received."""
        return b"".join(packet.data for packet in self.bmc.sol)

    def _take(self, events: Sequence[SessionEvent]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, SolData) and self.records:
                self.output += event.data
                self.session.acknowledge()


def message_count(datagrams: Sequence[bytes]) -> int:
    """Count datagrams that carry IPMI messages, sealed or not."""
    return sum(datagram[5] & 0x3F == PayloadType.IPMI for datagram in datagrams)
