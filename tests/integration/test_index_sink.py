"""The index sink: rows reach the file in batches, and no file stops the recorder."""

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.storage.index import Batch, Index, SegmentRow
from solrecd.storage.index.overdue import Overdue
from solrecd.storage.index.sink import BUFFER, IndexSink

NOW = 1_700_000_000_000_000


def event(at: int = 1) -> Event:
    return Event(at, "a", Kind.FAILURE, "panic", Severity.FATAL, "Kernel panic")


class Recorder:
    """A sink and what it reported."""

    def __init__(self, path: Path, archive: Path | None = None) -> None:
        self.reports: list[str | None] = []
        self.sink = IndexSink(
            path,
            wall_clock=lambda: NOW,
            report=self.reports.append,
            archive=archive,
        )


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncIterator[IndexSink]:
    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.sink.run)
        yield recorder.sink
        recorder.sink.close()


def found(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with closing(Index.read(path)) as index:
        return list(index.boots()), list(index.events())


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_what_was_offered_is_in_the_file_after_close(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"

    async with running(Recorder(path)) as sink:
        sink.offer([event()], [Boot("a", 1, 1)])

    boots, events = found(path)
    assert [boot["boot"] for boot in boots] == [1]
    assert events == [event().as_dict()]


async def test_rows_of_segments_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    rows = [SegmentRow("a", f"segment{n}", n, 1, NOW, None, n, 0) for n in (1, 2)]

    async with running(Recorder(path)) as sink:
        sink.offer(segments=rows)
        sink.forget("a", "segment1")

    with closing(Index.read(path)) as index:
        assert list(index.segments()) == rows[1:]


async def test_only_the_last_snapshot_of_a_boot_is_written(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"

    async with running(Recorder(path)) as sink:
        sink.offer(boots=[Boot("a", 1, 1)])
        sink.offer(boots=[Boot("a", 1, 1, outcome=Outcome.OK)])

    assert [boot["outcome"] for boot in found(path)[0]] == ["ok"]


@pytest.mark.parametrize(("held", "stale_since"), [([], None), (["node001"], 0)])
async def test_a_new_file_beside_an_old_archive_says_that_it_is_not_complete(
    tmp_path: Path, held: list[str], stale_since: int | None
) -> None:
    path, archive = tmp_path / "index.sqlite", tmp_path / "log"
    for folder in (archive, *(archive / name for name in held)):
        folder.mkdir()

    async with running(Recorder(path, archive)) as sink:
        sink.offer([event()])

    with closing(Index.read(path)) as index:
        assert index.stale_since == stale_since


async def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(b"garbage" * 1000)

    async with running(Recorder(path)) as sink:
        sink.offer([event()])

    assert len(found(path)[1]) == 1
    assert "index.sqlite.20231114T221320.000000Z" in names(tmp_path)


async def test_a_file_of_another_version_is_set_aside_and_wants_a_rebuild(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.sqlite"
    with closing(Index.create(path)) as index:
        index.write(Batch([Boot("a", 1, 1)]))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")

    async with running(Recorder(path)) as sink:
        sink.offer([event()])

    with closing(Index.read(path)) as index:
        assert index.stale_since == 0
        assert [each["time"] for each in index.events()] == [event().as_dict()["time"]]
    assert "index.sqlite.20231114T221320.000000Z" in names(tmp_path)


async def test_a_file_that_was_moved_away_is_made_again(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "index.sqlite"
    recorder = Recorder(path)
    mock_clock.autojump_threshold = 0.1

    async with running(recorder) as sink:
        sink.offer([event(1)])
        await trio.sleep(2)
        path.rename(tmp_path / "moved")
        sink.offer([event(2)])

    assert [each["time"] for each in found(path)[1]] == ["1970-01-01T00:00:00.000002Z"]


async def test_a_file_that_cannot_be_written_is_reported_once_and_tried_again(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    folder = tmp_path / "late"
    recorder = Recorder(folder / "index.sqlite")
    mock_clock.autojump_threshold = 0.1

    async with running(recorder) as sink:
        sink.offer([event()])
        await trio.sleep(20)
        folder.mkdir()
        await trio.sleep(20)

    assert len(found(folder / "index.sqlite")[1]) == 1
    problem, well = recorder.reports
    assert "unable to open" in (problem or "")
    assert well is None


async def test_a_full_buffer_drops_and_marks_the_index(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    recorder = Recorder(path)
    with closing(Index.create(path)):
        pass

    recorder.sink.offer([event(at) for at in range(BUFFER + 3)])
    async with running(recorder):
        pass

    assert recorder.sink.dropped == 3
    with closing(Index.read(path)) as index:
        assert index.stale_since == NOW


@pytest.mark.parametrize("offers", [0, 1])
async def test_a_forced_stop_closes_the_file(tmp_path: Path, offers: int) -> None:
    path = tmp_path / "index.sqlite"
    recorder = Recorder(path)

    async with trio.open_nursery() as nursery:
        await nursery.start(recorder.sink.run)
        recorder.sink.offer([event()] * offers)
        nursery.cancel_scope.cancel()

    assert not path.with_name("index.sqlite-wal").exists()


async def test_a_row_that_no_file_takes_is_dropped_and_the_index_is_stale(
    tmp_path: Path,
) -> None:
    path = tmp_path / "index.sqlite"
    recorder = Recorder(path)

    async with running(recorder) as sink:
        sink.offer(boots=[Boot("a", 10**20, 1)])
        with trio.fail_after(30):
            while not sink.dropped:  # noqa: ASYNC110 - it has no trio.Event
                await trio.sleep(0.01)
        sink.offer([event()])

    _, events = found(path)
    with closing(Index.read(path)) as index:
        assert index.stale_since == NOW
    assert [each["name"] for each in events] == ["panic"]


async def test_rows_that_a_stop_could_not_wait_for_have_the_next_start_rebuild_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, note = tmp_path / "index.sqlite", tmp_path / "overdue"
    over = threading.Event()
    asked: list[str] = []

    def sink() -> IndexSink:
        return IndexSink(
            path,
            wall_clock=lambda: NOW,
            report=lambda _problem: None,
            overdue=Overdue(note),
            on_replaced=asked.append,
        )

    with monkeypatch.context() as hung:
        hung.setattr(Index, "write", lambda *_: over.wait())
        with trio.move_on_after(0.5):
            first = sink()
            first.offer([event()])
            await first.run()
    noted = note.exists()
    over.set()
    async with trio.open_nursery() as nursery:
        second = sink()
        await nursery.start(second.run)
        with trio.fail_after(30):
            while note.exists():
                second.offer([event()])
                await trio.sleep(0.05)
        second.close()

    assert noted
    assert asked == ["the last process could not write all of its rows"]
    with closing(Index.read(path)) as index:
        assert index.stale_since == NOW


async def test_rows_that_are_written_leave_no_note(tmp_path: Path) -> None:
    sink = IndexSink(
        tmp_path / "index.sqlite",
        wall_clock=lambda: NOW,
        report=lambda _problem: None,
        overdue=Overdue(tmp_path / "overdue"),
    )
    sink.offer([event()])
    sink.close()

    await sink.run()

    assert "overdue" not in names(tmp_path)


@pytest.mark.parametrize("content", [b"", b"yesterday\n", b"\xff\xfe"])
def test_a_note_of_no_use_says_that_everything_may_be_missing(
    tmp_path: Path, content: bytes
) -> None:
    note = tmp_path / "overdue"
    note.write_bytes(content)

    assert Overdue(note).found == 0
