"""An endpoint's place on a socket: what came for it and waits, and its timer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from solrecd.sources.ipmi.link.base import Endpoint
from solrecd.sources.ipmi.link.resolve import Sockaddr

SHARE = 32
"""Datagrams of one peer that wait to be handled; a BMC sends its next packet after our
ACK. More are thrown away unread: what they brought is sent again, or is missed by its
number and marked."""


class Carrier(Protocol):
    """A socket; see `solrecd.sources.ipmi.link.shared_socket.SharedSocket`."""

    @property
    def name(self) -> str:
        """Among those of its hub."""

    def send(self, datagrams: Sequence[bytes], to: Sockaddr) -> Sequence[OSError]:
        """Send to one peer."""

    def held(self, sockaddr: Sockaddr) -> list[bytes]:
        """Return what was held for a peer."""

    def leave(self, port: Port) -> None:
        """Deliver nothing to a port any more."""


class _NoEndpoint:
    """The endpoint of a port that has left."""

    deadline: float | None = None

    def receive(self, datagram: bytes, now: float) -> None:
        """Take no notice."""

    def expire(self, now: float) -> None:
        """Have nothing to do."""

    def datagrams(self) -> Sequence[bytes]:
        """Have nothing to send."""
        return ()

    def not_sent(self, count: int, error: OSError) -> None:
        """Take no notice."""

    def crashed(self, bug: Exception) -> Sequence[bytes]:  # noqa: ARG002 - a protocol's
        """Have nothing to send."""
        return ()


_NO_ENDPOINT: Final = _NoEndpoint()


class Port:
    """An endpoint's place on a shared socket: lets its owner send, and leave.

    Call `flush` after anything was done to the endpoint from outside the hub (opened,
    written to, closed); the hub itself does so after datagrams and timers.
    """

    __slots__ = (
        "_arm",
        "_datagrams",
        "_socket",
        "_waiting",
        "armed",
        "endpoint",
        "receive",
        "sockaddr",
    )

    def __init__(
        self,
        shared: Carrier,
        sockaddr: Sockaddr,
        endpoint: Endpoint,
        arm: Callable[[Port], None],
    ) -> None:
        self.sockaddr = sockaddr
        self.endpoint = endpoint
        # Bound once: looking them up for each packet would cost a tenth of it.
        self.receive = endpoint.receive
        """Delivers a datagram."""
        self._datagrams = endpoint.datagrams
        self._socket = shared
        self._arm = arm
        self.armed = math.inf
        """Earliest deadline that the hub's timer heap holds for this port."""
        self._waiting: list[tuple[float, bytes]] = []
        """Datagrams that came and are not handled yet, and when they came."""

    def wait(self, datagram: bytes, now: float) -> bool:
        """Keep a datagram for the backlog; False: it is one more than its share."""
        waiting = self._waiting
        if len(waiting) >= SHARE:
            return False
        waiting.append((now, datagram))
        return True

    def take_waiting(self) -> Sequence[tuple[float, bytes]]:
        """Return what is to be handled, and when it came; forget it."""
        waiting = self._waiting
        self._waiting = []
        return waiting

    @property
    def deadline(self) -> float | None:
        """When `expire` wants to be called; None for never."""
        try:
            return self.endpoint.deadline
        except Exception as bug:  # noqa: BLE001 - of one endpoint; here and below
            self.crashed(bug)
            return None

    def expire(self, now: float) -> None:
        """Act on timers that are due, and send what comes of it."""
        try:
            self.endpoint.expire(now)
        except Exception as bug:  # noqa: BLE001
            self.crashed(bug)
        self.flush()

    def flush(self) -> None:
        """Send what the endpoint queued and arm its timer."""
        try:
            datagrams = self._datagrams()
            if datagrams:
                refused = self._socket.send(datagrams, self.sockaddr)
                if refused:
                    self.endpoint.not_sent(len(refused), refused[-1])
        except Exception as bug:  # noqa: BLE001
            self.crashed(bug)
        self._arm(self)

    def crashed(self, bug: Exception) -> None:
        """Let a bug end this endpoint: the hub serves others as well.

        Who owns the endpoint raises the bug again, in its own task.
        """
        endpoint = self.endpoint
        self.close()
        self._socket.send(endpoint.crashed(bug), self.sockaddr)

    def close(self) -> None:
        """Leave the hub: nothing is delivered to the endpoint any more.

        The port lets go of it, too: timers that are still to come would keep it, and
        the two know each other (see `solrecd.process.garbage_collection`).
        """
        self._socket.leave(self)
        self.armed = math.inf
        self._waiting = []
        self.endpoint = _NO_ENDPOINT
        self.receive, self._datagrams = _NO_ENDPOINT.receive, _NO_ENDPOINT.datagrams

    @property
    def socket_name(self) -> str:
        """Name of the socket it is on."""
        return self._socket.name

    def catch_up(self, now: float) -> None:
        """Deliver what came before the endpoint joined; see `SharedSocket.expect`."""
        for datagram in self._socket.held(self.sockaddr):
            self.receive(datagram, now)
        self.flush()
