"""Opening the journal, and keeping whatever an earlier daemon left in it."""

from __future__ import annotations

import fcntl
import os
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from solrecd.config.names import NAME_LIMIT
from solrecd.process.plain_files import make_way
from solrecd.storage.formats.recovered import Recovered
from solrecd.storage.journal.layout import (
    FILE_HEADER_SIZE,
    PAGE,
    SLAB_SIZE,
    Chain,
    Slab,
    encode_file_header,
    is_of_another_layout,
    read_chain,
)
from solrecd.storage.journal.slabs import SlabPool, Stray
from solrecd.storage.journal.stream import JournalStream

SMALLEST = 16 * SLAB_SIZE
"""Bytes; fewer slabs would leave a console too few to be filled and drained at once."""

_FRESH = ".new"
"""Behind the name of a journal that is to take the place of another."""

CROWD = 0.4
"""Share of its quota from which on a console is worth a look."""


_UNREADABLE = "an unknown number of bytes lost in a journal that cannot be read"


class JournalError(Exception):
    """The journal cannot be used; the message names the file and the remedy."""


class Journal:
    """All consoles' records. One process at a time: the file is locked while open."""

    def __init__(self, pool: SlabPool) -> None:
        self._pool = pool
        self._streams: dict[str, JournalStream] = {}
        self._strays: list[Stray] = []
        """Damaged slabs whose bytes are missing in no console's chain."""
        self._warned: set[str] = set()
        """Consoles that were told of those."""
        pool.reclaim = self._reclaim

    @classmethod
    def open(
        cls, path: Path, size: int, *, warn: Callable[[str], None] | None = None
    ) -> Self:
        """Open the journal and keep whatever an earlier daemon left in it.

        A journal of another size is copied into a new file that then takes its place,
        unless something in it is damaged: then the next start does so. One that cannot
        be read at all is renamed to ``journal.damaged``.

        Args:
            path: a file on a tmpfs; made when missing.
            size: bytes of slabs, rounded down to whole ones.
            warn: told, for people, what is not as it should be.

        Raises:
            JournalError: it cannot be created, or another daemon uses it.
        """
        warn = warn or (lambda _message: None)
        size = max(SMALLEST, size - size % SLAB_SIZE)
        try:
            for name in (path, path.with_name(f"{path.name}{_FRESH}")):
                if (aside := make_way(name)) is not None:
                    warn(f"{name}: this was not a file; it is now {aside}")
            strays: list[Stray] = []
            pool = _open_existing(path, warn, strays) or _create(path, size)
            if not _is_in_memory(path):
                warn(f"{path}: not on a tmpfs; a slow disk delays every console")
            return cls._load(pool, size, warn, strays)
        except OSError as error:
            raise JournalError(
                f"{path}: {error.strerror or error}; the journal needs "
                f"{size >> 10} KiB on a tmpfs that this user can write to"
            ) from error

    def stream(self, console: str, offset: int) -> JournalStream:
        """Return a console's stream; any thread may ask while none appends to it.

        Args:
            console: at most `NAME_LIMIT` bytes in UTF-8.
            offset: bytes of this console in the archive; when the journal holds more,
                its own end counts. `JournalStream.release` gives back what it holds
                before: not here, for there may be notes that the archive has not got.

        Raises:
            ValueError: the name is too long.
        """
        if len(console.encode()) > NAME_LIMIT:
            raise ValueError(f"{console}: a name has at most {NAME_LIMIT} bytes")
        stream = self._streams.get(console)
        if stream is None:
            stream = JournalStream(self._pool, console, offset)
            self._streams[console] = stream
        elif offset > stream.offset:
            stream.seek(offset)
        return stream

    def records(self, console: str) -> Recovered:
        """Read back what is held of one console, archived or not."""
        stream = self._streams.get(console)
        slabs = [] if stream is None else stream.slabs
        return read_chain(self._pool.view, slabs).recovered

    def recover(self) -> Mapping[str, Recovered]:
        """Read back what is held of all consoles.

        Whole records only: a torn one at an end was never acknowledged.
        """
        return {console: self.records(console) for console in self._streams}

    def doubts(self, console: str) -> list[str]:
        """Return, one line each, what a console may have lost beside its `records`.

        Whose the bytes of a damaged slab were only its header told. Each console is
        told once.
        """
        if console in self._warned:
            return []
        self._warned.add(console)
        return [each.text for each in self._strays if each.owner in {None, console}]

    @property
    def path(self) -> Path:
        """The file."""
        return self._pool.path

    @property
    def size(self) -> int:
        """Bytes of all slabs."""
        return self._pool.size

    @property
    def used(self) -> int:
        """Bytes of the slabs that hold something not yet archived."""
        streams = tuple(self._streams.values())
        idle = sum([stream.is_quiet for stream in streams])
        return self.size - (self._pool.free + idle) * SLAB_SIZE

    def shares(self) -> Mapping[str, float]:
        """Return which part of its quota each console uses, where it is a lot."""
        taken = self.size // SLAB_SIZE - self._pool.free
        if taken < CROWD * self._pool.quota:
            return {}
        streams = tuple(self._streams.values())
        return {
            stream.console: stream.share for stream in streams if stream.share >= CROWD
        }

    def close(self) -> None:
        """Unmap the file; what it holds stays for the next `open`."""
        self._pool.close()

    def _reclaim(self) -> Slab | None:
        for stream in tuple(self._streams.values()):
            slab = stream.surrender()
            if slab is not None:
                return slab
        return None

    @classmethod
    def _load(
        cls,
        pool: SlabPool,
        size: int,
        warn: Callable[[str], None],
        lost_before: Sequence[Stray],
    ) -> Self:
        """Take over what is in a file; copy it where size or damage ask for that."""
        slabs, strays = pool.scan()
        by_console: dict[str, list[Slab]] = {}
        for slab in slabs:
            by_console.setdefault(slab.console, []).append(slab)
        chains = {name: read_chain(pool.view, own) for name, own in by_console.items()}
        lost = sum(chain.lost for chain in chains.values())
        if strays or lost:
            warn(f"{pool.path}: {len(strays)} damaged slabs, {lost} bytes in them lost")
        elif pool.size != size:
            return cls._copy(pool, chains, size)
        journal = cls(pool)
        journal._strays = [*lost_before, *_unexplained(strays, chains)]
        for console, chain in chains.items():
            stream = JournalStream(pool, console, chain.end)
            stream.adopt(chain)
            journal._streams[console] = stream
        return journal

    @classmethod
    def _copy(cls, pool: SlabPool, chains: Mapping[str, Chain], size: int) -> Self:
        """Copy all records into a new file, which then replaces the old one.

        The new file is larger than asked for when what is left does not fit; the next
        start will find it empty and make it as configured.
        """
        path = pool.path
        fresh = _create(path.with_name(f"{path.name}{_FRESH}"), size)
        fresh.scan()
        quota, fresh.quota = fresh.quota, size // SLAB_SIZE + 1
        journal = cls(fresh)
        if not all(
            _replay(journal.stream(name, chain.recovered.offset), chain.recovered)
            for name, chain in chains.items()
        ):
            fresh.close()
            return cls._copy(pool, chains, size * 2)
        fresh.quota = quota
        fresh.path.replace(path)
        fresh.path = path
        pool.close()
        return journal


def _unexplained(strays: Sequence[Stray], chains: Mapping[str, Chain]) -> list[Stray]:
    """Return the damaged slabs that no hole in a console's chain accounts for."""
    holes = Counter({name: len(chain.holes) for name, chain in chains.items()})
    left: list[Stray] = []
    for stray in sorted(strays, key=lambda each: each.owner is None):
        # Slabs that name their console come first: the others fill what is left.
        named = stray.owner if stray.owner is not None else next(iter(+holes), "")
        if holes[named]:
            holes[named] -= 1
        else:
            left.append(stray)
    return left


def _replay(stream: JournalStream, recovered: Recovered) -> bool:
    """Append a console's records again; False when they do not fit.

    Only of a journal that is whole: the offsets agree with the archive's.
    """
    notes = deque(recovered.notes)
    offset = recovered.offset
    for at, data in recovered.chunks:
        while notes and notes[0].offset <= offset:
            note = notes.popleft()
            if not stream.note(note.at, note.text):
                return False
        if not stream.append(at, data):
            return False
        offset += len(data)
    return all(stream.note(note.at, note.text) for note in notes)


def _lock(path: Path, flags: int) -> int:
    """Open and lock a journal file; return the descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise JournalError(
            f"{path}: another solrecd uses it; give each its own control socket"
        ) from None
    return descriptor


def _create(path: Path, size: int) -> SlabPool:
    """Make an empty journal; all its memory is reserved now.

    Writing into a sparse file on a full tmpfs would end the process with SIGBUS.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _lock(path, os.O_CREAT)
    try:
        os.ftruncate(descriptor, 0)
        os.posix_fallocate(descriptor, 0, PAGE + size)
        os.pwrite(descriptor, encode_file_header(size // SLAB_SIZE), 0)
        return SlabPool(path, descriptor, size)
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise


def _open_existing(
    path: Path, warn: Callable[[str], None], strays: list[Stray]
) -> SlabPool | None:
    """Map a journal that is there; None when there is none that can be read.

    Args:
        path: of the journal.
        warn: told what is not as it should be.
        strays: get what is lost with one that cannot be read.
    """
    try:
        descriptor = _lock(path, 0)
    except FileNotFoundError:
        return None
    header = os.pread(descriptor, FILE_HEADER_SIZE, 0)
    size = os.fstat(descriptor).st_size - PAGE
    size -= size % SLAB_SIZE
    if size >= SMALLEST and header == encode_file_header(size // SLAB_SIZE):
        return SlabPool(path, descriptor, size)
    if size >= SLAB_SIZE and not is_of_another_layout(header):
        pool = _repair(path, descriptor, max(size, SMALLEST))
        if pool is not None:
            warn(f"{path}: its header is damaged; whole slabs in it are kept")
            return pool
    else:
        os.close(descriptor)
    if header:
        aside = path.with_name(f"{path.name}.damaged")
        make_way(aside)
        path.replace(aside)
        warn(f"{path}: not a journal of this version; kept as {aside}, begun again")
        if header.strip(b"\0"):
            strays.append(Stray(None, _UNREADABLE))
    return None


def _repair(path: Path, descriptor: int, size: int) -> SlabPool | None:
    """Map a journal whose header or size is wrong; None, and closed, without a slab.

    Each slab proves itself, so that nothing is lost with the header. The memory is
    reserved as by `_create`, and for as many slabs as a journal needs at least.
    """
    os.posix_fallocate(descriptor, 0, PAGE + size)
    pool = SlabPool(path, descriptor, size)
    slabs, _ = pool.scan()
    if slabs:
        os.pwrite(descriptor, encode_file_header(size // SLAB_SIZE), 0)
        return pool
    pool.close()
    return None


def _is_in_memory(path: Path) -> bool:
    """Whether a file lies on a tmpfs, by the device in /proc/self/mountinfo."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        if mount.split(" ", 3)[2] == wanted:
            return source.split(" ", 1)[0] in {"tmpfs", "ramfs"}
    return False
