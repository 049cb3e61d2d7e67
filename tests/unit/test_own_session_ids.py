"""Which sessions were ours: remembered without a descriptor store."""

import os
import stat
from pathlib import Path

import pytest

from solrecd.sources.ipmi.link.own_session_ids import LIFETIME, OwnSessionIds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file is."""
    return tmp_path / "sessions"


def worked_at(path: Path) -> int:
    """Return the stamp at which the process before was last seen."""
    return path.stat().st_mtime_ns // 1000


def test_the_next_process_knows_the_sessions_of_the_last(path: Path) -> None:
    before = OwnSessionIds(path)
    before.note("node1", {7, 9})
    before.note("node2", {8})
    before.forget("node2")

    after = OwnSessionIds(path)

    assert set(after.of("node1", worked_at(path))) == {7, 9}
    assert not after.of("node2", worked_at(path))


def test_they_are_known_until_no_bmc_can_have_them_any_more(path: Path) -> None:
    OwnSessionIds(path).note("node1", {7})
    last = worked_at(path)

    after = OwnSessionIds(path)

    assert after.of("node1", last + LIFETIME - 1)
    assert not after.of("node1", last + LIFETIME)


def test_daemons_that_die_early_do_not_make_a_ghost_younger(path: Path) -> None:
    OwnSessionIds(path).note("node1", {7})
    os.utime(path, ns=(0, 5_000_000_000))

    OwnSessionIds(path)
    OwnSessionIds(path)
    after = OwnSessionIds(path)

    assert after.of("node1", 5_000_000)
    assert not after.of("node1", 5_000_000 + LIFETIME)


def test_a_console_that_has_a_session_has_no_ghost(path: Path) -> None:
    OwnSessionIds(path).note("node1", {7})
    after = OwnSessionIds(path)

    after.note("node1", {8})

    assert not after.of("node1", worked_at(path))
    assert set(OwnSessionIds(path).of("node1", worked_at(path))) == {8}


def test_what_others_know_of_a_session_is_added(path: Path) -> None:
    OwnSessionIds(path).note("node1", {7})
    after = OwnSessionIds(path)

    after.add("node1", {70}, worked_at(path))

    assert set(after.of("node1", worked_at(path))) == {7, 70}


@pytest.mark.parametrize(
    "text",
    [
        b'{"console":"node1","ses',
        b"\xff\n",
        b"[]\n",
        b'{"console":1,"sessions":["x"]}\n',
    ],
)
def test_a_line_that_makes_no_sense_costs_only_itself(path: Path, text: bytes) -> None:
    OwnSessionIds(path).note("node1", {7})
    with path.open("ab") as file:
        file.write(text)

    after = OwnSessionIds(path)

    assert set(after.of("node1", worked_at(path))) == {7}


def test_the_file_stays_small_however_often_sessions_change(path: Path) -> None:
    memory = OwnSessionIds(path, size_max=1000)

    for number in range(1, 500):
        memory.note("node1", {number})

    assert path.stat().st_size < 1200
    assert set(OwnSessionIds(path).of("node1", worked_at(path))) == {499}


def test_only_the_daemon_may_read_it_and_a_beat_shows_that_it_works(path: Path) -> None:
    memory = OwnSessionIds(path)
    os.utime(path, (0, 0))

    memory.beat()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert worked_at(path) > 0


def test_a_folder_that_is_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    memory = OwnSessionIds(tmp_path / "none" / "sessions")

    memory.note("node1", {7})
    memory.beat()
    memory.forget("node1")

    assert not memory.of("node1", 0)


@pytest.mark.parametrize(
    "line",
    [
        '{"console":"node2","sessions":' + "[" * 200_000,
        '{"console":"node2","sessions":[1e400],"seen":1}',
        '{"console":"node2","sessions":[1],"seen":1e400}',
        '{"console":"node2","sessions":' + "9" * 5000 + "}",
        "[]",
        "7",
    ],
    ids=["deep", "infinite", "infinite time", "long", "list", "number"],
)
def test_a_line_that_is_none_of_ours_costs_no_other(path: Path, line: str) -> None:
    OwnSessionIds(path).note("node1", {7})
    with path.open("a") as file:
        file.write(line + "\n")

    after = OwnSessionIds(path)

    assert after.of("node1", worked_at(path))
    assert not after.of("node2", worked_at(path))


def test_a_time_to_come_does_not_make_a_session_ours_for_ever(path: Path) -> None:
    path.write_text('{"console":"node1","sessions":[7],"seen":99999999999999999999}\n')
    last = worked_at(path)

    after = OwnSessionIds(path)

    assert not after.of("node1", last + LIFETIME)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_makes_way(path: Path, make: object) -> None:
    make(path)  # type: ignore[operator]

    OwnSessionIds(path).note("node1", {7})

    assert OwnSessionIds(path).of("node1", worked_at(path))
    assert path.with_name("sessions.damaged").exists()
