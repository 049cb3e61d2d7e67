"""What recording costs: one append, and a packet's way from the journal to the disk.

CPU time, so that other load matters little.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.figures import Figure
from solrecd.events.lines import Chunk, Line, Lines
from solrecd.events.reading import Reading
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink
from solrecd.storage.journal import Journal

PACKET = (b"[    1.234567] usb 1-1: new high-speed USB device number 2\r\n" * 3)[:128]
TEXT = "[    1.234567] usb 1-1: new high-speed USB device number 2"
AT = 1_795_000_000_000_000
CONSOLES = 40
RATE = 100
"""Packets per second and console."""

DRAIN_EVERY = 0.2
"""Seconds between two drains, as the supervisor's rhythm has it."""

BATCH = 0.1
"""Seconds of bytes that are interpreted and offered at once."""

SECONDS = 20


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the CPU time that a call takes."""
    before = time.process_time()
    work()
    return time.process_time() - before


def bench_append(journal: Journal, count: int = 200_000) -> float:
    """Return the seconds that one append of 128 bytes takes, slabs included."""
    stream = journal.stream("append", 0)

    def work() -> None:
        for n in range(count):
            stream.append(AT + n, PACKET)
            if n % 25 == 0:
                stream.release(stream.offset)

    return cpu_seconds(work) / count


class Fleet:
    """Consoles that all print the same, and an archive that records them."""

    def __init__(self, journal: Journal, log_dir: Path) -> None:
        self._sink = ArchiveSink(ArchiveOptions(log_dir), journal)
        self._sink.prepare()
        self._names = [f"n{n}" for n in range(CONSOLES)]
        self._streams = [self._sink.open_console(name).stream for name in self._names]
        self._chunks: list[Chunk] = []
        self._readings: list[Reading] = []

    def prepare(self, at: int) -> None:
        """Make a batch of packets for each console; each says two lines."""
        count = int(RATE * BATCH)
        offset = self._streams[0].offset
        self._chunks = [Chunk(at + n * 10_000, PACKET) for n in range(count)]
        lines = [
            Line(chunk.at, offset + n * len(PACKET), TEXT)
            for n, chunk in enumerate(self._chunks)
            for _ in range(2)
        ]
        self._readings = [Reading(lines=Lines(lines)) for _ in self._names]

    def append(self) -> None:
        """Put the batch into the journal."""
        for stream in self._streams:
            for chunk in self._chunks:
                stream.append(*chunk)

    def offer(self) -> None:
        """Hand the batch to the archive."""
        for name, reading in zip(self._names, self._readings, strict=True):
            self._sink.offer(name, self._chunks, reading)

    def drain(self) -> None:
        """Write what was handed over."""
        self._sink.drain()


def bench_archive(journal: Journal, log_dir: Path) -> tuple[float, float, float]:
    """Return CPU seconds per packet of append, offer and drain."""
    fleet = Fleet(journal, log_dir)
    append = offer = drain = last_drain = 0.0
    for step in range(int(SECONDS / BATCH)):
        fleet.prepare(AT + int(step * BATCH * 1e6))
        append += cpu_seconds(fleet.append)
        offer += cpu_seconds(fleet.offer)
        if step * BATCH - last_drain >= DRAIN_EVERY:
            last_drain = step * BATCH
            drain += cpu_seconds(fleet.drain)
    packets = CONSOLES * RATE * SECONDS
    return append / packets, offer / packets, drain / packets


def bench_open(log_dir: Path, journal: Journal) -> float:
    """Return the seconds that opening a recorded console again takes."""
    sink = ArchiveSink(ArchiveOptions(log_dir), journal)

    def work() -> None:
        for n in range(CONSOLES):
            sink.open_console(f"n{n}")

    return cpu_seconds(work) / CONSOLES


def measure(directory: Path) -> Iterable[Figure]:
    """Yield the figures; takes a few seconds.

    Args:
        directory: where the archive is written; the journal is in memory.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        journal = Journal.open(Path(memory) / "journal", 64 << 20)
        yield Figure("journal, append 128 B", bench_append(journal) * 1e6, "µs")
        append, offer, drain = bench_archive(journal, directory)
        load = f"{CONSOLES} consoles x {RATE} packets/s of 128 B"
        yield Figure(f"journal, append; {load}", append * 1e6, "µs/packet")
        yield Figure(f"archive, offer; {load}", offer * 1e6, "µs/packet")
        yield Figure(f"archive, drain; {load}", drain * 1e6, "µs/packet")
        again = bench_open(directory, journal)
        yield Figure(f"archive, open a console of {SECONDS} s", again * 1e6, "µs")
        journal.close()
