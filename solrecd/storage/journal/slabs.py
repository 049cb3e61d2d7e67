"""The mapped file and who may use which part of it."""

from __future__ import annotations

import mmap
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from solrecd.storage.journal.layout import (
    HEADER_SIZE,
    PAGE,
    SLAB_SIZE,
    Slab,
    begin_slab,
    clear_slab,
    is_slab,
    read_owner,
    read_slab,
    slab_start,
    used_size,
)

QUOTA = 8
"""One console may hold this part of all slabs: of 64 MiB 12 minutes at 115200 baud."""


class Stray(NamedTuple):
    """A slab in use whose header is damaged."""

    owner: str | None
    """Whose it most likely is; None: nothing tells."""
    text: str
    """What may be lost with it; one line."""


class SlabPool:
    """All slabs of a mapped journal file.

    `take` and `begin` belong to the event loop, `give_back` to the writer thread.

    Args:
        descriptor: of the open and locked file; closed by `close`.
        size: bytes of all slabs.
    """

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self.memory = mmap.mmap(descriptor, PAGE + size)
        self.view = memoryview(self.memory)
        self.quota = max(2, size // SLAB_SIZE // QUOTA)
        """Slabs that one console may hold."""
        self.reclaim: Callable[[], Slab | None] = lambda: None
        """Finds a slab that a quiet console needs no more."""
        self._descriptor = descriptor
        self._free: deque[int] = deque()
        self._sequence = 0
        self._exhausted = False

    def scan(self) -> tuple[list[Slab], list[Stray]]:
        """Find the free slabs; return those in use, in order, and the damaged ones."""
        slabs: list[Slab] = []
        strays: list[Stray] = []
        self._free.clear()
        for index in range(self.size // SLAB_SIZE):
            slab = read_slab(self.view, index) if is_slab(self.view, index) else None
            if slab is not None:
                slabs.append(slab)
                continue
            if is_slab(self.view, index):
                strays.append(self._stray(index))
            self._free.append(index)
        slabs.sort(key=lambda slab: slab.sequence)
        self._sequence = slabs[-1].sequence if slabs else 0
        return slabs, strays

    def _stray(self, index: int) -> Stray:
        start = slab_start(index)
        size = used_size(self.view, start + HEADER_SIZE, start + SLAB_SIZE)
        text = (
            f"up to {size} bytes lost in a damaged journal; "
            "it is not certain which console they belong to"
        )
        return Stray(read_owner(self.view, index), text)

    @property
    def free(self) -> int:
        """How many slabs are not held."""
        return len(self._free)

    def take(self) -> int | None:
        """Take a free slab, or one that a quiet console needs no more."""
        if self._free:
            return self._free.popleft()
        if self._exhausted:
            return None
        # Cleared by every release. Set before looking, so that one in between counts.
        self._exhausted = True
        slab = self.reclaim()
        if slab is None:
            return None
        self._exhausted = False
        return slab.number

    def begin(self, index: int, console: str, offset: int) -> Slab:
        """Make a taken slab the newest of a console."""
        self._sequence += 1
        return begin_slab(self.view, index, console, self._sequence, offset)

    def give_back(self, slab: Slab) -> None:
        """Free a slab."""
        clear_slab(self.view, slab.number)
        self._free.append(slab.number)

    def released(self) -> None:
        """Something was archived: looking for room pays again."""
        self._exhausted = False

    def close(self) -> None:
        """Unmap the file, and unlock it."""
        self.view.release()
        self.memory.close()
        os.close(self._descriptor)
