"""One console's part of the journal."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

from solrecd.storage.journal.layout import (
    HEADER_SIZE,
    LONGEST_RECORD,
    MASK,
    RECORD,
    RECORD_SIZE,
    SLAB_SIZE,
    Chain,
    RecordKind,
    Slab,
    slab_start,
)
from solrecd.storage.journal.slabs import SlabPool

# The hot path reads these once per packet.
_OUTPUT = int(RecordKind.OUTPUT)
_pack_record = RECORD.pack_into
_crc32 = zlib.crc32


class _Finished(NamedTuple):
    """A slab that takes no more records; free once `end` bytes are archived."""

    end: int
    slab: Slab


class JournalStream:
    """One console's records; made by `Journal.stream`.

    `release` belongs to the writer thread, everything else to the event loop.
    """

    __slots__ = (
        "_filled",
        "_limit",
        "_memory",
        "_note_offset",
        "_pool",
        "_position",
        "_released",
        "_seed",
        "_slab",
        "_view",
        "console",
        "may_grow",
        "offset",
    )

    def __init__(self, pool: SlabPool, console: str, offset: int) -> None:
        self.console = console
        self.offset = offset
        """Bytes of this console ever recorded."""
        self.may_grow: Callable[[], bool] | None = None
        """Asked before a new slab is taken; False refuses. Lets the archive bound what
        it holds in memory for this console."""
        self._pool = pool
        self._memory = pool.memory
        self._view = pool.view
        self._filled: list[_Finished] = []
        self._slab: Slab | None = None
        self._position = self._limit = self._seed = 0
        self._released = offset
        self._note_offset = -1

    def append(self, at: int, data: bytes) -> bool:
        """Record console output; the hot path, a microsecond.

        Args:
            at: stamp of its arrival.
            data: 1 to `LONGEST_RECORD` bytes.

        Returns:
            True when a kill -9 can no longer take it away; False when the journal is
            full, this console's quota used up or ``may_grow`` refused.

        Raises:
            ValueError: too many bytes for one record.
        """
        length = len(data)
        start = self._position + RECORD_SIZE
        end = start + length
        if end > self._limit:
            if not self._turn(length):
                return False
            start = self._position + RECORD_SIZE
            end = start + length
        # mmap stores bytes faster than a memoryview does, and packs slower.
        self._memory[start:end] = data
        crc = _crc32(data, (self._seed + at + _OUTPUT) & MASK)
        _pack_record(self._view, start - RECORD_SIZE, at, _OUTPUT, length, crc)
        self._position = end
        self.offset += length
        return True

    def note(self, at: int, text: str) -> bool:
        """Record a note that stands at the current offset; False when full."""
        data = text.encode("utf-8", "backslashreplace")[:LONGEST_RECORD]
        if self._position + RECORD_SIZE + len(data) > self._limit and not self._turn(
            len(data)
        ):
            return False
        start = self._position + RECORD_SIZE
        self._memory[start : start + len(data)] = data
        crc = _crc32(data, (self._seed + at + RecordKind.NOTE) & MASK)
        kind = RecordKind.NOTE
        _pack_record(self._view, self._position, at, kind, len(data), crc)
        self._position = start + len(data)
        self._note_offset = self.offset
        return True

    def release(self, offset: int) -> None:
        """Give back what lies before a stream offset: it is in the archive.

        Safe beside a concurrent `append`; see the package's rule 3.
        """
        self._released = max(self._released, offset)
        filled = self._filled
        while filled and filled[0].end <= offset:
            self._pool.give_back(filled.pop(0).slab)
        self._pool.released()

    def seek(self, offset: int) -> None:
        """Go on at another offset: the archive knows more than the journal."""
        self._finish()
        self.offset = offset

    def adopt(self, chain: Chain) -> None:
        """Take over the slabs that an earlier daemon filled."""
        self._filled.extend(map(_Finished, chain.ends, chain.slabs))

    def surrender(self) -> Slab | None:
        """Give up the current slab when all of it is archived."""
        slab = self._slab
        if slab is None or self.pending:
            return None
        self._leave()
        return slab

    @property
    def pending(self) -> bool:
        """Whether anything in here is not yet in the archive."""
        return bool(self._filled) or self._end > self._released

    @property
    def is_quiet(self) -> bool:
        """Whether it holds a slab all of which is archived."""
        return self._slab is not None and not self.pending

    @property
    def slabs(self) -> list[Slab]:
        """The slabs that this console holds, oldest first."""
        slabs = [finished.slab for finished in tuple(self._filled)]
        return slabs if self._slab is None else [*slabs, self._slab]

    @property
    def share(self) -> float:
        """Which part of its quota is in use, 0-1."""
        return (len(self._filled) + (self._slab is not None)) / self._pool.quota

    @property
    def _end(self) -> int:
        """Archived up to here, the current slab is of no more use.

        A note at its very end counts as one byte more: only when the bytes behind a
        note are archived is the note certain to be, too.
        """
        return self.offset + (self._note_offset == self.offset)

    def _turn(self, length: int) -> bool:
        """Go on in a new slab; False when there is none to be had."""
        if length > LONGEST_RECORD:
            raise ValueError(f"{length} bytes in one record, at most {LONGEST_RECORD}")
        if len(self._filled) + (self._slab is not None) >= self._pool.quota:
            return False
        if self.may_grow is not None and not self.may_grow():
            return False
        index = self._pool.take()
        if index is None:
            return False
        self._finish()
        self._slab = self._pool.begin(index, self.console, self.offset)
        self._seed = self._slab.seed
        self._position = slab_start(index) + HEADER_SIZE
        self._limit = slab_start(index) + SLAB_SIZE
        return True

    def _finish(self) -> None:
        if self._slab is not None:
            self._filled.append(_Finished(self._end, self._slab))
            self._leave()

    def _leave(self) -> None:
        self._slab = None
        self._position = self._limit = 0
