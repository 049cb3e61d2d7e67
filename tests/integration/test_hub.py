"""The hub on real loopback sockets."""

from __future__ import annotations

import socket
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from solrecd.sources.ipmi.link.base import NameUnresolvedError
from solrecd.sources.ipmi.link.hub import TIMERS_AT_ONCE, Hub
from solrecd.sources.ipmi.link.port import SHARE
from solrecd.sources.ipmi.link.resolve import Address, Resolver
from solrecd.sources.ipmi.link.shared_socket import BATCH, ENDPOINTS_PER_SOCKET


class FakeEndpoint:
    """Answers each datagram with itself in upper case and remembers everything."""

    def __init__(self) -> None:
        self.looks = 0
        """How often the deadline was asked for."""
        self._deadline: float | None = None
        self.came: list[bytes] = []
        self.expired: list[float] = []
        self.heard = trio.Event()
        self.refused = 0
        self._queue: list[bytes] = []

    @property
    def deadline(self) -> float | None:
        self.looks += 1
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: float | None) -> None:
        self._deadline = deadline

    def receive(self, datagram: bytes, now: float) -> None:
        self.came.append(datagram)
        self._queue.append(datagram.upper())
        self.heard.set()

    def expire(self, now: float) -> None:
        self.expired.append(now)
        self.deadline = None
        self.heard.set()

    def not_sent(self, count: int, error: OSError) -> None:
        self.refused += count

    def say(self, datagram: bytes) -> None:
        self._queue.append(datagram)

    def datagrams(self) -> list[bytes]:
        queued, self._queue = self._queue, []
        return queued

    def crashed(self, bug: Exception) -> list[bytes]:
        """Remember it."""
        self.bug = bug
        return []


Peers = Callable[..., Awaitable[tuple[trio.socket.SocketType, Address]]]


@pytest.fixture
def open_peer() -> Iterator[Peers]:
    """Open UDP sockets that stand for BMCs; closed after the test."""
    opened = ExitStack()

    async def open_one(
        host: str = "127.0.0.1",
    ) -> tuple[trio.socket.SocketType, Address]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        peer = opened.enter_context(trio.socket.socket(family, socket.SOCK_DGRAM))
        await peer.bind((host, 0))
        return peer, Address(family, host, peer.getsockname()[1])

    with opened:
        yield open_one


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_datagram_reaches_the_endpoint_of_its_source_and_is_answered(
    nursery: trio.Nursery, open_peer: Peers, host: str
) -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    peer, address = await open_peer(host)
    port = hub.connect(address, endpoint)
    await nursery.start(hub.run)

    endpoint.say(b"hello")
    port.flush()
    with trio.fail_after(60):
        greeting, hub_address = await peer.recvfrom(100)
        await peer.sendto(b"answer", hub_address)
        echo = await peer.recv(100)

    assert (greeting, endpoint.came, echo) == (b"hello", [b"answer"], b"ANSWER")


async def test_a_strangers_datagram_is_counted_and_reaches_no_endpoint(
    nursery: trio.Nursery, open_peer: Peers
) -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    peer, address = await open_peer()
    stranger, _ = await open_peer()
    port = hub.connect(address, endpoint)
    await nursery.start(hub.run)
    endpoint.say(b"hello")
    port.flush()

    with trio.fail_after(60):
        _, hub_address = await peer.recvfrom(100)
        await stranger.sendto(b"I am your BMC", hub_address)
        await peer.sendto(b"no, I am", hub_address)
        await endpoint.heard.wait()

    assert endpoint.came == [b"no, I am"]
    assert hub.statistics.strangers == 1


async def test_a_peer_that_floods_leaves_its_neighbours_on_the_socket_their_part(
    open_peer: Peers,
) -> None:
    hub = Hub(lambda delay: None)
    loud, quiet = FakeEndpoint(), FakeEndpoint()
    peer, address = await open_peer()
    neighbour, other = await open_peer()
    port = hub.connect(address, loud)
    hub.connect(other, quiet)
    loud.say(b"hello")
    port.flush()
    _, hub_address = await peer.recvfrom(100)
    for number in range(BATCH - 1):
        await peer.sendto(b"%d" % number, hub_address)
    await neighbour.sendto(b"me too", hub_address)

    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        await quiet.heard.wait()
        nursery.cancel_scope.cancel()

    assert quiet.came == [b"me too"]
    assert loud.came == [b"%d" % number for number in range(SHARE)]
    assert hub.statistics.excess == BATCH - 1 - SHARE


async def test_what_the_kernel_does_not_send_is_counted_and_told(
    nursery: trio.Nursery, open_peer: Peers
) -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    _, address = await open_peer()
    port = hub.connect(address, endpoint)
    await nursery.start(hub.run)

    endpoint.say(bytes(70_000))
    endpoint.say(b"this one goes")
    port.flush()

    assert (hub.statistics.sent, hub.statistics.send_errors) == (2, 1)
    assert endpoint.refused == 1


async def test_a_closed_port_hears_nothing_any_more(
    nursery: trio.Nursery, open_peer: Peers
) -> None:
    hub = Hub(lambda delay: None)
    left, staying = FakeEndpoint(), FakeEndpoint()
    peer, address = await open_peer()
    other, other_address = await open_peer()
    port = hub.connect(address, left)
    hub.connect(other_address, staying)
    await nursery.start(hub.run)
    left.say(b"hello")
    port.flush()

    with trio.fail_after(60):
        _, hub_address = await peer.recvfrom(100)
        port.close()
        await peer.sendto(b"late", hub_address)
        await other.sendto(b"mark", hub_address)
        await staying.heard.wait()

    assert left.came == []


def test_two_endpoints_with_one_address_get_different_sockets() -> None:
    hub = Hub(lambda delay: None)
    address = Address(socket.AF_INET, "127.0.0.1", 623)

    hub.connect(address, FakeEndpoint())
    hub.connect(address, FakeEndpoint())
    for number in range(2 * ENDPOINTS_PER_SOCKET - 2):
        hub.connect(address._replace(port=1000 + number), FakeEndpoint())

    assert len(hub._sockets) == 2
    hub.close()


async def test_a_timer_fires_at_its_deadline_and_an_earlier_one_moves_it(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    port = hub.connect(Address(socket.AF_INET, "127.0.0.1", 9), endpoint)
    await nursery.start(hub.run)
    began = trio.current_time()

    endpoint.deadline = began + 60
    port.flush()
    endpoint.deadline = began + 20
    port.flush()
    await endpoint.heard.wait()

    assert endpoint.expired == [pytest.approx(began + 20)]


async def test_a_deadline_that_moved_away_does_not_fire_early(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    port = hub.connect(Address(socket.AF_INET, "127.0.0.1", 9), endpoint)
    await nursery.start(hub.run)
    began = trio.current_time()

    endpoint.deadline = began + 20
    port.flush()
    endpoint.deadline = began + 60
    await endpoint.heard.wait()

    assert endpoint.expired == [pytest.approx(began + 60)]


async def test_a_deadline_that_moved_far_away_wakes_no_endpoint_in_vain(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    port = hub.connect(Address(socket.AF_INET, "127.0.0.1", 9), endpoint)
    await nursery.start(hub.run)
    began = trio.current_time()
    endpoint.deadline = began + 1
    port.flush()

    endpoint.deadline = began + 20
    port.flush()
    looks = endpoint.looks
    await trio.sleep(10)

    assert endpoint.looks == looks
    await endpoint.heard.wait()
    assert endpoint.expired == [pytest.approx(began + 20)]


async def test_more_timers_than_a_turn_serves_are_all_served(
    nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    hub = Hub(lambda delay: None)
    endpoints = [FakeEndpoint() for _ in range(2 * TIMERS_AT_ONCE + 1)]
    await nursery.start(hub.run)
    due = trio.current_time() + 5
    for number, endpoint in enumerate(endpoints):
        endpoint.deadline = due
        address = Address(socket.AF_INET, "127.0.0.1", 1000 + number)
        hub.connect(address, endpoint).flush()

    await trio.sleep(6)

    assert all(len(endpoint.expired) == 1 for endpoint in endpoints)


def test_a_closed_port_keeps_its_endpoint_alive_no_longer() -> None:
    hub = Hub(lambda delay: None)
    endpoint = FakeEndpoint()
    seen = weakref.ref(endpoint)
    port = hub.connect(Address(socket.AF_INET, "127.0.0.1", 9), endpoint)
    endpoint.deadline = 60.0
    port.flush()

    port.close()
    del endpoint

    assert seen() is None
    hub.close()


async def test_literal_addresses_resolve_without_a_thread() -> None:
    resolver = Resolver()

    assert await resolver.resolve("127.0.0.1", 623) == (
        Address(socket.AF_INET, "127.0.0.1", 623),
    )
    (address,) = await resolver.resolve("::1", 623)
    assert address.family == socket.AF_INET6


async def test_a_name_that_does_not_exist_says_so_in_one_line() -> None:
    with pytest.raises(NameUnresolvedError, match=r"^no-such-bmc\.invalid: "):
        await Resolver().resolve("no-such-bmc.invalid", 623)
