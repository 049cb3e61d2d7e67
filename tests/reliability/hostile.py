"""Promise 5: nothing unauthenticated is believed, however much of it comes.

An established session of each cipher suite is given hostile datagrams of every kind,
made from real packets that it has not seen. None may cause an event, an answer, an
exception or a byte of memory; afterwards the session still works. Then logins are
downgraded by a man in the middle, and a hub gets datagrams from wrong sources.
"""

from __future__ import annotations

import random
import socket
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import trio
import trio.lowlevel

from bench.figures import Figure
from bench.processes import pss_bytes
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.events import LoggedIn
from solrecd.sources.ipmi.protocol.handshake import (
    Algorithms,
    OpenSessionResponse,
    Rakp2,
    Rakp4,
    encode_open_session_response,
    encode_rakp2,
    encode_rakp4,
)
from solrecd.sources.ipmi.protocol.packets import RMCP_PLUS, encode_legacy, encode_plain
from tests.support.joined import SESSION_ID, Joined
from tests.support.scripted_bmc import ScriptedBmc

SUITES = (3, 17)

_BATCH = 20_000
"""Datagrams made from the same real packets."""

_PACKETS = 32
_SETTLED = 5
"""Batches after which memory is looked at for the first time."""

_LOGINS = 2_000
_STRANGE = 200_000
"""Datagrams from a wrong source; the kernel's socket calls are what takes time."""

_BURST = 64

Make = Callable[[random.Random, bytes], bytes]


class BelievedError(AssertionError):
    """A hostile datagram had an effect."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add this program's options."""
    parser.add_argument("--datagrams", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)


async def run(arguments: Namespace, directory: Path) -> list[Figure]:
    """Attack; raise `BelievedError` where something is believed."""
    rng = random.Random(arguments.seed)
    figures = []
    for suite in SUITES:
        count = arguments.datagrams // len(SUITES)
        figures += list(_attack_session(suite, count, rng))
        await trio.lowlevel.checkpoint()
    figures.append(_downgrade(arguments.datagrams // 5000 or 1))
    figures.append(await _send_from_wrong_source(arguments.datagrams // 50))
    return figures


def _attack_session(suite: int, count: int, rng: random.Random) -> Iterator[Figure]:
    joined = Joined(cipher_suites=(suite,)).log_in().activate()
    joined.print(1, b"before")
    kinds = list(KINDS.values())
    sent = 0
    memory = 0
    spent = 0.0
    while sent < count:
        packets = [_fresh(joined, rng) for _ in range(_PACKETS)]
        replayed = joined.bmc.send_sol(1, b"before")
        joined.feed(replayed)
        joined.session.datagrams()
        batch = [rng.choice(kinds)(rng, rng.choice(packets)) for _ in range(_BATCH)]
        batch += [replayed] * (_BATCH // 10)
        spent += _shoot(joined, batch)
        sent += len(batch)
        if sent >= _SETTLED * _BATCH and not memory:
            memory = pss_bytes(_own_pid())
    grown = pss_bytes(_own_pid()) - memory if memory else 0
    joined.print(2, b" and after")
    if joined.output != b"before and after":
        raise BelievedError(f"the session recorded {bytes(joined.output[:200])!r}")
    yield Figure(f"hostile datagrams, suite {suite}", sent, "")
    yield Figure(f"believed, suite {suite}", 0, "", goal=0)
    yield Figure(f"refused, suite {suite}", spent / sent * 1e6, "µs each")
    yield Figure(f"memory grown, suite {suite}", grown / 1024, "KiB", goal=1024)


def _shoot(joined: Joined, batch: Sequence[bytes]) -> float:
    """Give datagrams to the session; return the seconds that it took."""
    receive, now = joined.session.receive, joined.now
    began = time.perf_counter()
    for datagram in batch:
        if receive(datagram, now):
            raise BelievedError(f"an event from {datagram.hex()}")
    spent = time.perf_counter() - began
    answers = joined.session.datagrams()
    if answers:
        raise BelievedError(f"{len(answers)} answers, such as {answers[0].hex()}")
    return spent


def _own_pid() -> int:
    return int(Path("/proc/self").readlink().name)


def _fresh(joined: Joined, rng: random.Random) -> bytes:
    """Return a real packet that the session has not seen."""
    number = rng.randint(1, 15)
    status = rng.choice((0, 0, 0x08, 0x10))
    return joined.bmc.send_sol(
        number, rng.randbytes(rng.randint(1, 255)), status=status
    )


# The kinds of hostile datagrams.


def _flip(rng: random.Random, packet: bytes) -> bytes:
    damaged = bytearray(packet)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged) if damaged != packet else packet[:-1]


def _truncate(rng: random.Random, packet: bytes) -> bytes:
    return packet[: rng.randrange(len(packet))]


def _extend(rng: random.Random, packet: bytes) -> bytes:
    return packet + rng.randbytes(rng.randint(1, 40))


def _spoof(rng: random.Random, packet: bytes) -> bytes:
    """Keep the header, invent the rest."""
    return packet[:16] + rng.randbytes(len(packet) - 16)


def _forge(rng: random.Random, packet: bytes) -> bytes:
    """Keep everything but the AuthCode."""
    return packet[:-12] + rng.randbytes(12)


def _renumber(rng: random.Random, packet: bytes) -> bytes:
    """Let an old packet look new."""
    return packet[:10] + rng.randbytes(4) + packet[14:]


def _clear(rng: random.Random, packet: bytes) -> bytes:
    """Say what the packet says, in clear text and unsigned."""
    kind = rng.choice((PayloadType.SOL, PayloadType.IPMI, PayloadType.OEM))
    payload = rng.randbytes(rng.randint(0, 60))
    session = rng.choice((0, SESSION_ID, rng.getrandbits(32)))
    return encode_plain(kind, payload, session, rng.getrandbits(32))


def _old(rng: random.Random, packet: bytes) -> bytes:
    """IPMI 1.5, with and without a session."""
    if rng.random() < 0.5:
        return encode_legacy(rng.randbytes(rng.randint(0, 40)))
    return b"\x06\x00\xff\x07" + rng.randbytes(rng.randint(0, 80))


def _log_in(rng: random.Random, packet: bytes) -> bytes:
    """Answers to a login that was never begun."""
    algorithms = Algorithms(*(rng.randint(0, 4) for _ in range(3)))
    tag = rng.randint(0, 255)
    status = rng.choice((0, 0, 2, 9))
    reply = rng.randrange(3)
    if reply == 0:
        response = OpenSessionResponse(tag, status, 4, SESSION_ID, 1, algorithms)
        payload = encode_open_session_response(response)
        return encode_plain(PayloadType.OPEN_SESSION_RESPONSE, payload)
    if reply == 1:
        rakp2 = Rakp2(tag, status, SESSION_ID, rng.randbytes(16), bytes(16), b"")
        return encode_plain(PayloadType.RAKP_2, encode_rakp2(rakp2))
    rakp4 = Rakp4(tag, status, SESSION_ID, rng.randbytes(12))
    return encode_plain(PayloadType.RAKP_4, encode_rakp4(rakp4))


def _noise(rng: random.Random, packet: bytes) -> bytes:
    head = RMCP_PLUS if rng.random() < 0.5 else b""
    return head + rng.randbytes(rng.randint(0, 300))


KINDS: Mapping[str, Make] = {
    "bits flipped": _flip,
    "cut short": _truncate,
    "made longer": _extend,
    "spoofed": _spoof,
    "wrong AuthCode": _forge,
    "renumbered": _renumber,
    "clear text": _clear,
    "IPMI 1.5": _old,
    "login": _log_in,
    "noise": _noise,
}


# Logins.


class _Downgrading(ScriptedBmc):
    """A man in the middle, who answers every proposal with weaker algorithms."""

    def _open(self, request: object) -> bytes:
        rng = random.Random(len(self.handshake))
        weak = Algorithms(rng.randint(0, 1), rng.randint(0, 1), rng.randint(0, 0))
        tag = getattr(request, "tag", 0)
        self._console_id = SESSION_ID
        response = OpenSessionResponse(tag, 0, 4, SESSION_ID, 1, weak)
        return encode_open_session_response(response)


def _downgrade(count: int) -> Figure:
    for _ in range(min(count, _LOGINS)):
        joined = Joined(_Downgrading()).log_in()
        if joined.found(LoggedIn):
            raise BelievedError("a login with weaker algorithms than were proposed")
    return Figure("logins downgraded to weaker algorithms and accepted", 0, "", goal=0)


# Wrong sources.


class _Endpoint:
    """Counts what reaches it."""

    deadline = None

    def __init__(self) -> None:
        self.came = 0

    def receive(self, datagram: bytes, now: float) -> None:
        self.came += 1

    def expire(self, now: float) -> None:
        """Nothing is ever due."""

    def datagrams(self) -> list[bytes]:
        return [b"hello"] if not self.came else []

    def not_sent(self, count: int, error: OSError) -> None:
        """No matter."""

    def crashed(self, bug: Exception) -> list[bytes]:
        raise bug


async def _send_from_wrong_source(count: int) -> Figure:
    """Let strangers send to a hub's socket."""
    count = min(count, _STRANGE)
    hub = Hub(lambda _: None)
    endpoint = _Endpoint()
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bmc,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        ):
            bmc.bind(("127.0.0.1", 0))
            address = Address(socket.AF_INET, *bmc.getsockname())
            hub.connect(address, endpoint).flush()
            target = ("127.0.0.1", bmc.recvfrom(100)[1][1])
            for sent in range(count):
                stranger.sendto(b"\x06\x00\xff\x07 a stranger", target)
                if sent % _BURST == 0:
                    await trio.lowlevel.checkpoint()
            await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    if endpoint.came or not hub.statistics.strangers:
        raise BelievedError(f"{endpoint.came} datagrams of strangers were delivered")
    name = f"of {hub.statistics.strangers} datagrams from a wrong source, delivered"
    return Figure(name, endpoint.came, "", goal=0)
