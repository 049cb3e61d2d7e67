"""Our session and a simulated BMC on a bad network, without sockets or clocks."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from functools import partial

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, FaultyPath
from solrecd.sources.ipmi.protocol.events import LoggedIn, SessionEvent, SolData
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.session import Session
from tests.support.remote_console import ADDRESS


class SimulatedWire:
    """Carries datagrams between one session and one BMC in virtual time.

    The session activates SoL as soon as it is logged in and "records" every byte.
    """

    def __init__(
        self, bmc: Bmc, options: SessionOptions, faults: Faults, seed: int = 0
    ) -> None:
        rng = random.Random(seed)
        self.bmc = bmc
        self.session = Session(options, token_bytes=rng.randbytes, session_id=0xABC0)
        self.now = 0.0
        self.recorded = bytearray()
        self.events: list[SessionEvent] = []
        self._up = FaultyPath(faults, rng)
        self._down = FaultyPath(faults, rng)
        self._flying: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._held: list[bytes] | None = None
        """What waits while our process stands still."""

    @property
    def faults(self) -> Faults:
        """Of the network, both ways."""
        return self._up.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._up.faults = self._down.faults = faults

    def run(self, until: Callable[[], bool], limit: float = 600.0) -> None:
        """Let time pass until `until` holds; virtual seconds are limited."""
        self._settle()
        while not until():
            assert self.now < limit, self.events
            self._step()

    def run_until(self, end: float) -> None:
        """Let time pass up to a moment, at which nothing need happen."""
        self._settle()
        while self._due() <= end:
            self._step()
        self.now = end

    def stand_still(self, seconds: float) -> None:
        """Let our process take nothing for so long, then all that came at once."""
        end = self.now + seconds
        self._held = []
        while True:
            times = [self.bmc.deadline, self._flying[0][0] if self._flying else None]
            due = max(
                self.now, min((at for at in times if at is not None), default=end)
            )
            if due > end:
                break
            self.now = due
            self._land()
            self.bmc.expire(self.now)
            self._send_down()
        self.now = end
        held, self._held = self._held, None
        for datagram in held:
            self._deliver_down(datagram)
        self._settle()

    def _due(self) -> float:
        times = [self.session.deadline, self.bmc.deadline]
        times += [self._flying[0][0]] if self._flying else []
        return max(self.now, min(at for at in times if at is not None))

    def saw(self, kind: type[SessionEvent]) -> bool:
        """Tell whether the session has said this."""
        return any(isinstance(event, kind) for event in self.events)

    def _step(self) -> None:
        self.now = self._due()
        self._land()
        self._take(self.session.expire(self.now))
        self.bmc.expire(self.now)
        self._settle()

    def _land(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            heapq.heappop(self._flying)[2]()

    def _settle(self) -> None:
        for datagram in self.session.datagrams():
            self._fly(self._up, datagram, self._deliver_up)
        self._send_down()

    def _send_down(self) -> None:
        for datagram, _ in self.bmc.datagrams():
            self._fly(self._down, datagram, self._deliver_down)

    def _fly(
        self, path: FaultyPath, datagram: bytes, deliver: Callable[[bytes], None]
    ) -> None:
        for at, shape in path.carry(datagram, self.now):
            run: Callable[[], None] = partial(deliver, shape)
            heapq.heappush(self._flying, (at, next(self._order), run))

    def _deliver_up(self, datagram: bytes) -> None:
        self.bmc.receive(datagram, ADDRESS, self.now)

    def _deliver_down(self, datagram: bytes) -> None:
        if self._held is not None:
            self._held.append(datagram)
            return
        self._take(self.session.receive(datagram, self.now))

    def _take(self, events: Sequence[SessionEvent]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, LoggedIn):
                self.session.activate(self.now)
            if isinstance(event, SolData):
                self.recorded += event.data
                self.session.acknowledge()
