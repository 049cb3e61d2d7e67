"""The hub: every BMC's datagrams and timers, in two tasks.

A thousand idle sessions are a thousand dictionary entries, not a thousand tasks. All
sockets hang on one epoll set, and one task waits for that. Waking up is what costs
(about 100 µs, against 15 for a packet), so while packets come faster than one each
`PAUSE`, the task does not wait for readiness but looks again every `PAUSE`: at 4000
packets a second that is 8 packets per wake-up instead of 1.7.

A drain gives each datagram to the endpoint whose address it came from, and only then
sends what these endpoints queued: by then the bytes of the whole batch are recorded,
so their ACKs may leave.
"""

from __future__ import annotations

import heapq
import itertools
import math
import select
from collections.abc import Callable

import trio

from solrecd.link.base import Endpoint
from solrecd.link.resolve import Address
from solrecd.link.shared_socket import HubStatistics, Port, SharedSocket

PAUSE = 0.002
"""Seconds between two drains under load. A BMC sends its next packet only after the
ACK: 5 ms cut the throughput of a flood, 2 ms are less than its own round trip."""

PLENTY = 32
"""Datagrams in one drain that make a pause pointless: the next batch is there."""

TIMER_SLACK = 0.025
"""Seconds that a timer may fire early, so that one wake-up serves many."""


class Hub:
    """Pooled sockets and one timer heap for any number of endpoints."""

    def __init__(self, observe_ack_delay: Callable[[float], None]) -> None:
        """Prepare a hub; nothing is opened before the first `connect`.

        Args:
            observe_ack_delay: told, once per drained batch, the seconds from its first
                datagram to its last ACK.
        """
        self.statistics = HubStatistics()
        self._observe = observe_ack_delay
        self._sockets: dict[int, SharedSocket] = {}
        self._epoll = select.epoll()
        self._timers: list[tuple[float, int, Port]] = []
        self._order = itertools.count()
        self._alarm = trio.CancelScope()

    def connect(self, address: Address, endpoint: Endpoint) -> Port:
        """Deliver what comes from ``address`` to ``endpoint`` until the port closes.

        Raises:
            OSError: no socket could be opened.
        """
        for shared in self._sockets.values():
            if shared.has_room_for(address):
                return shared.join(address, endpoint, self._arm)
        shared = SharedSocket(address.family, address.source, self.statistics)
        self._sockets[shared.fileno()] = shared
        self._epoll.register(shared.fileno(), select.EPOLLIN)
        return shared.join(address, endpoint, self._arm)

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve sockets and timers until cancelled.

        Returns: never by itself.
        Resources: every socket is closed on the way out.
        Errors: an endpoint that raises breaks its contract and ends the hub.
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
            while busy and count:
                await trio.sleep(0 if count >= PLENTY else PAUSE)
                woken = trio.current_time()
                count = self._drain()
            previous = woken

    def _drain(self) -> int:
        """Drain every socket that has something; return how many datagrams came."""
        began = trio.current_time()
        ready = self._epoll.poll(0)
        count = sum([self._sockets[fd].drain(began) for fd, _ in ready])
        self.statistics.wakeups += 1
        if count:
            self._observe(trio.current_time() - began)
        return count

    def _arm(self, port: Port) -> None:
        """Make sure that the heap wakes ``port`` no later than its deadline.

        A deadline that moved away leaves its old entry behind; that fires early, finds
        nothing due and arms anew. So the hot path pushes nothing while traffic flows.
        """
        deadline = port.endpoint.deadline
        if deadline is None or deadline >= port.armed:
            return
        port.armed = deadline
        heapq.heappush(self._timers, (deadline, next(self._order), port))
        self._alarm.deadline = min(self._alarm.deadline, deadline)

    async def _run_timers(self) -> None:
        while True:
            next_due = self._timers[0][0] if self._timers else math.inf
            with trio.CancelScope(deadline=next_due) as self._alarm:
                await trio.sleep_forever()
            self._fire(trio.current_time())

    def _fire(self, now: float) -> None:
        horizon = now + TIMER_SLACK
        while self._timers and self._timers[0][0] <= horizon:
            due, _, port = heapq.heappop(self._timers)
            if due != port.armed:
                continue  # an earlier deadline has replaced this entry
            port.armed = math.inf
            deadline = port.endpoint.deadline
            if deadline is not None and deadline <= horizon:
                port.endpoint.expire(max(now, deadline))
            port.flush()
