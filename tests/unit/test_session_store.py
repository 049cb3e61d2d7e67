"""The memory that outlives a process: what is read back, and what is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.session_store import (
    CAPACITY,
    CheckpointRecord,
    SessionCheckpoint,
    SessionStore,
    StoreError,
    describe,
)
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.sources.ipmi.protocol.frozen import FrozenSession, Numbers

ADDRESS = Address(socket.AF_INET6, "fe80::7", 623, 2, "fe80::1")
FROZEN = FrozenSession(
    suite=17,
    k1=bytes(range(32)),
    k2=bytes(range(32, 64)),
    local_id=0x1110,
    peer_id=0x2220,
    granted=PrivilegeLevel.ADMINISTRATOR,
    level=PrivilegeLevel.OPERATOR,
    send_size=60,
    clear_types=frozenset((1,)),
    question=0x4B,
    owner=0x3330,
)
NUMBERS = Numbers(50, 60, 4, 10, 0xFFFF_FFFF, 5, 12, 77, 3, 1, 5, 0, 7, 9)


@pytest.fixture
def store() -> Iterator[SessionStore]:
    """Return an empty store."""
    made = SessionStore.create()
    yield made
    made.close()
    os.close(made.fd)


def keep(store: SessionStore, name: str = "node1") -> CheckpointRecord:
    """Return a record with a session in it."""
    index = store.take()
    assert index is not None
    record = CheckpointRecord(store, index)
    record.begin(describe(name, ADDRESS, "sock3", "print", FROZEN))
    record.write(1234, tuple(NUMBERS))
    return record


def left(store: SessionStore) -> list[SessionCheckpoint]:
    """Return what another process finds."""
    other = SessionStore.adopt(store.fd)
    found = list(other.sessions())
    other.settle()
    other.close()
    return found


def test_a_session_is_read_back_as_it_was(store: SessionStore) -> None:
    keep(store)

    (kept,) = left(store)

    assert (kept.frozen, kept.numbers, kept.before) == (FROZEN, NUMBERS, 1234)
    assert (kept.name, kept.address, kept.socket) == ("node1", ADDRESS, "sock3")


def test_the_last_numbers_count(store: SessionStore) -> None:
    record = keep(store)
    for offset in range(5):
        record.write(offset, tuple(NUMBERS._replace(sent=100 + offset)))

    (kept,) = left(store)

    assert (kept.before, kept.numbers.sent) == (4, 104)


def test_numbers_that_were_torn_leave_those_before_them(store: SessionStore) -> None:
    record = keep(store)
    record.write(2000, tuple(NUMBERS))
    record.write(3000, tuple(NUMBERS))
    (kept,) = left(store)
    slot = 4096 + kept.index * 1024 + 1024 - (64 if kept.generation & 1 else 128)
    store.memory[slot + 38 : slot + 42] = bytes(4)

    (torn,) = left(store)

    assert (kept.before, torn.before) == (3000, 2000)


def test_a_record_without_numbers_or_with_a_wrong_sum_is_freed(
    store: SessionStore,
) -> None:
    record = CheckpointRecord(store, store.take() or 0)
    record.begin(describe("node1", ADDRESS, "sock0", "print", FROZEN))
    keep(store, "node2")
    (kept,) = left(store)
    store.memory[4096 + kept.index * 1024 + 20] ^= 1

    assert left(store) == []


def test_what_was_forgotten_is_gone_with_its_keys(store: SessionStore) -> None:
    record = keep(store)

    record.close()

    assert left(store) == []
    assert FROZEN.k1.hex().encode() not in store.memory[:]


def test_a_description_that_is_too_long_is_not_kept(store: SessionStore) -> None:
    record = keep(store, "x" * 900)

    assert not record.is_live
    assert left(store) == []


def test_records_are_bounded_and_come_back(store: SessionStore) -> None:
    indices = [store.take() for _ in range(CAPACITY)]

    assert None not in indices
    assert store.take() is None
    store.give_back(7)
    assert store.take() == 7


def test_two_deaths_in_adopting_are_enough(store: SessionStore) -> None:
    first, second = SessionStore.adopt(store.fd), SessionStore.adopt(store.fd)

    assert (first.is_suspect, second.is_suspect) == (False, True)
    with pytest.raises(StoreError, match="two processes"):
        SessionStore.adopt(store.fd)
    first.close()
    second.close()


@pytest.mark.parametrize("size", [0, 4096])
def test_memory_of_another_size_is_refused(size: int) -> None:
    fd = os.memfd_create("other")
    os.ftruncate(fd, size)

    with pytest.raises(StoreError, match="size"):
        SessionStore.adopt(fd)
    os.close(fd)


@given(st.binary(min_size=1, max_size=1024), st.integers(0, 1023))
def test_any_damage_is_survived(damage: bytes, at: int) -> None:
    store = SessionStore.create()
    keep(store)
    (kept,) = left(store)
    start = 4096 + kept.index * 1024 + at
    end = min(start + len(damage), 4096 + (kept.index + 1) * 1024)
    store.memory[start:end] = damage[: end - start]

    assert len(left(store)) <= 1
    store.close()
    os.close(store.fd)
