"""The journal's layout in the file, and how it is read back.

Little-endian. Page 0: magic, version, slab size, slab count, crc32. Slab: magic,
length of the name, pad, crc32, sequence, stream offset, name; then records: stamp
(int64), kind (1 output, 2 note), pad, length (uint16), crc32, bytes.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from solrecd.config.names import NAME_LIMIT
from solrecd.events.lines import Chunk
from solrecd.storage.formats.recovered import JournalLoss, JournalNote, Recovered

PAGE = 4096
"""Bytes before the first slab."""

SLAB_SIZE = 4096
"""Bytes; 27 packets of 128 B, a quarter of a second of a 115200-baud console."""

VERSION = 1

MASK = 0xFFFFFFFF

_FILE_MAGIC = b"SOLRJRNL"
_FILE_HEADER = struct.Struct("<8sIII")
FILE_HEADER_SIZE = _FILE_HEADER.size + 4

_SLAB_MAGIC = 0x42414C53
_WORD = struct.Struct("<I")
_SLAB_HEADER = struct.Struct(f"<HHIQQ{NAME_LIMIT}s")
_SEEDED = struct.Struct(f"<HQQ{NAME_LIMIT}s")
_ZEROES = bytes(SLAB_SIZE)

HEADER_SIZE = _WORD.size + _SLAB_HEADER.size
"""Bytes of a slab before its first record."""

RECORD = struct.Struct("<qBxHI")
"""Stamp, kind, length, checksum; the bytes follow."""

RECORD_SIZE = RECORD.size

LONGEST_RECORD = SLAB_SIZE - HEADER_SIZE - RECORD_SIZE
"""Bytes that one record can hold."""


class RecordKind(enum.IntEnum):
    """What a record holds; 0 is not a record."""

    OUTPUT = 1
    NOTE = 2


class Slab(NamedTuple):
    """A slab in use, as its header tells."""

    number: int
    console: str
    sequence: int
    offset: int
    """Stream offset of its first byte."""
    seed: int
    """What its checksums start from."""


class Record(NamedTuple):
    """One record, read back."""

    at: int
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """One console's slabs in order."""

    slabs: list[Slab]
    ends: list[int]
    """Archived up to here, a slab is of no more use."""
    end: int
    """Stream offset behind the last slab."""
    recovered: Recovered
    lost: int
    """Bytes missing in it, which only damaged memory explains."""

    @property
    def holes(self) -> list[JournalLoss]:
        """What is missing between two slabs."""
        return [loss for loss in self.recovered.losses if not loss.is_end]


def encode_file_header(slabs: int) -> bytes:
    """Return what stands at the begin of a journal with so many slabs."""
    head = _FILE_HEADER.pack(_FILE_MAGIC, VERSION, SLAB_SIZE, slabs)
    return head + _WORD.pack(zlib.crc32(head))


def is_of_another_layout(header: bytes) -> bool:
    """Whether a journal's begin is whole, and of a version that is not this one."""
    head, checksum = header[: _FILE_HEADER.size], header[_FILE_HEADER.size :]
    if len(header) < FILE_HEADER_SIZE or checksum != _WORD.pack(zlib.crc32(head)):
        return False
    return _FILE_HEADER.unpack(head)[:3] != (_FILE_MAGIC, VERSION, SLAB_SIZE)


def slab_start(index: int) -> int:
    """Return where in the file a slab begins."""
    return PAGE + index * SLAB_SIZE


def clear_slab(view: memoryview, index: int) -> None:
    """Make a slab count no more."""
    _WORD.pack_into(view, slab_start(index), 0)


def begin_slab(
    view: memoryview, index: int, console: str, sequence: int, offset: int
) -> Slab:
    """Empty a slab and give it to a console; its magic is stored last."""
    start = slab_start(index)
    clear_slab(view, index)
    view[start : start + SLAB_SIZE] = _ZEROES
    name = console.encode()
    padded = name.ljust(NAME_LIMIT, b"\0")
    seed = _seed(len(name), sequence, offset, padded)
    _SLAB_HEADER.pack_into(
        view, start + _WORD.size, len(name), 0, seed, sequence, offset, padded
    )
    _WORD.pack_into(view, start, _SLAB_MAGIC)
    return Slab(index, console, sequence, offset, seed)


def is_slab(view: memoryview, index: int) -> bool:
    """Whether a slab is in use."""
    return bool(_WORD.unpack_from(view, slab_start(index))[0] == _SLAB_MAGIC)


def read_slab(view: memoryview, index: int) -> Slab | None:
    """Return what the header of a slab in use says; None when it is damaged."""
    length, _, seed, sequence, offset, name = _SLAB_HEADER.unpack_from(
        view, slab_start(index) + _WORD.size
    )
    if seed != _seed(length, sequence, offset, name):
        return None
    try:
        return Slab(index, name[:length].decode(), sequence, offset, seed)
    except UnicodeDecodeError:
        return None


def read_chain(view: memoryview, slabs: list[Slab]) -> Chain:
    """Read a console's slabs, and note what is missing between two of them.

    Notes before missing bytes stand as far from the chain's end as if nothing were
    missing: the archive moves up what lies before a hole, and not what lies behind it.
    """
    first = offset = slabs[0].offset if slabs else 0
    recovered = Recovered(first, [], [])
    ends: list[int] = []
    damaged = 0
    for slab in slabs:
        if slab.offset > offset:
            _add_loss(recovered, offset, slab.offset - offset)
        records, damaged = _records(view, slab)
        offset = _read_into(recovered, slab.offset, records)
        ends.append(offset + _ends_with_note(recovered, offset))
    lost = sum(loss.size for loss in recovered.losses)
    recovered.notes[:] = [_moved(note, recovered) for note in recovered.notes]
    if damaged:
        _add_loss(recovered, offset, damaged, is_end=True)
    return Chain(slabs, ends, offset, recovered, lost + damaged)


def _read_into(recovered: Recovered, offset: int, records: Iterable[Record]) -> int:
    """Add records; return the offset behind them."""
    for at, kind, data in records:
        if kind == RecordKind.NOTE:
            text = data.decode("utf-8", "replace")
            recovered.notes.append(JournalNote(offset, at, text))
        else:
            recovered.chunks.append(Chunk(at, data))
            offset += len(data)
    return offset


def _ends_with_note(recovered: Recovered, offset: int) -> bool:
    return bool(recovered.notes) and recovered.notes[-1].offset == offset


def _add_loss(
    recovered: Recovered, start: int, size: int, *, is_end: bool = False
) -> None:
    chunks = recovered.chunks
    at = chunks[-1].at if chunks else 0
    recovered.losses.append(JournalLoss(len(chunks), start, size, at, is_end))


def _moved(note: JournalNote, recovered: Recovered) -> JournalNote:
    holes = [loss.size for loss in recovered.losses if loss.start >= note.offset]
    return note._replace(offset=note.offset + sum(holes)) if holes else note


def _records(view: memoryview, slab: Slab) -> tuple[list[Record], int]:
    """Return a slab's records up to the first that is not whole.

    Returns:
        The records, and how many bytes at most cannot be read behind them: 0 where the
        next one was never finished. Its checksum is stored last, so that one which is
        there, and does not fit, tells of damage.
    """
    start = slab_start(slab.number)
    position, limit = start + HEADER_SIZE, start + SLAB_SIZE
    records: list[Record] = []
    while position + RECORD_SIZE <= limit:
        at, kind, length, crc = RECORD.unpack_from(view, position)
        position += RECORD_SIZE
        data = bytes(view[position : min(position + length, limit)])
        if not kind or checksum(slab.seed, at, kind, data) != crc:
            return records, used_size(view, position, limit) if crc else 0
        records.append(Record(at, kind, data))
        position += length
    return records, 0


def used_size(view: memoryview, start: int, limit: int) -> int:
    """Return how many bytes there are up to the last that is not 0; at least 1."""
    return len(bytes(view[start:limit]).rstrip(b"\0")) or 1


def read_owner(view: memoryview, index: int) -> str | None:
    """Return whose a slab with a damaged header most likely is; None: nothing tells."""
    length, *_, name = _SLAB_HEADER.unpack_from(view, slab_start(index) + _WORD.size)
    try:
        owner: str = name.rstrip(b"\0").decode()
    except UnicodeDecodeError:
        return None
    return owner if owner.isprintable() and len(owner.encode()) == length else None


def checksum(seed: int, at: int, kind: int, data: bytes) -> int:
    """Return a record's checksum; `JournalStream.append` has a copy of this line."""
    return zlib.crc32(data, (seed + at + kind) & MASK)


def _seed(length: int, sequence: int, offset: int, name: bytes) -> int:
    """Checksum of a slab's header, which also seeds those of its records."""
    return zlib.crc32(_SEEDED.pack(length, sequence, offset, name))
