"""The journal keeps what it took, whatever happens to the process."""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings, strategies as st

from solrecd.config.names import NAME_LIMIT
from solrecd.events.lines import Chunk
from solrecd.storage.formats.recovered import JournalLoss, JournalNote
from solrecd.storage.journal import (
    LONGEST_RECORD,
    SLAB_SIZE,
    Journal,
    JournalError,
    JournalStream,
)

SIZE = 16 * SLAB_SIZE
AT = 1_795_000_000_000_000
PACKETS_IN_A_SLAB = (SLAB_SIZE - 92) // (128 + 16)

Opener = Callable[..., Journal]


@pytest.fixture(name="path")
def _path() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm") as folder:  # it wants a tmpfs
        yield Path(folder) / "journal"


@pytest.fixture(name="opener")
def _opener(path: Path) -> Iterator[Opener]:
    journals: list[Journal] = []

    def reopen(size: int = SIZE, warnings: list[str] | None = None) -> Journal:
        if journals:
            journals.pop().close()
        warn = (warnings if warnings is not None else []).append
        journals.append(Journal.open(path, size, warn=warn))
        return journals[0]

    yield reopen
    if journals:
        journals.pop().close()


def fill(stream: JournalStream) -> int:
    """Append until refused; return how many packets of 128 bytes were taken."""
    count = 0
    while stream.append(AT + count, bytes(128)):
        count += 1
    return count


def test_what_was_appended_is_read_back_with_stamps_and_offsets(opener: Opener) -> None:
    stream = opener().stream("n1", 1000)
    stream.append(AT, b"one")
    stream.append(AT + 1, b"two")

    recovered = opener().recover()["n1"]

    assert recovered.offset == 1000
    assert recovered.chunks == [Chunk(AT, b"one"), Chunk(AT + 1, b"two")]
    assert stream.offset == 1006


def test_an_empty_journal_recovers_nothing(opener: Opener) -> None:
    journal = opener()

    assert journal.recover() == {}
    assert journal.records("n1").chunks == []
    assert journal.used == 0


def test_consoles_are_kept_apart(opener: Opener) -> None:
    journal = opener()
    streams = [journal.stream(f"n{n}", 0) for n in range(3)]
    for n in range(90):
        streams[n % 3].append(AT + n, b"%d" % (n % 3) * 100)

    recovered = opener().recover()

    for n in range(3):
        data = b"".join(chunk.data for chunk in recovered[f"n{n}"].chunks)
        assert data == b"%d" % n * 3000


def test_notes_stand_between_the_bytes_they_were_made_between(opener: Opener) -> None:
    stream = opener().stream("n1", 0)
    stream.append(AT, b"before")
    stream.note(AT + 1, "gap: 3 s")
    stream.append(AT + 2, b"after")

    recovered = opener().recover()["n1"]

    assert recovered.notes == [JournalNote(6, AT + 1, "gap: 3 s")]
    assert [chunk.data for chunk in recovered.chunks] == [b"before", b"after"]


def test_release_makes_room_again(opener: Opener) -> None:
    journal = opener()
    stream = journal.stream("n1", 0)
    taken = fill(stream)

    stream.release(stream.offset)

    assert taken > 0
    assert stream.append(AT, bytes(128))
    assert journal.used == 2 * SLAB_SIZE


def test_released_bytes_are_not_read_back_with_their_slab(opener: Opener) -> None:
    stream = opener().stream("n1", 0)
    for n in range(PACKETS_IN_A_SLAB + 1):
        stream.append(AT + n, bytes(128))
    stream.release(stream.offset)

    recovered = opener().recover()["n1"]

    assert recovered.offset == PACKETS_IN_A_SLAB * 128
    assert len(recovered.chunks) == 1


def test_one_console_cannot_fill_the_journal(opener: Opener) -> None:
    journal = opener(64 * SLAB_SIZE)

    fill(journal.stream("greedy", 0))

    assert journal.used == 64 * SLAB_SIZE // 8
    assert journal.stream("modest", 0).append(AT, b"x")


def test_a_full_journal_refuses_and_loses_nothing(opener: Opener) -> None:
    journal = opener(16 * SLAB_SIZE)
    streams = [journal.stream(f"n{n}", 0) for n in range(20)]
    taken = [fill(stream) for stream in streams]

    recovered = opener().recover()

    assert taken.count(0) == 12
    assert [len(recovered[f"n{n}"].chunks) for n in range(8)] == taken[:8]


def test_quiet_consoles_lend_their_slabs_to_busy_ones(opener: Opener) -> None:
    journal = opener(16 * SLAB_SIZE)
    for n in range(40):
        stream = journal.stream(f"n{n}", 0)
        assert stream.append(AT, b"hello")
        stream.release(stream.offset)

    assert journal.used == 0
    assert journal.stream("busy", 0).append(AT, b"x")


def test_a_slab_with_an_unarchived_note_is_not_lent(opener: Opener) -> None:
    journal = opener()
    stream = journal.stream("n1", 0)
    stream.append(AT, b"x")
    stream.note(AT, "gap")

    stream.release(1)

    assert stream.surrender() is None


def test_a_stream_asks_before_it_grows(opener: Opener) -> None:
    stream = opener().stream("n1", 0)
    stream.append(AT, b"x")
    stream.may_grow = lambda: False

    taken = fill(stream)

    assert taken == PACKETS_IN_A_SLAB


def test_a_stream_goes_on_behind_what_was_recovered(opener: Opener) -> None:
    opener().stream("n1", 0).append(AT, b"old")

    stream = opener().stream("n1", 0)
    stream.append(AT + 1, b"new")

    assert stream.offset == 6
    assert opener().recover()["n1"].chunks == [Chunk(AT, b"old"), Chunk(AT + 1, b"new")]


def test_what_the_archive_has_already_is_given_back(opener: Opener) -> None:
    opener().stream("n1", 0).append(AT, b"old")
    journal = opener()

    stream = journal.stream("n1", 100)
    stream.release(100)
    stream.append(AT, b"x")

    assert stream.offset == 101
    assert journal.records("n1").offset == 100
    assert journal.used == SLAB_SIZE


@pytest.mark.parametrize("size", [16 * SLAB_SIZE, 256 * SLAB_SIZE])
def test_a_journal_of_another_size_is_taken_over(opener: Opener, size: int) -> None:
    stream = opener(64 * SLAB_SIZE).stream("n1", 5)
    stream.append(AT, b"one")
    stream.note(AT, "note")
    stream.append(AT + 1, b"two")

    journal = opener(size)

    assert journal.size == size
    assert journal.recover()["n1"].offset == 5
    assert journal.recover()["n1"].notes == [JournalNote(8, AT, "note")]
    assert opener(size).recover()["n1"].chunks[1] == Chunk(AT + 1, b"two")


def test_a_smaller_journal_that_cannot_hold_what_is_left_is_made_larger(
    opener: Opener,
) -> None:
    journal = opener(256 * SLAB_SIZE)
    taken = fill(journal.stream("n1", 0))

    journal = opener(16 * SLAB_SIZE)

    assert journal.size == 32 * SLAB_SIZE
    assert len(journal.recover()["n1"].chunks) == taken


def test_a_record_torn_at_any_byte_is_dropped_and_nothing_else(
    opener: Opener, path: Path
) -> None:
    """Whatever part of the last record has reached the memory: it was never ACKed."""
    stream = opener().stream("n1", 0)
    stream.append(AT, b"acknowledged")
    before = path.read_bytes()
    stream.append(AT + 1, b"torn, in the middle of it")
    after = path.read_bytes()
    changed = [
        at
        for at, pair in enumerate(zip(before, after, strict=True))
        if pair[0] != pair[1]
    ]
    begin, end = changed[0], changed[-1] + 1

    found = set()
    for cut in range(begin, end):
        # The bytes are stored first and their header last, or just some of either.
        for torn in (
            before[:begin] + after[begin:cut] + before[cut:],
            before[:cut] + after[cut:],
        ):
            path.write_bytes(torn)
            found.add(tuple(c.data for c in opener().records("n1").chunks))

    whole = (b"acknowledged", b"torn, in the middle of it")
    assert found <= {whole[:1], whole}
    assert whole[:1] in found


def test_a_file_that_is_no_journal_is_kept_aside(opener: Opener, path: Path) -> None:
    path.write_bytes(b"something else" * 10_000)
    warnings: list[str] = []

    journal = opener(warnings=warnings)

    assert journal.recover() == {}
    assert path.with_name(f"{path.name}.damaged").read_bytes()[:9] == b"something"
    assert "not a journal of this version" in warnings[0]


def test_a_damaged_slab_is_told_and_the_rest_is_kept(
    opener: Opener, path: Path
) -> None:
    stream = opener().stream("n1", 0)
    for n in range(PACKETS_IN_A_SLAB + 1):
        stream.append(AT + n, bytes([n]) * 128)
    with path.open("r+b") as file:
        file.seek(4096 + 92 + 10 * 144 + 20)
        file.write(b"!")
    warnings: list[str] = []

    recovered = opener(warnings=warnings).recover()["n1"]

    lost = (PACKETS_IN_A_SLAB - 10) * 128
    assert len(recovered.chunks) == 11
    assert recovered.losses == [JournalLoss(10, 10 * 128, lost, AT + 9)]
    assert f"{lost} bytes" in warnings[0]


def test_a_second_daemon_is_refused(opener: Opener, path: Path) -> None:
    opener()

    with pytest.raises(JournalError, match="another solrecd uses it"):
        Journal.open(path, SIZE)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(JournalError, match=r"Not a directory; the journal needs"):
        Journal.open(tmp_path / "file" / "journal", SIZE)


def test_a_file_on_a_disk_is_warned_of(tmp_path: Path) -> None:
    warnings: list[str] = []

    Journal.open(tmp_path / "journal", SIZE, warn=warnings.append).close()

    assert ["not on a tmpfs" in warning for warning in warnings] == [True]


def test_names_have_room_for_64_bytes(opener: Opener) -> None:
    name = "ü" * (NAME_LIMIT // 2)
    opener().stream(name, 0).append(AT, b"x")

    assert list(opener().recover()) == [name]
    with pytest.raises(ValueError, match="at most 64 bytes"):
        opener().stream(name + "x", 0)


def test_a_record_longer_than_a_slab_is_a_mistake(opener: Opener) -> None:
    stream = opener().stream("n1", 0)

    assert stream.append(AT, bytes(LONGEST_RECORD))
    with pytest.raises(ValueError, match="in one record"):
        stream.append(AT, bytes(LONGEST_RECORD + 1))


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.binary(min_size=1, max_size=255)), max_size=300
    ),
    drains=st.sets(st.integers(0, 300)),
)
def test_any_mix_of_appends_and_releases_keeps_what_is_not_released(
    steps: list[tuple[int, bytes]], drains: set[int]
) -> None:
    path = Path(f"/dev/shm/solrecd-mix-{os.getpid()}")  # noqa: S108 - wants a tmpfs
    journal = Journal.open(path, SIZE)
    streams = [journal.stream(f"n{n}", 0) for n in range(3)]
    said = [b"", b"", b""]
    released = [0, 0, 0]
    for step, (n, data) in enumerate(steps):
        if streams[n].append(AT, data):
            said[n] += data
        if step in drains:
            streams[n].release(streams[n].offset)
            released[n] = streams[n].offset
    journal.close()

    journal = Journal.open(path, SIZE)

    for n in range(3):
        recovered = journal.records(f"n{n}")
        data = b"".join(chunk.data for chunk in recovered.chunks)
        assert recovered.offset <= released[n] or not data
        assert said[n][recovered.offset :] == data or released[n] == len(said[n])
    journal.close()
    path.unlink()


def test_a_kill_at_any_moment_loses_nothing_acknowledged(path: Path) -> None:
    rng = random.Random(1)
    acknowledged = mmap.mmap(-1, 8)
    start = 0
    for _ in range(6):
        child = os.fork()
        if child == 0:
            append_for_ever(path, start, acknowledged)
        time.sleep(rng.uniform(0.02, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

        journal = Journal.open(path, 64 * SLAB_SIZE)
        data = b"".join(c.data for c in journal.records("n1").chunks)
        journal.close()

        numbers = struct.unpack(f"<{len(data) // 8}Q", data)
        (count,) = struct.unpack("<Q", acknowledged[:])
        assert numbers == tuple(range(numbers[0], numbers[-1] + 1)) if numbers else 1
        assert count in {len(numbers) and numbers[-1], len(numbers) and numbers[-1] + 1}
        start = count


def append_for_ever(path: Path, start: int, acknowledged: mmap.mmap) -> None:
    """Append numbers, releasing now and then, and say how far it came."""
    journal = Journal.open(path, 64 * SLAB_SIZE)
    stream = journal.stream("n1", 0)
    number = stream.offset // 8
    while True:
        if stream.append(AT, struct.pack("<Q", number)):
            number += 1
            acknowledged[:] = struct.pack("<Q", number)
        if number % 1000 == 0:
            stream.release(stream.offset)


@pytest.mark.parametrize("damage", ["flipped", "lost", "longer", "shorter", "tiny"])
def test_a_damaged_header_costs_no_record(
    opener: Opener, path: Path, damage: str
) -> None:
    opener().stream("n1", 0).append(AT, b"acknowledged")
    with path.open("r+b") as file:
        if damage == "flipped":
            file.seek(13)
            file.write(b"!")
        elif damage == "lost":
            file.write(bytes(4096))
        elif damage == "longer":
            file.truncate(4096 + SIZE + 5000)
        elif damage == "tiny":
            file.truncate(4096 + SLAB_SIZE)
        else:
            file.truncate(4096 + SIZE - 5000)
    warnings: list[str] = []

    recovered = opener(warnings=warnings).recover()["n1"]
    again = opener().recover()["n1"]

    assert [chunk.data for chunk in recovered.chunks] == [b"acknowledged"]
    assert again == recovered
    assert "its header is damaged" in warnings[0]


@pytest.mark.parametrize("name", ["journal", "journal.new", "journal.damaged"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "fifo"])
def test_what_is_no_file_is_not_in_a_journals_way(
    opener: Opener, path: Path, name: str, make: Callable[[Path], None]
) -> None:
    if name != path.name:
        path.write_bytes(b"something else" * 10_000)
    make(path.with_name(name))

    journal = opener()

    assert journal.stream("n1", 0).append(AT, b"acknowledged")
