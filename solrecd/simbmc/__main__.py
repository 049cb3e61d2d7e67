"""``python -m solrecd.simbmc``: a fleet of simulated BMCs for tests, load and play.

Prints one JSON object with the addresses when it listens, one with the sessions that
each BMC has at SIGUSR1, and one with what became of every byte when it is told to stop
(SIGTERM, SIGINT).
"""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import json
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import trio

from solrecd.simbmc import captures
from solrecd.simbmc.bmc import Bmc
from solrecd.simbmc.capture import Capture
from solrecd.simbmc.faults import Faults
from solrecd.simbmc.fleet import Fleet
from solrecd.simbmc.machine import Echo, Machine, NumberedLines, Playlist, Source
from solrecd.simbmc.options import OPENBMC, BmcOptions, Habits, LockOut, User
from solrecd.simbmc.payload import SolSettings

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m solrecd.simbmc", description=__doc__
    )
    add = parser.add_argument
    add("--count", type=int, default=1, help="how many BMCs")
    add("--host", default="127.0.0.1", help="first address, IPv4 or IPv6")
    add("--port", type=int, default=9600, help="first UDP port")
    add("--one-port", action="store_true", help="count up addresses, not ports")
    add("--username", default="recorder")
    add("--password", default="secret")
    add("--kg", default="", help="the BMC key K_G")
    add("--suites", default="3,17", help="cipher suites, comma-separated")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--rate", type=float, help="numbered lines: bursts per second")
    source.add_argument("--play", action="append", help="capture name or path prefix")
    add("--size", type=int, default=128, help="bytes per burst (with --rate)")
    add("--total", type=int, help="stop after so many bytes per BMC (with --rate)")
    add("--speed", type=float, default=1.0, help="of captures")
    add("--history", action="store_true", help="keep output while there is no session")
    add("--flow-control", action="store_true", help="hosts wait for room in the BMC")
    add("--threshold", type=int, default=96, help="bytes that do not wait for more")
    add("--retry", type=float, default=1.0, help="seconds until a retransmission")
    add("--slots", type=int, default=15, help="sessions at the same time")
    add("--lock-out", type=_lock_out, metavar="N:SECONDS", help="after N failed logins")
    add(
        "--timeout", type=float, default=60.0, help="seconds until an idle session ends"
    )
    for name in ("loss", "duplication", "reordering", "corruption"):
        add(f"--{name}", type=float, default=0.0, help="probability per datagram")
    for name in ("delay", "jitter"):
        add(f"--{name}", type=float, default=0.0, help="seconds per datagram, each way")
    habits = [each.value for each in Habits]
    add("--habits", choices=habits, default=habits[0], help="whose habits it has")
    add("--seed", type=int, default=0)
    return parser


def _lock_out(text: str) -> LockOut:
    failures, seconds = text.split(":")
    return LockOut(int(failures), float(seconds))


def _options(arguments: argparse.Namespace) -> BmcOptions:
    habits = Habits(arguments.habits)
    sol = SolSettings(
        buffers_without_owner=arguments.history,
        retry_interval=arguments.retry,
        threshold=arguments.threshold,
        flow_control=arguments.flow_control,
    )
    return BmcOptions(
        users=(User(arguments.username.encode(), arguments.password.encode()),),
        cipher_suites=tuple(int(x) for x in arguments.suites.split(",")),
        kg=arguments.kg.encode() or None,
        session_slots=arguments.slots,
        lock_out=arguments.lock_out,
        session_timeout=arguments.timeout,
        sol=OPENBMC.sol if habits is Habits.OPENBMC else sol,
        habits=habits,
    )


def _source(arguments: argparse.Namespace, playlist: list[Capture], n: int) -> Source:
    if arguments.rate:
        phase = random.Random(n).random()  # noqa: S311 - spreads the fleet
        return NumberedLines(
            f"bmc{n:04d}",
            rate=arguments.rate,
            size=arguments.size,
            phase=phase,
            total=arguments.total,
        )
    if playlist:
        return Playlist(playlist, speed=arguments.speed, first=n)
    return Echo(b"hello\r\n")


def _load(name: str) -> Capture:
    """Return a packaged capture, or the one at PREFIX.raw and PREFIX.timing."""
    if name in captures.NAMES:
        return captures.load(name)
    return Capture.parse(
        Path(f"{name}.raw").read_bytes(), Path(f"{name}.timing").read_text("ascii")
    )


def _populate(fleet: Fleet, arguments: argparse.Namespace) -> None:
    playlist = [_load(name) for name in arguments.play or ()]
    faults = Faults(
        **{
            x.name: v
            for x in dataclasses.fields(Faults)
            if (v := vars(arguments).get(x.name))
        }
    )
    first = ipaddress.ip_address(arguments.host)
    for n in range(arguments.count):
        host = str(first + n) if arguments.one_port else str(first)
        port = arguments.port + (0 if arguments.one_port else n)
        bmc = Bmc(
            _options(arguments),
            Machine(_source(arguments, playlist, n)),
            rng=random.Random(f"{arguments.seed}/{n}"),  # noqa: S311 - a simulator
        )
        fleet.add(bmc, host, port, faults=faults)


def _summary(fleet: Fleet) -> dict[str, object]:
    ledgers = [member.bmc.ledger for member in fleet.members]
    dropped = sum((x.dropped for x in ledgers), Counter())
    return {
        "printed": sum(x.printed for x in ledgers),
        "acknowledged": sum(x.acknowledged for x in ledgers),
        "dropped": {reason.value: count for reason, count in dropped.items() if count},
        "retransmissions": sum(x.retransmissions for x in ledgers),
        "digests": {f"{x.host}:{x.port}": x.bmc.ledger.digest for x in fleet.members},
    }


def _sessions(fleet: Fleet) -> dict[str, list[int]]:
    """Return the session IDs at each BMC, as the BMCs chose them."""
    return {
        f"{x.host}:{x.port}": sorted(x.bmc.controller.sessions) for x in fleet.members
    }


async def _serve(arguments: argparse.Namespace) -> None:
    with (
        trio.open_signal_receiver(*_SIGNALS) as signals,
        Fleet(seed=arguments.seed) as fleet,
    ):
        _populate(fleet, arguments)
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run)
            _tell({"listening": [f"{x.host}:{x.port}" for x in fleet.members]})
            async for number in signals:
                if number != signal.SIGUSR1:
                    break
                _tell({"sessions": _sessions(fleet)})
            nursery.cancel_scope.cancel()
        _tell(_summary(fleet))


def _tell(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    arguments = _parser().parse_args(argv)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    trio.run(_serve, arguments)


if __name__ == "__main__":
    main()
