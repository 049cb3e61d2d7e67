"""The sample configurations for log shippers: what arrives, once, with which labels."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml

from solrecd.events.lines import Chunk
from solrecd.events.reading import Cut, Reading
from solrecd.storage.archive.closer import SegmentChange, SegmentFate
from solrecd.storage.archive.sink import ArchiveOptions, ArchiveSink
from solrecd.storage.journal import Journal
from tests.support.peers import need
from tests.support.reader import LineReader
from tests.support.rsyslog import SAMPLES, Collector, Rsyslog, is_installed

AT = 1_795_000_000_000_000
BOOTS = 4
LINES = 200
HOSTILE = '\x1b[31mred\x07 "quoted" \\back ü ' + "x" * 8000


def pieces(data: bytes) -> list[bytes]:
    """Return bytes as packets bring them."""
    return [data[at : at + 255] for at in range(0, len(data), 255)]


class Recording:
    """A console whose machine boots, recorded into an archive."""

    def __init__(self, journal: Journal, archive: Path, name: str) -> None:
        self.archive = archive
        self.name = name
        self.closed = 0
        self.news = trio.Event()
        self.sink = ArchiveSink(
            ArchiveOptions(archive), journal, on_segment=self._changed
        )
        self.sink.prepare()
        self._opened = self.sink.open_console(name)
        self._reader = LineReader(self._opened.offset)
        self._size = 0
        self.said: list[str] = []

    def _changed(self, change: SegmentChange) -> None:
        self.closed += change.fate is SegmentFate.CLOSED
        self.news.set()

    def boot(self, number: int) -> None:
        """Print a whole boot, into a segment of its own."""
        at = AT + number * 60_000_000
        for line in range(LINES):
            text = HOSTILE if line == LINES // 2 else f"boot {number} line {line}"
            self._print(at + line, f"{text}\r\n".encode(), number, first=line == 0)
        self.sink.note(self.name, at + LINES, "gap: 1.0 s without a session")
        self.said.append("gap: 1.0 s without a session")

    def _print(self, at: int, data: bytes, boot: int, *, first: bool) -> None:
        chunks = [Chunk(at, part) for part in pieces(data)]
        assert all(self._opened.stream.append(*chunk) for chunk in chunks)
        reading: Reading = self._reader.feed(chunks)
        if first and boot > 1:
            reading.cuts.append(Cut(at, self._size, 0, boot))
        self._size += len(data)
        self.said += reading.lines.texts
        self.sink.offer(self.name, chunks, reading)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Return a log server."""
    need("rsyslogd of Debian's rsyslog", available=is_installed())
    running = Collector()
    yield running
    running.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal."""
    with closing(Journal.open(tmp_path / "journal", 4 << 20)) as opened:
        yield opened


async def record(recording: Recording, collector: Collector) -> None:
    """Record boots; return when all of them arrived and all but one are compressed."""
    async with trio.open_nursery() as nursery:
        await nursery.start(recording.sink.run)
        for number in range(1, BOOTS + 1):
            recording.boot(number)
            # A segment is compressed a second after it ended. A shipper that is late
            # by more than that loses its end, and a busy machine would show it here.
            await trio.to_thread.run_sync(collector.wait, len(recording.said))
        with trio.fail_after(60):
            while recording.closed < BOOTS - 1:
                recording.news = trio.Event()
                await recording.news.wait()
        recording.sink.close()


async def test_rsyslog_ships_every_line_once_over_new_boots_and_its_own_restart(
    collector: Collector, journal: Journal, tmp_path: Path
) -> None:
    archive, state = tmp_path / "log", tmp_path / "rsyslog"
    archive.mkdir()
    sample = "rsyslog-consoles.conf"
    recording = Recording(journal, archive, "node001")

    with Rsyslog(state, sample, archive, collector.port):
        await record(recording, collector)
        first = collector.wait(0)
    with Rsyslog(state, sample, archive, collector.port):
        current = archive / "node001" / "current.log"
        with current.open("ab") as log:
            log.write(b"2026-11-22T12:00:05.123456Z | after the restart\n")
        wanted = len(recording.said) + 1
        arrived = await trio.to_thread.run_sync(collector.wait, wanted)

    assert [entry["message"] for entry in first] == recording.said
    assert [it["message"] for it in arrived] == [*recording.said, "after the restart"]
    assert {entry["console"] for entry in arrived} == {"node001"}
    assert [it["kind"] for it in arrived].count("note") == BOOTS
    assert arrived[0]["@timestamp"] == "2026-11-18T11:07:40.000000Z"
    assert len(list(archive.glob("*/*.log.zst"))) == BOOTS - 1


@pytest.mark.parametrize("name", ["rsyslog-consoles.conf", "rsyslog-events.conf"])
def test_rsyslog_accepts_the_sample(name: str, tmp_path: Path) -> None:
    need("rsyslogd of Debian's rsyslog", available=is_installed())
    sample = tmp_path / name
    head = f'global(workDirectory="{tmp_path}" maxMessageSize="64k")\n'
    sample.write_text(head + (SAMPLES / name).read_text())

    result = subprocess.run(
        ["rsyslogd", "-N1", "-f", str(sample)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert result.returncode == 0, result.stderr
    assert "error" not in result.stderr


LOG = "2026-11-22T12:00:05.123456Z | [    0.000000] Linux version | 6.1"
NOTE = "2026-11-22T12:00:17.000001Z # gap: 11.8 s without a session (bmc_timeout)"
EMPTY = "2026-11-22T12:00:05.123456Z | "
FILE = "/var/log/solrecd/node-1.a/20261122T120005.123456Z.boot-000042.log"


def understood(line: re.Pattern[str], file: re.Pattern[str]) -> list[tuple[str, ...]]:
    """Return what a shipper's expressions read in lines of the archive."""
    (console,) = [match["console"] for match in [file.search(FILE)] if match]
    found = [line.search(text) for text in (LOG, NOTE, EMPTY)]
    return [
        (console, match["time"], match["mark"], match["text"])
        for match in found
        if match
    ]


EXPECTED = [
    ("node-1.a", LOG[:27], "|", "[    0.000000] Linux version | 6.1"),
    ("node-1.a", NOTE[:27], "#", "gap: 11.8 s without a session (bmc_timeout)"),
    ("node-1.a", EMPTY[:27], "|", ""),
]


def test_alloys_expressions_read_the_archives_lines() -> None:
    sample = (SAMPLES / "config.alloy").read_text()

    file, line = map(re.compile, re.findall(r"expression = `(.+?)`", sample))

    assert understood(line, file) == EXPECTED
    assert '"__path__" = "/var/log/solrecd/*/2*.log"' in sample
    assert re.findall(r'"(\w+)" += ""', sample) == ["console", "kind"]
    assert '"SYSLOG_IDENTIFIER=solrecd"' in sample


def test_every_component_of_alloy_that_is_referred_to_is_there() -> None:
    sample = (SAMPLES / "config.alloy").read_text()
    code = re.sub(r"(?m)^//.*", "", sample)

    made = {
        f"{kind}.{name}" for kind, name in re.findall(r'(?m)^([\w.]+) "(\w+)"', code)
    }
    asked = re.findall(
        r"(local\.[\w.]+|loki\.[\w.]+)\.(?:receiver|targets|rules)\b", code
    )

    assert asked
    assert set(asked) <= made
    assert code.count("{") == code.count("}")


def test_vectors_expressions_read_the_archives_lines() -> None:
    sample = yaml.safe_load((SAMPLES / "vector.yaml").read_text())
    source = sample["transforms"]["solrecd_lines"]["source"]

    file, line = map(re.compile, re.findall(r"r'(.+?)'\)", source))

    assert understood(line, file) == EXPECTED
    assert sample["sources"]["solrecd_files"]["include"] == [
        "/var/log/solrecd/*/2*.log"
    ]


def test_every_input_of_vector_is_something_that_it_has() -> None:
    sample: dict[str, Any] = yaml.safe_load((SAMPLES / "vector.yaml").read_text())
    parts = sample["transforms"] | sample["sinks"]

    asked = {name for part in parts.values() for name in part["inputs"]}

    assert asked == sample["sources"].keys() | sample["transforms"].keys()
