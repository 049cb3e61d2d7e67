"""Whole daemon against whole daemon: CPU per packet under the same load.

40 BMCs print 100 packets of 128 bytes a second each. First our daemon records them,
with archive, markers, index and metrics on, then conmand, with its logs on. Both are
charged for all their threads, user and system time. What counts is bytes recorded, in
units of the packet: a slow client gets fewer, larger packets, which would flatter it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.conmand import PROGRAM, Conmand
from bench.figures import Figure
from bench.processes import cpu_seconds
from bench.recording import recording
from tests.support.simulators import PASSWORD, USERNAME, BmcFleet

_BMCS = 40
_PACKETS_PER_SECOND = 100
_PACKET_SIZE = 128
_SETTLE_SECONDS = 6.0
"""Logins, and for conmand its first, slow second."""
_MEASURE_SECONDS = 15.0


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes about a minute."""
    ours = _our_cost(directory / "solrecd")
    yield Figure("end to end, solrecd", ours * 1e6, "µs CPU/packet")
    if PROGRAM is None:
        return
    theirs = _conmand_cost(directory / "conmand")
    yield Figure("end to end, conmand", theirs * 1e6, "µs CPU/packet")
    yield Figure("end to end, solrecd / conmand", ours / theirs, "ratio", goal=0.4)


def _our_cost(directory: Path) -> float:
    with _fleet() as fleet, recording(directory, fleet.addresses) as recorder:
        return _cost(recorder.pid, lambda: recorder.recorded)


def _conmand_cost(directory: Path) -> float:
    login = (USERNAME, PASSWORD)
    with _fleet() as fleet, Conmand(directory, fleet.addresses, login) as conmand:
        return _cost(conmand.pid, lambda: conmand.recorded)


def _fleet() -> BmcFleet:
    return BmcFleet(_BMCS, rate=_PACKETS_PER_SECOND, size=_PACKET_SIZE)


def _cost(pid: int, recorded: Callable[[], int]) -> float:
    """Return CPU seconds per packet, measured while everything runs steadily."""
    time.sleep(_SETTLE_SECONDS)
    cpu, size = cpu_seconds(pid), recorded()
    time.sleep(_MEASURE_SECONDS)
    cpu, size = cpu_seconds(pid) - cpu, recorded() - size
    return cpu / (size / _PACKET_SIZE)
