"""One non-blocking UDP socket that many endpoints share."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from solrecd.sources.ipmi.link.backlog import Backlog
from solrecd.sources.ipmi.link.base import Endpoint
from solrecd.sources.ipmi.link.port import Port
from solrecd.sources.ipmi.link.resolve import Address, Sockaddr
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.packets import PAYLOAD_TYPE_AT, PAYLOAD_TYPE_MASK

ENDPOINTS_PER_SOCKET = 64
"""More on one socket, and a flood fills its receive buffer between two wake-ups."""

RECEIVE_BUFFER = 4 << 20
"""Bytes asked of the kernel; 2000 flooding BMCs on the default lost 8000 packets."""

BATCH = 128
"""Datagrams per drain before their ACKs leave and other tasks get their turn."""

EXPECTED_MAX = 64
"""Datagrams held for an endpoint that is yet to come: BMCs have one SoL packet on the
wire, which they repeat up to ten times, and an answer or two."""

DATAGRAM_MAX = 2048
"""Bytes; an RMCP+ packet with 255 bytes of SoL data has under 350."""

_OUTPUT: Final = int(PayloadType.SOL)

_SO_RCVBUFFORCE = 33
"""socket(7); may exceed net.core.rmem_max. Python's socket module does not name it."""


@dataclass(slots=True)
class HubStatistics:
    """What passed through a hub since its start."""

    received: int = 0
    sent: int = 0
    """Datagrams given to the kernel, with those that it refused."""
    strangers: int = 0
    """Datagrams from addresses of none of our BMCs; dropped unread."""
    excess: int = 0
    """Datagrams of peers that sent more than their `SHARE`; dropped unread."""
    send_errors: int = 0
    wakeups: int = 0


class SharedSocket:
    """A UDP socket and the ports on it, told apart by their peers' addresses."""

    def __init__(
        self, opened: socket.socket, name: str, source: str, statistics: HubStatistics
    ) -> None:
        self.name = name
        """Among those of its hub, and of its descriptor at the service manager."""
        self.family = opened.family
        self.source = source
        self._ports: dict[object, Port] = {}
        self._expected: dict[object, list[bytes]] = {}
        self._statistics = statistics
        self._socket = opened

    def fileno(self) -> int:
        """Return the descriptor, for waiting on it."""
        return self._socket.fileno()

    def has_room_for(self, address: Address) -> bool:
        """Whether an endpoint at ``address`` may join; none twice on one socket."""
        return (
            self.family == address.family
            and self.source == address.source
            and len(self._ports) + len(self._expected) < ENDPOINTS_PER_SOCKET
            and address.sockaddr not in self._ports
            and address.sockaddr not in self._expected
        )

    def expect(self, sockaddr: Sockaddr) -> None:
        """Hold what comes from a peer until its endpoint joins and catches up.

        A BMC gives up on a packet after a few tries; throwing them away would lose
        it for good.
        """
        self._expected[sockaddr] = []

    def held(self, sockaddr: Sockaddr) -> list[bytes]:
        """Return what was held for a peer, and expect it no longer."""
        return self._expected.pop(sockaddr, [])

    def join(
        self, address: Address, endpoint: Endpoint, arm: Callable[[Port], None]
    ) -> Port:
        """Deliver datagrams from ``address`` to ``endpoint`` until its port closes."""
        port = Port(self, address.sockaddr, endpoint, arm)
        self._ports[address.sockaddr] = port
        return port

    def leave(self, port: Port) -> None:
        """Deliver nothing to ``port`` any more; harmless when it has left already."""
        if self._ports.get(port.sockaddr) is port:
            del self._ports[port.sockaddr]

    def send(self, datagrams: Sequence[bytes], to: Sockaddr) -> Sequence[OSError]:
        """Send to one peer; what cannot be sent counts as lost on the way.

        Returns:
            Why the kernel refused those that it did.
        """
        send = self._socket.sendto
        refused: list[OSError] = []
        for datagram in datagrams:
            try:
                send(datagram, to)
            except OSError as error:
                # No route, a full queue, a firewall: all of them look like loss, and
                # the protocol retransmits. A login that times out tells the last one.
                refused.append(error)
        self._statistics.send_errors += len(refused)
        self._statistics.sent += len(datagrams)
        return refused

    def take(self, now: float, backlog: Backlog) -> int:
        """Receive until nothing is left, at most `BATCH`; return how many came.

        They wait in the backlog; nothing is handled before its `Backlog.serve`.
        """
        receive, find = self._socket.recvfrom, self._ports.get
        count = 0
        try:
            while count < BATCH:
                datagram, source = receive(DATAGRAM_MAX)
                count += 1
                port = find(source)
                if port is None:
                    self._hold(datagram, source)
                elif port.wait(datagram, now):
                    backlog.add(port, is_output=_is_output(datagram))
                else:
                    self._statistics.excess += 1
        except OSError:
            # Nothing is left; or an ICMP error was queued on the socket: reading it
            # has cleared it, and the next drain finds what stands behind it.
            pass
        self._statistics.received += count
        return count

    def _hold(self, datagram: bytes, source: object) -> None:
        expected = self._expected.get(source)
        if expected is None:
            self._statistics.strangers += 1
        elif len(expected) < EXPECTED_MAX:
            expected.append(datagram)

    def detach(self) -> None:
        """Let go of the socket, which stays open."""
        self._socket.detach()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _is_output(datagram: bytes) -> bool:
    """Whether a datagram seems to be console output; whatever it is, it is handled."""
    return (
        len(datagram) > PAYLOAD_TYPE_AT
        and datagram[PAYLOAD_TYPE_AT] & PAYLOAD_TYPE_MASK == _OUTPUT
    )


def open_socket(family: socket.AddressFamily, source: str) -> socket.socket:
    """Return a socket that listens at this machine's address ``source``.

    Raises:
        OSError: there is no such address, or no descriptor left.
    """
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        _prepare(opened)
        opened.bind((source or ("::" if family == socket.AF_INET6 else "0.0.0.0"), 0))
    except OSError:
        opened.close()
        raise
    return opened


def _prepare(opened: socket.socket) -> None:
    opened.setblocking(False)
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except OSError:
        # Without CAP_NET_ADMIN the kernel caps the buffer at net.core.rmem_max.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
