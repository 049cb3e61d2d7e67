"""`solrecctl coverage`, on an archive and against a daemon's index."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from solrecd.cli.program import Exit, run
from solrecd.cli.solrecctl import PROGRAM
from solrecd.daemon.coverage import CoverageWatch
from solrecd.events.event import Event, Kind, Severity
from solrecd.metrics import Metrics
from solrecd.process.stamps import SECOND, format_stamp, parse_stamp
from solrecd.storage.index import FILE_NAME, Batch, Index, SegmentRow
from tests.support.archives import Printed, write_segment

NOON = parse_stamp("2026-11-22T12:00:00.000000Z")
HOUR = 3600 * SECOND
Ctl = Callable[..., tuple[int, str, str]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return an archive: node001 has two gaps in its log, node002 none."""
    folder = tmp_path / "log"
    write_segment(
        folder,
        "node001",
        [
            Printed(NOON, "hello"),
            Printed(NOON + HOUR, "gap: up to 360.0 s without a session (x)", note=True),
            Printed(NOON + HOUR, "gap: an unknown number of bytes lost", note=True),
            Printed(NOON + HOUR, "gap: 12 times more before this line (x)", note=True),
            Printed(NOON + HOUR, "power: on", note=True),
        ],
        closed=True,
    )
    write_segment(folder, "node001", [Printed(NOON + 2 * HOUR, "again")], boot=2)
    write_segment(folder, "node002", [Printed(NOON + HOUR, "hello")])
    return folder


@pytest.fixture
def ctl(archive: Path, capsys: pytest.CaptureFixture[str]) -> Ctl:
    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(PROGRAM, ["--dir", str(archive), "coverage", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def rows(output: str) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in output.splitlines()]
    return {row["console"]: row for row in found}


def test_an_archive_without_an_index_tells_it_by_its_notes(ctl: Ctl) -> None:
    status, output, errors = ctl("--json", "--since", "2020-01-01T00:00Z")

    found = rows(output)
    assert (status, errors) == (Exit.DONE, "")
    assert found["node001"]["oldest"] == format_stamp(NOON)
    assert found["node001"]["gaps"] == 14
    assert found["node001"]["lost_seconds"] == 360.0
    assert found["node002"]["coverage"] == 1.0


def test_a_table_has_a_row_for_each_console(ctl: Ctl) -> None:
    status, output, _ = ctl("--since", "2020-01-01T00:00Z")

    assert status == Exit.DONE
    assert [line.split("\t")[0] for line in output.splitlines()] == [
        "node001",
        "node002",
    ]


def test_only_consoles_below_a_share_are_wanted(ctl: Ctl) -> None:
    since = ("--since", "2020-01-01T00:00Z")
    _, output, _ = ctl("--below", "100", *since)

    assert [line.split("\t")[0] for line in output.splitlines()] == ["node001"]
    assert ctl("--below", "0.1", *since)[0] == Exit.NO


def test_what_lies_ahead_is_refused(ctl: Ctl) -> None:
    assert ctl("--since", "2999-01-01")[0] == Exit.USAGE


def event(at: int, kind: Kind, name: str, **fields: float) -> Event:
    return Event(at, "node001", kind, name, Severity.INFO, "text", 1, fields=fields)


def write_index(path: Path, *events: Event) -> None:
    segment = SegmentRow("node001", "s", 1, 1, NOON, None, 0, 5)
    with closing(Index.create(path)) as index:
        index.write(Batch((), events, [segment]))


async def test_the_daemon_answers_out_of_the_index(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    write_index(
        path,
        event(NOON, Kind.SESSION, "up"),
        event(NOON + HOUR, Kind.GAP, "session", seconds=36.0),
        event(NOON + 2 * HOUR, Kind.SESSION, "down"),
    )
    metrics = Metrics((), version="1")
    metrics.console("node001")
    watch = CoverageWatch(path, lambda: ["node001"], metrics, lambda: NOON + 4 * HOUR)

    (row,) = await watch.rows(["node001"], 30 * 86400)
    await watch.renew()

    assert row["since"] == format_stamp(NOON)
    assert row["gaps"] == 2
    assert row["lost_seconds"] == 2 * 3600 + 36.0
    assert row["coverage"] == 0.4975
    scrape = metrics.render().decode()
    assert 'solrecd_console_recorded_ratio{console="node001"} 0.4975' in scrape
    assert 'solrecd_console_oldest_timestamp_seconds{console="node001"}' in scrape


async def test_a_console_that_has_been_silent_for_long_is_recorded(
    tmp_path: Path,
) -> None:
    path = tmp_path / FILE_NAME
    write_index(path, event(NOON, Kind.SESSION, "up"))
    now = NOON + 90 * 24 * HOUR
    watch = CoverageWatch(
        path, lambda: ["node001"], Metrics((), version="1"), lambda: now
    )

    (row,) = await watch.rows(["node001"], 30 * 86400)

    assert (row["coverage"], row["gaps"]) == (1.0, 0)
    assert row["oldest"] == format_stamp(NOON)


async def test_a_console_that_has_been_down_for_long_is_not(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    write_index(
        path,
        event(NOON, Kind.SESSION, "up"),
        event(NOON + HOUR, Kind.SESSION, "down"),
    )
    now = NOON + 90 * 24 * HOUR
    watch = CoverageWatch(
        path, lambda: ["node001"], Metrics((), version="1"), lambda: now
    )

    (row,) = await watch.rows(["node001"], 30 * 86400)

    assert (row["coverage"], row["gaps"]) == (0.0, 1)


async def test_an_index_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    metrics = Metrics((), version="1")
    watch = CoverageWatch(tmp_path / "no", lambda: ["a"], metrics, lambda: NOON)

    assert await watch.rows(["a"], 60) == []
