"""The hub: every BMC's datagrams and timers, in two tasks.

A thousand idle sessions are a thousand dictionary entries, not a thousand tasks. All
sockets hang on one epoll set, and one task waits for that. Waking up is what costs
(about 100 µs, against 15 for a packet), so while packets come faster than one each
`PAUSE`, the task does not wait for readiness but looks again every `PAUSE`: at 4000
packets a second that is 8 packets per wake-up instead of 1.7.

A drain takes what came, and has each endpoint handle the datagrams from its address,
then sends what that endpoint queued: by then the bytes are recorded, so their ACK may
leave. In what order, and what has to wait when there is too much: `link.backlog`.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import math
import select
import socket
from collections.abc import Callable

import trio

from solrecd.sources.ipmi.link.backlog import Backlog
from solrecd.sources.ipmi.link.base import Endpoint, Place
from solrecd.sources.ipmi.link.port import Port
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.shared_socket import (
    HubStatistics,
    SharedSocket,
    open_socket,
)

PAUSE = 0.002
"""Seconds between two drains under load. A BMC sends its next packet only after the
ACK: 5 ms cut the throughput of a flood, 2 ms are less than its own round trip."""

PLENTY = 32
"""Datagrams in one drain that make a pause pointless: the next batch is there."""

SOCKET = "sock"
"""Beginning of the sockets' names; a number follows."""

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_ANYWHERE = ("0.0.0.0", "::")

TIMER_SLACK = 0.025
"""Seconds that a timer may fire early, so that one wake-up serves many."""

IDLE_WAKEUP = 4.0
"""Seconds that a deadline may move away while its entry in the heap stays: that fires
for nothing and arms again, which is cheaper than a new entry for every packet. Once a
command is answered the next deadline is further away: then the entry is given up."""

TIMERS_AT_ONCE = 64
"""Ports served before sockets and other tasks get their turn: a few milliseconds."""


class Hub:
    """Pooled sockets and one timer heap for any number of endpoints."""

    def __init__(self, observe_ack_delay: Callable[[float], None]) -> None:
        """Prepare a hub; nothing is opened before the first `connect`.

        Args:
            observe_ack_delay: told, once per drained batch, the seconds from its oldest
                datagram to its last ACK.
        """
        self.statistics = HubStatistics()
        self._observe = observe_ack_delay
        self.on_open: Callable[[str, int], None] | None = None
        """Told name and descriptor of each socket that is opened."""
        self._sockets: dict[int, SharedSocket] = {}
        self._backlog = Backlog()
        self._epoll = select.epoll()
        self._timers: list[tuple[float, int, Port]] = []
        self._order = itertools.count()
        self._alarm = trio.CancelScope()

    def connect(self, address: Address, endpoint: Endpoint) -> Place:
        """Deliver what comes from ``address`` to ``endpoint`` until the port closes.

        Raises:
            OSError: no socket could be opened.
        """
        for shared in self._sockets.values():
            if shared.has_room_for(address):
                return shared.join(address, endpoint, self._arm)
        opened = open_socket(address.family, address.source)
        shared = self._add(opened, self._free_name(), address.source)
        if self.on_open is not None:
            self.on_open(shared.name, shared.fileno())
        return shared.join(address, endpoint, self._arm)

    def _add(self, opened: socket.socket, name: str, source: str) -> SharedSocket:
        shared = SharedSocket(opened, name, source, self.statistics)
        self._sockets[shared.fileno()] = shared
        self._epoll.register(shared.fileno(), select.EPOLLIN)
        return shared

    def _free_name(self) -> str:
        taken = {shared.name for shared in self._sockets.values()}
        return next(
            name for n in itertools.count() if (name := f"{SOCKET}{n}") not in taken
        )

    # Sockets of an earlier process.

    def adopt(self, name: str, fd: int) -> None:
        """Go on with a socket that an earlier process opened under this name.

        Raises:
            OSError: it is not a UDP socket.
        """
        opened = socket.socket(fileno=fd)
        if opened.type != socket.SOCK_DGRAM or opened.family not in _INTERNET:
            opened.detach()
            raise OSError(errno.EPROTOTYPE, f"{name} is not a UDP socket")
        opened.setblocking(False)
        host = opened.getsockname()[0]
        self._add(opened, name, "" if host in _ANYWHERE else host)

    def expect(self, name: str, address: Address) -> bool:
        """Hold what comes from ``address`` for `rejoin`; False: no such socket."""
        shared = self._named(name)
        if shared is None or not shared.has_room_for(address):
            return False
        shared.expect(address.sockaddr)
        return True

    def rejoin(self, name: str, address: Address, endpoint: Endpoint) -> Place:
        """Like `connect`, on the socket that expects it; then call `Place.catch_up`.

        Raises:
            OSError: there is no such socket any more.
        """
        shared = self._named(name)
        if shared is None:
            raise OSError(errno.EBADF, f"there is no socket {name}")
        return shared.join(address, endpoint, self._arm)

    def decline(self, name: str, address: Address) -> None:
        """No session will rejoin from there."""
        shared = self._named(name)
        if shared is not None:
            shared.held(address.sockaddr)

    def disown(self) -> None:
        """Let go of all sockets, which stay open: they were not what they should be."""
        for fd, shared in self._sockets.items():
            self._epoll.unregister(fd)
            shared.detach()
        self._sockets.clear()

    def _named(self, name: str) -> SharedSocket | None:
        found = (shared for shared in self._sockets.values() if shared.name == name)
        return next(found, None)

    def pause(self) -> None:
        """Leave what comes from now on in the kernel, for the next process."""
        for fd in self._sockets:
            self._epoll.unregister(fd)
        while self._backlog:
            self._backlog.serve(trio.current_time())

    # Serving.

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve sockets and timers until cancelled.

        Returns: never by itself.
        Resources: every socket is closed on the way out.
        Errors: none of an endpoint's: a bug in one ends that one (`Port.crashed`).
        """
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._run_timers)
                nursery.start_soon(self._serve)
                task_status.started()
        finally:
            self.close()

    def close(self) -> None:
        """Close every socket; `run` does it on its way out."""
        for shared in self._sockets.values():
            shared.close()
        self._epoll.close()

    async def _serve(self) -> None:
        previous = -math.inf
        while True:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            woken = trio.current_time()
            count = self._drain()
            busy = woken - previous < PAUSE
            while self._backlog or (busy and count):
                is_behind = count >= PLENTY or bool(self._backlog)
                await trio.sleep(0 if is_behind else PAUSE)
                woken = trio.current_time()
                count = self._drain()
            previous = woken

    def _drain(self) -> int:
        """Take what every socket has, handle enough; return how many datagrams came."""
        began = trio.current_time()
        backlog = self._backlog
        ready = self._epoll.poll(0)
        count = sum([self._sockets[fd].take(began, backlog) for fd, _ in ready])
        self.statistics.wakeups += 1
        if backlog:
            backlog.serve(began)
            self._observe(trio.current_time() - backlog.most_delayed)
        return count

    def _arm(self, port: Port) -> None:
        """Make sure that the heap wakes ``port`` no later than its deadline.

        A deadline that moved away a little leaves its entry where it is, so the hot
        path pushes nothing while traffic flows. See `IDLE_WAKEUP`.
        """
        deadline = port.deadline
        if deadline is None or 0 <= deadline - port.armed < IDLE_WAKEUP:
            return
        port.armed = deadline
        heapq.heappush(self._timers, (deadline, next(self._order), port))
        if self._timers[0][2] is port:
            # Setting it costs; most ports are not the next to wake.
            self._alarm.deadline = min(self._alarm.deadline, deadline)

    async def _run_timers(self) -> None:
        while True:
            next_due = self._timers[0][0] if self._timers else math.inf
            with trio.CancelScope(deadline=next_due) as self._alarm:
                await trio.sleep_forever()
            self._fire(trio.current_time())

    def _fire(self, now: float) -> None:
        """Serve the ports whose time has come, at most a batch of them."""
        horizon = now + TIMER_SLACK
        count = 0
        while self._timers and self._timers[0][0] <= horizon and count < TIMERS_AT_ONCE:
            due, _, port = heapq.heappop(self._timers)
            if due != port.armed:
                continue  # another deadline has replaced this entry
            count += 1
            port.armed = math.inf
            deadline = port.deadline
            if deadline is not None and deadline <= horizon:
                port.expire(max(now, deadline))
            else:
                self._arm(port)
