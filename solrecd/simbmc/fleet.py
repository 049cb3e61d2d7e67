"""Many simulated BMCs in one Trio task: the only part of simbmc with sockets.

Every BMC has its own UDP socket, as in a rack. All of them hang on one epoll set, and
Trio waits for that set as a whole: a task per socket would wake up per datagram, and
the simulator has to leave the machine to the recorder under test. One heap holds
all timers: BMC deadlines, datagrams in flight, mishaps.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import itertools
import math
import random
import select
import socket
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

import trio

from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.faults import Faults, FaultyPath, Script
from solrecd.simbmc.sessions import Address

_DATAGRAM_SIZE: Final = 2048
"""Bytes read per datagram; RMCP+ packets are far shorter."""

_NO_FAULTS: Final = Faults()


_Timer = tuple[float, int, Callable[[float], None]]
"""When, a number that makes timers of the same time comparable, and what to do.
A plain tuple: the heap compares and builds thousands a second."""


class Member:
    """One BMC of a fleet, its socket and the path to it."""

    def __init__(
        self, bmc: Bmc, sock: socket.socket, paths: Sequence[FaultyPath]
    ) -> None:
        self.bmc = bmc
        self.sock = sock
        self.inbound, self.outbound = paths
        self.scheduled = math.inf
        """When the fleet will call `Bmc.expire` next."""

    @property
    def host(self) -> str:
        """Address that the BMC listens on."""
        return str(self.sock.getsockname()[0])

    @property
    def port(self) -> int:
        """UDP port that the BMC listens on."""
        return int(self.sock.getsockname()[1])

    def send(self, datagram: bytes, address: Address) -> None:
        """Send at once; what the kernel does not take is lost, as on any network."""
        with contextlib.suppress(OSError):
            self.sock.sendto(datagram, address)


class Fleet:
    """BMCs on sockets. A context manager: leaving it closes them.

    Args:
        seed: of every random decision about the network.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.members: list[Member] = []
        self._seed = seed
        self._epoll = select.epoll()
        self._by_descriptor: dict[int, Member] = {}
        self._timers: list[_Timer] = []
        self._order = itertools.count()
        self._waiting: trio.CancelScope | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every socket; `run` must have ended before."""
        for member in self.members:
            member.sock.close()
        self._epoll.close()

    def add(
        self,
        bmc: Bmc,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        faults: Faults = _NO_FAULTS,
        script: Script | None = None,
    ) -> Member:
        """Give a BMC a socket; it is served while `run` runs.

        Args:
            bmc: not in a fleet yet.
            host: address to bind, IPv4 or IPv6.
            port: UDP port; 0 lets the kernel choose (see `Member.port`).
            faults: of the network in both directions.
            script: mishaps, counted from now on.

        Raises:
            OSError: the address cannot be bound.
        """
        sock = _bind(host, port)
        now = trio.current_time()
        rng = random.Random(f"{self._seed}/{len(self.members)}")  # noqa: S311 - network
        member = Member(bmc, sock, [FaultyPath(faults, rng, now) for _ in "io"])
        if bmc.controller.options.port is None:
            bmc.controller.port = member.port
        self.members.append(member)
        self._by_descriptor[sock.fileno()] = member
        self._epoll.register(sock, select.EPOLLIN)
        if script is not None:
            self._schedule_mishap(member, script, 0, now)
        self._attend(member, now)
        return member

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve all members until cancelled; never returns by itself.

        Sockets stay open afterwards: `close` ends them. Bad datagrams raise nothing.
        """
        task_status.started()
        while True:
            with trio.move_on_at(self._next) as self._waiting:
                await trio.lowlevel.wait_readable(self._epoll)
            self._turn(trio.current_time())

    def poke(self, member: Member) -> None:
        """Notice what was done to a member's BMC from outside (output, mishaps)."""
        self._attend(member, trio.current_time())
        if self._waiting is not None:
            self._waiting.deadline = self._next

    @property
    def _next(self) -> float:
        return self._timers[0][0] if self._timers else math.inf

    def _turn(self, now: float) -> None:
        """Read what has arrived, then run the timers that are due."""
        # One datagram per ready socket and turn: SoL waits for each ACK, so there is
        # rarely a second one, and a flooding client cannot starve the others.
        for descriptor, _ in self._epoll.poll(0):
            self._read(self._by_descriptor[descriptor], now)
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2](now)

    def _read(self, member: Member, now: float) -> None:
        """Take one datagram; epoll reports the next one again."""
        try:
            datagram, address = member.sock.recvfrom(_DATAGRAM_SIZE)
        except OSError:  # nothing there after all, or an ICMP error of an earlier send
            return
        if member.inbound.is_perfect:
            self._receive(member, datagram, address, now)
            return
        for at, shape in member.inbound.carry(datagram, now):
            deliver = functools.partial(self._receive, member, shape, address)
            self._schedule(at, deliver)

    def _receive(
        self, member: Member, datagram: bytes, address: Address, now: float
    ) -> None:
        member.bmc.receive(datagram, address, now)
        self._attend(member, now)

    def _attend(self, member: Member, now: float) -> None:
        """Send what a BMC has to say, and note when it wants to be called."""
        for datagram, address in member.bmc.datagrams():
            if member.outbound.is_perfect:
                member.send(datagram, address)
                continue
            for at, shape in member.outbound.carry(datagram, now):
                deliver = functools.partial(_send, member, shape, address)
                self._schedule(at, deliver)
        deadline = member.bmc.deadline
        if deadline is not None and deadline < member.scheduled:
            member.scheduled = deadline
            self._schedule(deadline, functools.partial(self._expire, member, deadline))

    def _expire(self, member: Member, scheduled: float, now: float) -> None:
        if scheduled != member.scheduled:
            return  # an earlier timer has overtaken this one
        member.scheduled = math.inf
        member.bmc.expire(now)
        self._attend(member, now)

    def _schedule_mishap(
        self, member: Member, script: Script, number: int, began: float
    ) -> None:
        step = script.nth(number)
        if step is None:
            return

        def happen(now: float) -> None:
            member.bmc.inject(step.mishap, now)
            self._attend(member, now)
            self._schedule_mishap(member, script, number + 1, began)

        self._schedule(began + step.at, happen)

    def _schedule(self, at: float, run: Callable[[float], None]) -> None:
        heapq.heappush(self._timers, (at, next(self._order), run))


def _send(member: Member, datagram: bytes, address: Address, _: float) -> None:
    member.send(datagram, address)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
