"""Consoles over TCP at line rate: CPU for each KiB, ours and conserver's."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.conserver import PROGRAM, Conserver
from bench.figures import Figure
from bench.processes import tree_cpu_seconds
from bench.recording import running
from tests.support.ports import free_port

_CONSOLES = 300
_SETTLE_SECONDS = 10.0
_MEASURE_SECONDS = 30.0


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes about two minutes."""
    name = f"{_CONSOLES} tcp consoles at 11.5 kB/s, archive on"
    with _lines() as address:
        addresses = {f"line{n:03}": address for n in range(_CONSOLES)}
        ours = _our_cost(directory / "ours", addresses)
        yield Figure(name, ours * 1e6, "µs CPU/KiB")
        if PROGRAM is None:
            return
        with Conserver(directory / "conserver", addresses) as conserver:
            theirs = _cost(conserver.pid, lambda: conserver.recorded)
    yield Figure(f"{name}, conserver", theirs * 1e6, "µs CPU/KiB")
    yield Figure(f"{name}, of conserver's", ours / theirs, "", goal=0.5)


def _our_cost(directory: Path, addresses: Mapping[str, str]) -> float:
    tables = (
        f'[console.{name}]\nkind = "tcp"\naddress = "{address}"\n'
        for name, address in addresses.items()
    )
    with running(directory, "", "".join(tables)) as recorder:
        return _cost(recorder.pid, lambda: recorder.recorded)


@contextmanager
def _lines() -> Iterator[str]:
    """Run what prints; yield where."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.line_rate", str(port)])
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _cost(pid: int, recorded: Callable[[], int]) -> float:
    """Return CPU seconds per KiB, measured while everything runs steadily."""
    time.sleep(_SETTLE_SECONDS)
    cpu, size = tree_cpu_seconds(pid), recorded()
    time.sleep(_MEASURE_SECONDS)
    cpu, size = tree_cpu_seconds(pid) - cpu, recorded() - size
    return cpu / (size / 1024)
