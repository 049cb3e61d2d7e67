"""Sessions that outlive the process: records in a mapped memfd.

The memory belongs to the holder of its descriptor, and the service manager holds it
while we are away. No file has it, no other user can open it: it contains session keys.

A record has two parts. What stays while the session lasts is JSON, written once, with
a checksum. What changes with every packet goes alternately into two *slots*. A slot's
first field is its generation and its last one a sum over it, and `struct.pack_into`
clears a slot, then writes it from front to back: a process that dies in between leaves
a slot that does not add up, and the one before it counts.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self
from zlib import crc32

from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.sources.ipmi.protocol.frozen import FrozenSession, Numbers

CAPACITY: Final = 16_384
"""Sessions, three times the largest fleet that one process records. Only the pages of
records in use take memory."""

RECORD_SIZE: Final = 1024
"""Bytes; a host name of 255 characters fits."""

_HEADER_SIZE: Final = 4096
_SIZE: Final = _HEADER_SIZE + CAPACITY * RECORD_SIZE
_VERSION: Final = 2
"""Of the layout and of what is in it. A daemon of another version logs in afresh."""

_HEADER: Final = struct.Struct("<8sIII")
"""Magic, version, size of a record, and how many there are."""
_MAGIC: Final = b"solrecd\n"
_STATE: Final = struct.Struct("<I")
_STATE_AT: Final = 32
_ALIVE: Final = struct.Struct("<Q")
_ALIVE_AT: Final = 40

_USED: Final = struct.Struct("<I")
_USED_AT: Final = 48

_SEALS: Final = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
"""No process may take the memory away under the mapping: that would kill us."""

_HEAD: Final = struct.Struct("<HHI")
"""Of a record: in use, length and checksum of its JSON."""
_SLOT: Final = struct.Struct("<IQII2BI2BI6BI")
_SLOTS_AT: Final = (RECORD_SIZE - 128, RECORD_SIZE - 64)
"""Each in a cache line of its own."""
_JSON_MAX: Final = _SLOTS_AT[0] - _HEAD.size
_MASK: Final = 0xFFFF_FFFF
_pack_slot = _SLOT.pack_into


class StoreError(Exception):
    """The memory is not what an earlier daemon would have left; one line."""


@dataclass(frozen=True, slots=True)
class SessionCheckpoint:
    """A session that an earlier process left."""

    name: str
    """Of the console."""
    address: Address
    """Of the BMC."""
    socket: str
    """Name of the descriptor that carries it."""
    fingerprint: str
    """Of the console's settings; see `solrecd.sources.ipmi.link.checkpoint_writer`."""
    frozen: FrozenSession
    numbers: Numbers
    before: int
    """Bytes of the console that were recorded when the numbers were written."""
    generation: int
    """Of the slot that these numbers come from."""
    index: int
    """Of its record."""


class SessionStore:
    """The memory with one record per session; belongs to the event loop.

    While sessions are being adopted a mark in the memory says so, until `settle`. A
    process that died of what it found there leaves the mark, and its successor goes on
    with none of them: it learns who the ghosts are, once, and drops the memory.
    """

    def __init__(self, fd: int, memory: mmap.mmap) -> None:
        """Use `create` or `adopt`."""
        self.fd = fd
        """Descriptor for the service manager."""
        self.memory = memory
        self.view = memoryview(memory)
        self._free: list[int] = []
        """Records that were used and are free again."""
        self.is_suspect = False
        """The last process that adopted it did not survive that."""

    @classmethod
    def create(cls) -> Self:
        """Return an empty store.

        Raises:
            OSError: the kernel gives no memory.
        """
        fd = os.memfd_create("solrecd-sessions", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, _SIZE)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        store = cls(fd, mmap.mmap(fd, _SIZE))
        _HEADER.pack_into(store.memory, 0, _MAGIC, _VERSION, RECORD_SIZE, CAPACITY)
        return store

    @classmethod
    def adopt(cls, fd: int) -> Self:
        """Return the store that an earlier process left.

        Raises:
            StoreError: it is none, of another version, or was fatal twice.
            OSError: it cannot be mapped.
        """
        if os.fstat(fd).st_size != _SIZE:
            raise StoreError("it has another size")
        if fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS != _SEALS:
            raise StoreError("its size may change")
        store = cls(fd, mmap.mmap(fd, _SIZE))
        try:
            store._check()
        except StoreError:
            store.close()
            raise
        attempts: int = _STATE.unpack_from(store.memory, _STATE_AT)[0]
        store.is_suspect = attempts > 0
        _STATE.pack_into(store.memory, _STATE_AT, attempts + 1)
        return store

    def _check(self) -> None:
        expected = (_MAGIC, _VERSION, RECORD_SIZE, CAPACITY)
        if _HEADER.unpack_from(self.memory) != expected:
            raise StoreError("it was written by another version")
        if _STATE.unpack_from(self.memory, _STATE_AT)[0] > 1:
            raise StoreError("two processes did not survive adopting it")

    def settle(self) -> None:
        """Note that adopting went well."""
        _STATE.pack_into(self.memory, _STATE_AT, 0)

    def close(self) -> None:
        """Unmap the memory; the descriptor stays open."""
        self.view.release()
        self.memory.close()

    @property
    def alive_at(self) -> int:
        """Stamp at which a process was last known to work; 0: never."""
        stamp: int = _ALIVE.unpack_from(self.memory, _ALIVE_AT)[0]
        return stamp

    @alive_at.setter
    def alive_at(self, stamp: int) -> None:
        _ALIVE.pack_into(self.memory, _ALIVE_AT, stamp)

    def take(self) -> int | None:
        """Return the index of a record that is free; None: there is none."""
        if self._free:
            return self._free.pop()
        fresh = self._used
        if fresh == CAPACITY:
            return None
        self._used = fresh + 1
        return fresh

    @property
    def _used(self) -> int:
        """Records that were ever used. Those behind them take no memory."""
        used: int = _USED.unpack_from(self.memory, _USED_AT)[0]
        return min(used, CAPACITY)

    @_used.setter
    def _used(self, count: int) -> None:
        _USED.pack_into(self.memory, _USED_AT, count)

    def give_back(self, index: int) -> None:
        """Free a record, and forget the keys in it."""
        start = _HEADER_SIZE + index * RECORD_SIZE
        self.memory[start : start + RECORD_SIZE] = bytes(RECORD_SIZE)
        self._free.append(index)

    def sessions(self) -> Iterator[SessionCheckpoint]:
        """Yield what an earlier process left, and free the records that make no sense.

        To be called once, before `take`.
        """
        for index in range(self._used):
            start = _HEADER_SIZE + index * RECORD_SIZE
            kept = None
            if _HEAD.unpack_from(self.memory, start)[0]:
                kept = _read(self.memory, start, index)
            if kept is None:
                self.give_back(index)
            else:
                yield kept


class CheckpointRecord:
    """One session's record; the link that has the session writes it."""

    __slots__ = (
        "_ends",
        "_generation",
        "_index",
        "_start",
        "_store",
        "is_live",
        "sent",
    )

    def __init__(self, store: SessionStore, index: int) -> None:
        """Write into a record; nothing is in it before `begin`."""
        self._store = store
        self._index = index
        self._start = _HEADER_SIZE + index * RECORD_SIZE
        self._ends = tuple(self._start + at for at in _SLOTS_AT)
        self._generation = 0
        self.is_live = False
        """There is a session in it that another process could go on with."""
        self.sent = 0
        """Our session sequence number as written last."""

    def go_on(self, left: SessionCheckpoint) -> None:
        """Take over a record with what an earlier process wrote."""
        self._generation = left.generation
        self.is_live = True

    def begin(self, description: bytes) -> None:
        """Write what stays; the record counts only after `write`, too."""
        memory, start = self._store.memory, self._start
        if not self.is_live or len(description) > _JSON_MAX:
            self.forget()
        if len(description) > _JSON_MAX:
            return
        at = start + _HEAD.size
        memory[at : at + len(description)] = description
        _HEAD.pack_into(memory, start, 1, len(description), crc32(description))
        self.is_live = True

    def write(self, before: int, numbers: tuple[int, ...]) -> None:
        """Write the numbers ahead of what they will lead to: the hot path.

        Args:
            before: bytes of the console recorded by now.
            numbers: see `solrecd.sources.ipmi.protocol.frozen.Numbers`.
        """
        generation = self._generation = self._generation + 1 & _MASK or 1
        received, sent = numbers[0], numbers[1]
        self.sent = sent
        check = generation + before + received + sent & _MASK
        end = self._ends[generation & 1]
        _pack_slot(self._store.view, end, generation, before, *numbers, check)

    def forget(self) -> None:
        """This session is not to be continued."""
        start = self._start
        self._store.memory[start : start + RECORD_SIZE] = bytes(RECORD_SIZE)
        self.is_live = False

    def close(self) -> None:
        """Give the record back."""
        self.is_live = False
        self._store.give_back(self._index)


class NoCheckpointRecord:
    """In place of a record where there is no store, or no room in it."""

    __slots__ = ()

    is_live = False
    sent = 0

    def go_on(self, left: SessionCheckpoint) -> None:
        """See `CheckpointRecord`; nothing is kept, here and below."""

    def begin(self, description: bytes) -> None:
        """See `CheckpointRecord`."""

    def write(self, before: int, numbers: tuple[int, ...]) -> None:
        """See `CheckpointRecord`."""

    def forget(self) -> None:
        """See `CheckpointRecord`."""

    def close(self) -> None:
        """See `CheckpointRecord`."""


def describe(
    name: str, address: Address, socket_name: str, fingerprint: str, it: FrozenSession
) -> bytes:
    """Return what stays of a session, for `CheckpointRecord.begin`."""
    fields = {
        "name": name,
        "address": list(address),
        "socket": socket_name,
        "fingerprint": fingerprint,
        "suite": it.suite,
        "k1": it.k1.hex(),
        "k2": it.k2.hex(),
        "local_id": it.local_id,
        "peer_id": it.peer_id,
        "granted": it.granted,
        "level": it.level,
        "send_size": it.send_size,
        "clear_types": sorted(it.clear_types),
        "question": it.question,
        "owner": it.owner,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def _read(memory: mmap.mmap, start: int, index: int) -> SessionCheckpoint | None:
    _, length, checksum = _HEAD.unpack_from(memory, start)
    at = start + _HEAD.size
    text = memory[at : at + length]
    slot = _newest_slot(memory, start)
    if length > _JSON_MAX or crc32(text) != checksum or slot is None:
        return None
    try:
        return _parse(json.loads(text), slot, index)
    except (KeyError, TypeError, ValueError):
        return None


def _newest_slot(memory: mmap.mmap, start: int) -> tuple[int, ...] | None:
    whole = []
    for at in _SLOTS_AT:
        slot = _SLOT.unpack_from(memory, start + at)
        if slot[0] and slot[-1] == sum(slot[:4]) & _MASK:
            whole.append(slot)
    if not whole:
        return None
    # Two generations that are neighbours; the count wraps after years.
    base = whole[0][0] - len(_SLOTS_AT)
    return max(whole, key=lambda slot: slot[0] - base & _MASK)


def _parse(
    fields: Mapping[str, Any], slot: tuple[int, ...], index: int
) -> SessionCheckpoint:
    family, host, port, scope, source = fields["address"]
    return SessionCheckpoint(
        name=fields["name"],
        address=Address(socket.AddressFamily(family), host, port, scope, source),
        socket=fields["socket"],
        fingerprint=fields["fingerprint"],
        frozen=FrozenSession(
            suite=fields["suite"],
            k1=bytes.fromhex(fields["k1"]),
            k2=bytes.fromhex(fields["k2"]),
            local_id=fields["local_id"],
            peer_id=fields["peer_id"],
            granted=PrivilegeLevel(fields["granted"]),
            level=PrivilegeLevel(fields["level"]),
            send_size=fields["send_size"],
            clear_types=frozenset(fields["clear_types"]),
            question=fields["question"],
            owner=fields["owner"],
        ),
        numbers=Numbers(*slot[2:-1]),
        before=slot[1],
        generation=slot[0],
        index=index,
    )
