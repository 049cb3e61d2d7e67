"""``python -m tests.systemd``: what restarts cost, as a table.

A fleet of simulated BMCs, then OpenIPMI's, are recorded by the real unit under a real
systemd; it is restarted and killed in turns. Ends with status 1 where a byte is lost or
recorded twice, or where a session is not kept.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.figures import Figure, machine as this_machine, markdown
from solrecd.simbmc.machine import numbered
from tests.support import ipmi_sim
from tests.support.wire import Wire
from tests.systemd import handbook, nspawn
from tests.systemd.bmcs import PASSWORD, Bmcs, foreign_bmc, record, wait_until_recorded
from tests.systemd.nspawn import Machine
from tests.systemd.service import Service, console, pauses, wait_until

FLEET_CYCLES = 6
FLEET_RATE = 0.5
"""Bursts of 128 bytes a second of each host: a fleet at work that does not boot. More
would measure the simulator, which has to share the processors."""

LONGEST = 2.0
"""Seconds that the daemon is kept away, at most, beside what its start takes."""

BACK_WITHIN = 5.0
"""Seconds from the command until the daemon says that it records every console."""

_ACTS = (Service.restart, Service.kill)
_PATIENCE = 120.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.systemd")
    parser.add_argument("--consoles", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=24, help="against ipmi_sim")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    reason = nspawn.missing()
    if reason is not None:
        parser.exit(2, f"{reason}\n")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="solrecd-") as folder:
        figures = []
        for figure in _measure(Path(folder), arguments):
            figures.append(figure)
            sys.stderr.write(f"{figure.name}: {figure.value:.3g} {figure.unit}\n")
    sys.stdout.write(f"\n{this_machine()}\n\n{markdown(figures)}\n")
    return int(any(figure.verdict == "MISSED" for figure in figures))


def _measure(folder: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    with Machine(folder) as machine:
        handbook.install(machine, PASSWORD)
        service = Service(machine, "solrecd.service")
        yield from _fleet(service, arguments.consoles)
        service.clear()
        yield from _one_of_others(service, folder, arguments)
        service.clear()


def _fleet(service: Service, count: int) -> Iterator[Figure]:
    with Bmcs(service.machine, count, rate=FLEET_RATE) as bmcs:
        record(service, bmcs, _PATIENCE)
        owners, unheard = bmcs.owners, {n: bmcs.dropped(n) for n in bmcs.names}
        service.forget_messages()
        back = [_cycle(service, bmcs, number) for number in range(FLEET_CYCLES)]
        kept = sum(owners[name] == now for name, now in bmcs.owners.items())
        wait_until(bmcs.have_caught_up, seconds=_PATIENCE)
        dropped = {name: bmcs.dropped(name) for name in bmcs.names}
        acknowledged = bmcs.acknowledged
        service.systemctl("stop")
    lost = repeated = 0
    for name in bmcs.names:
        before = sum(unheard[name].values())
        recorded = service.raw(name)
        lost += sum(dropped[name].values()) - before
        lost += max(0, acknowledged[name] - len(recorded))
        repeated += recorded != numbered(name, before, len(recorded))
    logs = [service.text(name) for name in bmcs.names]
    paused = [pause for log in logs for pause in pauses(log)]
    what = f"{count} consoles"
    yield Figure(f"{what}: restarts and kills", FLEET_CYCLES, "")
    yield Figure(f"{what}: sessions not kept", count - kept, "", goal=0)
    yield Figure(f"{what}: lost", lost, "bytes", goal=0)
    yield Figure(f"{what}: recordings with anything else", repeated, "", goal=0)
    yield Figure(f"{what}: marked as gaps", sum(it.count("# gap: ") for it in logs), "")
    yield Figure(f"{what}: no reader, median", median(paused), "s")
    yield Figure(f"{what}: no reader, longest", max(paused), "s")
    yield Figure(f"{what}: command to ready", max(back), "s", goal=BACK_WITHIN)


def _cycle(service: Service, bmcs: Bmcs, number: int) -> float:
    """Replace the daemon; return how many seconds it took until it was ready."""
    began = time.monotonic()
    _ACTS[number % 2](service)
    took = time.monotonic() - began
    wait_until_recorded(service, bmcs, _PATIENCE)
    return took


def _one_of_others(
    service: Service, folder: Path, arguments: argparse.Namespace
) -> Iterator[Figure]:
    rng = random.Random(arguments.seed)
    with foreign_bmc(service.machine, folder / "bmc") as bmc:
        wire = bmc.wire
        account = {"username": ipmi_sim.USERNAME, "password": ipmi_sim.PASSWORD}
        service.configure(console("node1", bmc.address, **account))
        service.forget_messages()
        service.systemctl("start")
        wait_until(lambda: "state=up" in service.messages, lambda: service.messages)
        with _printing(wire):
            for number in range(arguments.cycles):
                down = rng.uniform(0, LONGEST)
                with service.changed(
                    f"[Service]\nExecStartPre=/bin/sleep {down:.2f}\n"
                ):
                    _ACTS[number % 2](service)
        lost, repeated = _compare(service, wire)
        service.systemctl("stop")
    log = service.text("node1")
    paused = pauses(log)
    kept = service.messages.count("session.resumed")
    yield Figure("ipmi_sim: restarts and kills", arguments.cycles, "")
    yield Figure("ipmi_sim: sessions not kept", arguments.cycles - kept, "", goal=0)
    yield Figure("ipmi_sim: printed", len(wire.sent), "bytes")
    yield Figure("ipmi_sim: lost", lost, "bytes", goal=0)
    yield Figure("ipmi_sim: recorded twice", repeated, "bytes", goal=0)
    yield Figure("ipmi_sim: marked as gaps", log.count("# gap: "), "")
    yield Figure("ipmi_sim: no reader, median", median(paused), "s")
    yield Figure("ipmi_sim: no reader, longest", max(paused), "s")


def _compare(service: Service, wire: Wire) -> tuple[int, int]:
    """Return how many bytes are missing, and how many are there twice."""
    try:
        wait_until(lambda: service.raw("node1") == wire.sent)
    except AssertionError:
        sent = wire.sent.splitlines()
        got = service.raw("node1").splitlines()
        lost = sum(len(line) + 2 for line in set(sent) - set(got))
        return lost, sum(map(len, got)) - sum(map(len, set(got)))
    return 0, 0


@contextmanager
def _printing(wire: Wire) -> Iterator[None]:
    """Print 50 numbered lines a second."""
    done = threading.Event()

    def emit() -> None:
        number = 0
        while not done.wait(0.02):
            wire.emit(b"line %07d\r\n" % number)
            number += 1

    thread = threading.Thread(target=emit)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
