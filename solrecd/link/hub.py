"""The hub: every BMC's datagrams and timers, in a handful of tasks.

A task per socket, not per BMC: a thousand idle sessions are a thousand dictionary
entries. A waking task drains its socket until it would block, gives each datagram to
the endpoint whose address it came from, and only then sends what these endpoints
queued: by then the bytes of the whole batch are recorded, so their ACKs may leave.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable

import trio

from solrecd.link.base import Endpoint
from solrecd.link.resolve import Address
from solrecd.link.shared_socket import HubStatistics, Port, SharedSocket

TIMER_SLACK = 0.025
"""Seconds that a timer may fire early, so that one wake-up serves many."""

MAX_SOCKETS = 1024
"""64 BMCs on each; the file descriptor limit of the unit is far above."""


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
        self._sockets: list[SharedSocket] = []
        self._opened, self._to_serve = trio.open_memory_channel[SharedSocket](
            MAX_SOCKETS
        )
        self._timers: list[tuple[float, int, Port]] = []
        self._order = itertools.count()
        self._alarm = trio.CancelScope()

    def connect(self, address: Address, endpoint: Endpoint) -> Port:
        """Deliver what comes from ``address`` to ``endpoint`` until the port closes.

        Raises:
            OSError: no socket could be opened.
        """
        for shared in self._sockets:
            if shared.has_room_for(address):
                return shared.join(address, endpoint, self._arm)
        shared = SharedSocket(address.family, address.source, self.statistics)
        self._sockets.append(shared)
        self._opened.send_nowait(shared)
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
                task_status.started()
                async for shared in self._to_serve:
                    nursery.start_soon(self._serve, shared)
        finally:
            self.close()

    def close(self) -> None:
        """Close every socket; `run` does it on its way out."""
        for shared in self._sockets:
            shared.close()

    async def _serve(self, shared: SharedSocket) -> None:
        while True:
            await trio.lowlevel.wait_readable(shared.fileno())
            self.statistics.wakeups += 1
            began = trio.current_time()
            shared.drain(began)
            self._observe(trio.current_time() - began)

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
