"""The receive path in process: what one SoL packet costs, next to pyghmi's.

From the datagram to the queued ACK: integrity check, decryption, duplicate detection,
the event, its acknowledgement, and the ACK sealed. No sockets on either side. The same
packets are not fed to both: sequence numbers are used up; each gets its own stream,
sealed by `solrecd.sources.ipmi.protocol.cipher` in the BMC's role.
"""

from __future__ import annotations

import gc
import hashlib
import math
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pyghmi.ipmi import console as pyghmi_console
from pyghmi.ipmi.private import session as pyghmi_session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.figures import Figure, machine, markdown
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import PayloadType
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import SolPacket, encode_sol
from solrecd.sources.ipmi.protocol.session import Session
from tests.support.scripted_bmc import BMC_SESSION_ID, ScriptedBmc

SIZES = (64, 128, 255)
SUITES = (3, 17)
PACKETS = 5000
ROUNDS = 5
"""The fastest round counts: others measure the neighbours of this machine."""

PROMISED_SIZE = 128
MIN_RATIO = 4.0
MAX_MICROSECONDS = 6.0
"""On a machine of its own; the ratio is what holds on any."""

WARM_UP = 1.5
"""Seconds. The first one of a process takes twice as long, ours and theirs."""

_SESSION_ID = 0x7A5E0010
_HASHES: dict[int, Callable[..., object]] = {3: hashlib.sha1, 17: hashlib.sha256}


def measure(_folder: Path | None = None) -> Iterable[Figure]:
    """Yield µs per packet of ours and how many times longer pyghmi takes."""
    _warm_up()
    for suite in SUITES:
        for size in SIZES:
            yield from _compare(suite, size)


def _compare(suite: int, size: int) -> Iterable[Figure]:
    ours, theirs = math.inf, math.inf
    for _ in range(ROUNDS):
        ours = min(ours, _time_ours(suite, size))
        theirs = min(theirs, _time_pyghmi(suite, size))
    what = f"receive path, suite {suite}, {size} B"
    is_promised = size == PROMISED_SIZE
    yield Figure(
        f"{what}: pyghmi / solrecd",
        theirs / ours,
        "times",
        MIN_RATIO if is_promised else None,
        more_is_better=True,
    )
    yield Figure(
        f"{what}: solrecd", ours, "µs", MAX_MICROSECONDS if is_promised else None
    )
    yield Figure(f"{what}: pyghmi", theirs, "µs")


def _warm_up() -> None:
    """Let the interpreter specialise and the processor reach its pace."""
    until = time.process_time() + WARM_UP
    while time.process_time() < until:
        _time_ours(SUITES[0], PROMISED_SIZE)


def _time_ours(suite: int, size: int) -> float:
    session, bmc = _log_in(suite)
    assert bmc.cipher is not None
    packets = _make_packets(bmc.cipher, size)
    receive, acknowledge, datagrams = (
        session.receive,
        session.acknowledge,
        session.datagrams,
    )
    gc.collect()
    began = time.process_time()
    for packet in packets:
        for _event in receive(packet, 1.0):
            acknowledge()
        datagrams()
    return _microseconds(began)


def _time_pyghmi(suite: int, size: int) -> float:
    _session, bmc = _log_in(suite)
    cipher = bmc.cipher
    assert cipher is not None
    packets = _make_packets(cipher, size)
    console = _make_pyghmi(cipher)
    handle = console.ipmi_session._handle_ipmi_packet  # noqa: SLF001
    gc.collect()
    began = time.process_time()
    for packet in packets:
        handle(bytearray(packet))
    return _microseconds(began)


def _microseconds(began: float) -> float:
    return (time.process_time() - began) / PACKETS * 1e6


def _log_in(suite: int) -> tuple[Session, ScriptedBmc]:
    bmc = ScriptedBmc()
    options = SessionOptions(
        username=bmc.username, password=bmc.password, cipher_suites=(suite,)
    )
    session = Session(options, token_bytes=secrets.token_bytes, session_id=_SESSION_ID)
    session.open(0.0)
    while sent := session.datagrams():
        for reply in bmc.receive(sent):
            session.receive(reply, 0.0)
    session.activate(0.0)
    while sent := session.datagrams():
        for reply in bmc.receive(sent):
            session.receive(reply, 0.0)
    return session, bmc


def _make_packets(cipher: SessionCipher, size: int) -> list[bytes]:
    data = bytes(range(256))[:size]
    return [
        cipher.seal(
            PayloadType.SOL, encode_sol(SolPacket(index % 15 + 1, 0, 0, 0, data))
        )
        for index in range(PACKETS)
    ]


def _make_pyghmi(cipher: SessionCipher) -> pyghmi_console.Console:
    """Return pyghmi's console as it is after a login with these keys.

    Built without its constructors, which open sockets and start a thread; its sending
    ends where a datagram would go to the socket.
    """
    session = object.__new__(pyghmi_session.Session)
    session.sockaddr = None
    session.servermode = False
    session.localsid, session.sessionid = _SESSION_ID, BMC_SESSION_ID
    session.remseqnumber = None
    session.sequencenumber = 1
    session.ipmiversion, session.authtype = 2.0, 6
    session.k1, session.aeskey = cipher.keys.k1, cipher.keys.k2[:16]
    session.currhashlib = _HASHES[cipher.suite.number]
    session.currhashlen = 12 if cipher.suite.number == 3 else 16
    session.integrityalgo, session.confalgo = cipher.suite.number, "aes"
    session._crypto_backend = pyghmi_session.default_backend()
    session.lastpayload = session.last_payload_type = None
    session._customkeepalives = None
    session.logged = 1
    session._xmit_packet = lambda *_args, **_kwargs: None
    console = object.__new__(pyghmi_console.Console)
    console.broken, console.connected = False, True
    console.remseq = console.myseq = console.lastsize = 0
    console.awaitingack, console.pendingoutput = False, []
    console.ipmi_session = session
    console.received = []
    console.out_handler = console.received.append
    session.sol_handler = console._got_sol_payload
    return console


def main() -> int:
    """Print the table."""
    print(f"{machine()}\n\n{markdown(measure())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
