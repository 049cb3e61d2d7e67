"""Copies the closed segments of one console; blocks, for threads."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from solrecd.process.plain_files import NotPlainError, read_plain
from solrecd.storage.formats.vocabulary import (
    FILE_NAME,
    SegmentWords,
    Writer,
    decode,
    read_records,
)
from solrecd.storage.history.recorded import missing_of
from solrecd.storage.index import Index, IndexFileError
from solrecd.storage.offload import rows
from solrecd.storage.offload.keys import ROWS, WORDS, file_key
from solrecd.storage.offload.ledger import Ledger
from solrecd.storage.offload.manifest import CopiedSegment, StoredFile
from solrecd.storage.offload.plan import LocalFile, LocalSegment, local_segments
from solrecd.storage.offload.store import Store, StoreError

TOGETHER: Final = 8
"""Segments that are copied before the manifest is written: so many at most are copied
twice after a crash."""


def look(log_dir: Path) -> dict[str, list[LocalSegment]]:
    """Return each console's segments that take no more bytes.

    Raises:
        OSError: the archive cannot be read.
    """
    with os.scandir(log_dir) as entries:
        consoles = [
            entry.name
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]
    return {name: local_segments(_files(log_dir / name)) for name in sorted(consoles)}


def _files(folder: Path) -> list[LocalFile]:
    files = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            changed = status.st_mtime_ns // 1000
            files.append(LocalFile(entry.name, status.st_size, changed))
    return files


@dataclass(frozen=True, slots=True)
class Copying:
    """From where to where.

    Args:
        log_dir: the archive.
        index: path of the index, which knows what goes with a segment.
        store: takes the copies.
        ledger: remembers them.
    """

    log_dir: Path
    index: Path
    store: Store
    ledger: Ledger

    def copy(
        self,
        console: str,
        segments: Sequence[LocalSegment],
        done: Callable[[str, LocalSegment], None],
        goes_on: Callable[[], bool],
    ) -> None:
        """Copy segments of a console, oldest first; each counts once it is noted.

        Args:
            console: its name.
            segments: what to copy.
            done: told each that is in the store and in the manifest.
            goes_on: asked before each; False ends it.

        Raises:
            StoreError: the store does not take them.
            OSError: a file cannot be read.
        """
        manifest = self.ledger.of(console, self.store)
        known = manifest.segments
        waiting = iter([one for one in segments if str(one.name) not in known])
        words = self._words(console)
        while goes_on() and (some := list(islice(waiting, TOGETHER))):
            copied = [
                (one, self._copy_segment(console, one, words))
                for one in some
                if goes_on()
            ]
            there = [(one, found) for one, found in copied if found is not None]
            manifest = manifest.with_segments(found for _, found in there)
            self.ledger.keep(manifest, self.store)
            for one, _ in there:
                done(console, one)

    def _copy_segment(
        self, console: str, segment: LocalSegment, words: Mapping[str, SegmentWords]
    ) -> CopiedSegment | None:
        """Copy a segment; None where retention was faster."""
        stem = str(segment.name)
        files: dict[str, StoredFile] = {}
        for suffix, name in segment.files.items():
            try:
                put = self.store.put_file(
                    file_key(console, stem, suffix), self.log_dir / console / name
                )
            except (FileNotFoundError, NotPlainError):
                return None
            files[suffix] = StoredFile(*put)
        found = self._rows(console, segment)
        small = {ROWS: rows.encode(found)}
        if stem in words:
            small[WORDS] = Writer().encode(words[stem])
        for suffix, data in small.items():
            put = self.store.put(file_key(console, stem, suffix), data)
            files[suffix] = StoredFile(*put)
        missing = tuple(map(missing_of, rows.gap_events(found)))
        return CopiedSegment(segment.name, segment.ended, files, missing)

    def _rows(self, console: str, segment: LocalSegment) -> list[rows.Object]:
        """Return what the index knows.

        Raises:
            StoreError: it cannot be read now; what it knows would be lost.
        """
        try:
            with closing(Index.read(self.index)) as index:
                return rows.rows_of(index, console, segment)
        except (IndexFileError, sqlite3.Error) as error:
            raise StoreError(f"the index is wanted for a copy: {error}") from None

    def _words(self, console: str) -> dict[str, SegmentWords]:
        """Return the vocabulary of a console by segment, as far as it can be read."""
        try:
            data = read_plain(self.log_dir / console / FILE_NAME)
        except (OSError, NotPlainError):
            return {}
        return {each.name: each for each in _readable(data)}

    def delete(self, console: str, stems: Sequence[str]) -> None:
        """Delete segments of a console that this recorder has written.

        Raises:
            StoreError: the store does not answer; what is left is deleted later.
        """
        manifest = self.ledger.of(console, self.store)
        for stem in stems:
            segment = manifest.segments[stem]
            self.store.delete(file_key(console, stem, kind) for kind in segment.files)
        self.ledger.keep(manifest.without(stems), self.store)


def _readable(data: bytes) -> Iterator[SegmentWords]:
    yield from decode(list(read_records(data)))
