"""The queue of a webhook: what is in it survives, in order, and is bounded."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings, strategies as st

from solrecd.alerts.payload import Envelope
from solrecd.alerts.senders.spool import Spool

SIZE = 1 << 20


def notice(number: int, body: bytes = b'{"a": 1}') -> Envelope:
    """Return a notice."""
    return Envelope(f"id{number}", f"n{number}", body)


def opened(folder: Path, limit: int = SIZE) -> Spool:
    """Return the queue as a new daemon finds it."""
    spool = Spool(folder, limit)
    spool.open()
    return spool


def drained(spool: Spool) -> list[Envelope]:
    """Take everything out."""
    found = []
    while (first := spool.first()) is not None:
        found.append(first)
        spool.remove_first()
    return found


def test_what_waits_is_found_again_in_its_order(tmp_path: Path) -> None:
    before = opened(tmp_path / "am")
    for number in range(20):
        before.put(notice(number))

    after = opened(tmp_path / "am")
    after.put(notice(20))

    assert drained(after) == [notice(number) for number in range(21)]
    assert not list((tmp_path / "am").iterdir())


@settings(deadline=None)  # of disks
@given(st.integers(0, 60), st.integers(0, 4))
def test_a_file_torn_anywhere_costs_its_own_notice_alone(
    size: int, victim: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        spool = opened(folder)
        for number in range(5):
            spool.put(notice(number))
        path = sorted(folder.iterdir())[victim]
        whole = path.read_bytes()
        path.write_bytes(whole[:size])

        after = opened(folder)
        found = drained(after)

    torn = size < len(whole)
    expected = [notice(n) for n in range(5) if n != victim or not torn]
    assert found == expected
    assert after.dropped == int(torn)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_a_file_of_anything_is_no_notice(content: bytes) -> None:
    with TemporaryDirectory() as name:
        (Path(name) / "0001.notice").write_bytes(content)

        assert drained(opened(Path(name))) == []


def test_a_notice_that_was_not_finished_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "0001.new").write_bytes(b"half")

    assert drained(opened(tmp_path)) == []
    assert not list(tmp_path.iterdir())


def test_the_oldest_go_first_and_are_counted(tmp_path: Path) -> None:
    spool = opened(tmp_path, limit=3000)

    for number in range(10):
        spool.put(notice(number, b"x" * 900))

    assert [one.id for one in drained(spool)] == ["id7", "id8", "id9"]
    assert spool.dropped == 7


def test_a_disk_that_takes_nothing_leaves_notices_in_memory(tmp_path: Path) -> None:
    in_the_way = tmp_path / "am"
    in_the_way.write_text("no folder")
    spool = Spool(in_the_way, SIZE)

    spool.put(notice(1))

    assert spool.problem is not None
    assert drained(spool) == [notice(1)]
