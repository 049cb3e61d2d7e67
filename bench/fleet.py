"""A thousand BMCs that have nothing to say: logins, memory, idle CPU."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from bench.figures import Figure
from bench.processes import cpu_seconds, pss_bytes
from bench.recording import recording
from tests.support.recorder import Recorder
from tests.support.simulators import BmcFleet

_BMCS = 1000
_FEW = 10
"""The daemon with this many is what a session's memory is measured from."""
_ANSWER_SECONDS = 0.05
_IDLE_SECONDS = 60.0
"""Three times the keepalive interval."""
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0

# All at once: the default cap is for fleets whose network one does not know.
_SETTINGS = f"login_concurrency = {_BMCS}\n"


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes about two minutes."""
    little = _memory_of_few(directory / "few")
    with (
        BmcFleet(_BMCS, delay=_ANSWER_SECONDS) as fleet,
        recording(directory / "many", fleet.addresses, _SETTINGS) as recorder,
    ):
        login = seconds_until_up(recorder, _BMCS)
        yield Figure(f"{_BMCS} logins, answers after 50 ms", login, "s", goal=2)
        busy = _busy_share(recorder)
        yield Figure(f"{_BMCS} idle sessions", busy * 100, "% of a core", goal=0.5)
        memory = (pss_bytes(recorder.pid) - little) / (_BMCS - _FEW) / 1000
        yield Figure(f"{_BMCS} idle sessions", memory, "KB each", goal=20)


def _memory_of_few(directory: Path) -> int:
    with (
        BmcFleet(_FEW, delay=_ANSWER_SECONDS) as fleet,
        recording(directory, fleet.addresses, _SETTINGS) as recorder,
    ):
        seconds_until_up(recorder, _FEW)
        time.sleep(_IDLE_SECONDS / 4)
        return pss_bytes(recorder.pid)


def seconds_until_up(
    recorder: Recorder, count: int, patience: float = _PATIENCE_SECONDS
) -> float:
    """Return how long after readiness the last session came up."""
    begun = time.monotonic()
    while recorder.total("solrecd_sol_session_up") < count:
        if time.monotonic() - begun > patience:
            up = recorder.total("solrecd_sol_session_up")
            raise TimeoutError(
                f"{up:.0f} of {count} sessions are up: {recorder.messages[-2000:]}"
            )
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - begun


def _busy_share(recorder: Recorder) -> float:
    """Return the share of one core that the daemon uses."""
    time.sleep(_IDLE_SECONDS / 4)
    begun, cpu = time.monotonic(), cpu_seconds(recorder.pid)
    time.sleep(_IDLE_SECONDS)
    return (cpu_seconds(recorder.pid) - cpu) / (time.monotonic() - begun)
