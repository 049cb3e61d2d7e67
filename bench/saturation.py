"""A thousand BMCs whose machines print three times what one core can take.

All of them have to get their session all the same, and none may be left behind. Serial
lines with flow control hold the machines up, so nothing may be lost.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.fleet import seconds_until_up
from bench.processes import cpu_seconds
from bench.recording import recording
from tests.support.recorder import Recorder
from tests.support.simulators import BmcFleet

_BMCS = 1000
_PACKETS_PER_SECOND = 30
_PACKET_SIZE = 128
_MEASURE_SECONDS = 20.0
_PATIENCE_SECONDS = 120.0


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes about a minute."""
    what = f"{_BMCS} x {_PACKETS_PER_SECOND}/s offered"
    with (
        BmcFleet(
            _BMCS, "flow-control", rate=_PACKETS_PER_SECOND, size=_PACKET_SIZE
        ) as fleet,
        recording(directory, fleet.addresses) as recorder,
    ):
        login = seconds_until_up(recorder, _BMCS, _PATIENCE_SECONDS)
        yield Figure(f"{what}: all up", login, "s", goal=15)
        cpu, before = cpu_seconds(recorder.pid), _sizes(recorder)
        time.sleep(_MEASURE_SECONDS)
        cpu, after = cpu_seconds(recorder.pid) - cpu, _sizes(recorder)
        grown = [size - before.get(name, 0) for name, size in after.items()]
        packets = sum(grown) / _PACKET_SIZE
        yield Figure(f"{what}: recorded", packets / cpu, "packets/CPU s")
        slowest = min(grown) / median(grown)
        yield Figure(
            f"{what}: slowest console",
            slowest,
            "of the median",
            goal=0.5,
            more_is_better=True,
        )
        lost = recorder.total("solrecd_sol_session_lost_total")
        yield Figure(f"{what}: sessions lost", lost, "sessions", goal=0)
        gaps = recorder.total("solrecd_console_gaps_total")
        yield Figure(f"{what}: gaps", gaps, "gaps", goal=0)


def _sizes(recorder: Recorder) -> Mapping[str, int]:
    """Return the bytes recorded so far, by console."""
    sizes: dict[str, int] = {}
    for path in recorder.archive.glob("*/*Z.boot-*.raw"):
        name = path.parent.name
        sizes[name] = sizes.get(name, 0) + path.stat().st_size
    return sizes
