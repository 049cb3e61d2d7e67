"""kill -9 of a process that records: every acknowledged byte is archived, once."""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import zstandard

from solrecd.events.lines import Chunk
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink, OpenedConsole
from solrecd.storage.formats.names import parse_file_name
from solrecd.storage.formats.retention import SegmentLimits
from solrecd.storage.journal import Journal
from tests.support.reader import LineReader

pytestmark = pytest.mark.e2e

CONSOLES = 20
KILLS = 10
JOURNAL_SIZE = 4 << 20
LINE = 16
"""Bytes; each line is its own number, so that a repeated or missing one shows."""


@pytest.fixture(name="memory")
def _memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


class Recorder:
    """All consoles of one process."""

    def __init__(self, memory: Path, log_dir: Path) -> None:
        self.journal = Journal.open(memory / "journal", JOURNAL_SIZE)
        options = ArchiveOptions(log_dir, limits=SegmentLimits(size=40_000))
        self.sink = ArchiveSink(options, self.journal)
        self.sink.prepare()
        self._names = [f"n{n}" for n in range(CONSOLES)]
        self._opened = [self.sink.open_console(name) for name in self._names]
        self._readers = [LineReader(o.offset, o.boot) for o in self._opened]
        for name, opened, reader in self._each():
            self.sink.offer(name, (), reader.feed(opened.restored))
            self.sink.offer(name, opened.pending, reader.feed(opened.pending))

    def _each(self) -> Iterator[tuple[str, OpenedConsole, LineReader]]:
        return zip(self._names, self._opened, self._readers, strict=True)

    async def record(self, acknowledged: mmap.mmap) -> None:
        """Record numbers forever, and say how many bytes were acknowledged."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.sink.run)
            while True:
                for n, (name, opened, reader) in enumerate(self._each()):
                    first = opened.stream.offset // LINE
                    count = random.randrange(1, 9)
                    data = b"".join(b"%015d\n" % (first + k) for k in range(count))
                    chunk = Chunk(time.time_ns() // 1000, data)
                    if opened.stream.append(*chunk):
                        struct.pack_into(
                            "<Q", acknowledged, n * 8, opened.stream.offset
                        )
                        self.sink.offer(name, [chunk], reader.feed([chunk]))
                await trio.sleep(0.002)


def record_until_killed(memory: Path, log_dir: Path, acknowledged: mmap.mmap) -> None:
    """Be a daemon; never returns."""
    try:
        recorder = Recorder(memory, log_dir)
        trio.run(recorder.record, acknowledged)
    finally:
        os._exit(1)


def read(folder: Path, kind: str) -> bytes:
    """Return the content of all segments' files of a kind, closed or not."""
    content = {}
    for path in folder.iterdir():
        file = parse_file_name(path.name)
        if file is not None and file.kind == kind:
            data = path.read_bytes()
            if file.closed:
                source = zstandard.ZstdDecompressor().stream_reader(
                    data, read_across_frames=True
                )
                data = source.read()
            content[file.segment] = data
    return b"".join(content[name] for name in sorted(content))


def test_every_acknowledged_byte_is_archived_once(memory: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    acknowledged = mmap.mmap(-1, 8 * CONSOLES)
    for _ in range(KILLS):
        child = os.fork()
        if child == 0:
            record_until_killed(memory, tmp_path, acknowledged)
        time.sleep(rng.uniform(0.3, 1.6))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])

    recorder = Recorder(memory, tmp_path)
    recorder.sink.drain(force=True)
    recorder.journal.close()

    for n in range(CONSOLES):
        raw = read(tmp_path / f"n{n}", "raw")
        log = read(tmp_path / f"n{n}", "log").decode().splitlines()
        numbers = [b"%015d" % k for k in range(len(raw) // LINE)]
        assert len(raw) >= struct.unpack_from("<Q", acknowledged, n * 8)[0]
        assert raw.split() == numbers
        assert [line[30:].encode() for line in log] == numbers
