"""An archive that lies in a store: what is asked for is fetched, and nothing else.

Manifests tell which consoles and segments there are; a file is fetched when its path is
asked for, words and rows many at a time. Readers see an archive folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Final, NoReturn

from solrecd.storage.formats.coverage import Recorded
from solrecd.storage.formats.names import KINDS
from solrecd.storage.formats.vocabulary import FILE_NAME
from solrecd.storage.history.segments import Archive, Files, NoArchiveError, Segment
from solrecd.storage.index import Batch
from solrecd.storage.offload import rows
from solrecd.storage.offload.cache import Cache
from solrecd.storage.offload.keys import (
    MANIFESTS,
    ROWS,
    WORDS,
    ManifestKey,
    file_key,
    manifest_key,
    parse_manifest_key,
)
from solrecd.storage.offload.manifest import (
    SENSELESS,
    CopiedSegment,
    Manifest,
    decode,
    recorded,
    together,
)
from solrecd.storage.offload.store import MissingError, Store, StoreError

AT_ONCE: Final = 16
"""Small objects that are fetched side by side."""


class StoreArchive(Archive):
    """What was copied into a store, as an archive.

    Args:
        store: where it is.
        cache: keeps what is fetched.
        fail: called with one line when the store fails in the middle; raises.
    """

    @property
    def processes(self) -> int:
        """One: the store's client has threads of its own, which no fork survives."""
        return 1

    def __init__(
        self, store: Store, cache: Cache, fail: Callable[[str], NoReturn]
    ) -> None:
        super().__init__(cache.folder("."))
        self._store = store
        self._cache = cache
        self._fail = fail
        self._segments: dict[str, list[CopiedSegment]] = {}

    @cached_property
    def _members(self) -> Mapping[str, list[str]]:
        """The members that have written of each console; raises `NoArchiveError`."""
        found: dict[str, list[str]] = {}
        try:
            for item in self._store.list(MANIFESTS):
                key = parse_manifest_key(item.key)
                if key is not None:
                    found.setdefault(key.console, []).append(key.member)
        except StoreError as error:
            raise NoArchiveError(str(error)) from None
        return found

    def consoles(self) -> list[str]:
        """Return the names of the consoles of which there is a manifest, sorted."""
        return sorted(self._members)

    def read_ahead(self, consoles: Iterable[str]) -> None:
        """Read the manifests of many consoles side by side.

        Raises:
            NoArchiveError: the store does not answer, or has what is none.
        """
        wanted = [
            ManifestKey(console, member)
            for console in consoles
            if console not in self._segments
            for member in self._members.get(console, ())
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            manifests = list(pool.map(self._manifest, wanted))
        found: dict[str, list[Manifest]] = {}
        for key, manifest in zip(wanted, manifests, strict=True):
            found.setdefault(key.console, []).append(manifest)
        for console, its in found.items():
            self._segments[console] = together(its)

    def _manifest(self, key: ManifestKey) -> Manifest:
        try:
            return decode(self._store.get(manifest_key(*key)))
        except MissingError:
            return Manifest(*key)
        except StoreError as error:
            raise NoArchiveError(str(error)) from None
        except SENSELESS as error:
            raise NoArchiveError(
                f"{manifest_key(*key)}: no manifest ({error})"
            ) from None

    def copied(self, console: str) -> list[CopiedSegment]:
        """Return what manifests tell of a console; raises `NoArchiveError`."""
        if console not in self._segments:
            self.read_ahead([console])
        return self._segments.get(console, [])

    def segments(self, console: str) -> list[Segment]:
        """Return a console's segments in stream order; none for an unknown console."""
        return [
            Segment(console, one.name, _StoreFiles(self, console, one), one.stem)
            for one in self.copied(console)
        ]

    def path(self, console: str, segment: CopiedSegment, suffix: str) -> Path:
        """Return where a file is, which is fetched if it is not here."""
        key = file_key(console, segment.stem, suffix)
        path = self.place(console, segment, suffix)
        try:
            self._cache.fetch(self._store, key, path, segment.files[suffix])
        except StoreError as error:
            self._fail(str(error))
        return path

    def place(self, console: str, segment: CopiedSegment, suffix: str) -> Path:
        """Return where a file is or will be."""
        return self._cache.folder(console) / f"{segment.stem}.{suffix}"

    def _side_by_side(self, console: str, suffix: str) -> Iterator[bytes]:
        """Yield the content of one file of each segment that has it, in order."""
        having = [one for one in self.copied(console) if suffix in one.files]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            fetch = partial(self._content, console, suffix)
            yield from pool.map(fetch, having)

    def _content(self, console: str, suffix: str, segment: CopiedSegment) -> bytes:
        return self.path(console, segment, suffix).read_bytes()

    def vocabulary(self, console: str) -> Path:
        """Return where the words of a console's logs are, fetched."""
        path = self._cache.folder(console) / FILE_NAME
        path.write_bytes(b"".join(self._side_by_side(console, WORDS)))
        return path

    def batches(self, console: str) -> Iterator[Batch]:
        """Yield what an index can be given of a console, oldest first.

        Raises:
            UnreadableError: a file of rows is none.
        """
        for data in self._side_by_side(console, ROWS):
            yield rows.decode(data)

    def recorded(self, console: str) -> Recorded:
        """Return how a console was recorded; raises `NoArchiveError`."""
        return recorded(self.copied(console))

    def last_sign(self) -> int:
        """Return the stamp until which any console is told of; 0: of none."""
        self.read_ahead(self.consoles())
        ends = [one.ended for its in self._segments.values() for one in its]
        return max(ends, default=0)


class _StoreFiles(Files):
    """Files of a segment, fetched when their path is asked for."""

    __slots__ = ("_archive", "_console", "_kinds", "_segment")

    def __init__(
        self, archive: StoreArchive, console: str, segment: CopiedSegment
    ) -> None:
        kinds = {suffix.removesuffix(".zst"): suffix for suffix in segment.files}
        self._kinds = {kind: kinds[kind] for kind in KINDS if kind in kinds}
        names = {kind: f"{segment.stem}.{end}" for kind, end in self._kinds.items()}
        super().__init__(archive.folder / console, names)
        self._archive = archive
        self._console = console
        self._segment = segment

    def __getitem__(self, kind: str) -> Path:
        return self._archive.path(self._console, self._segment, self._kinds[kind])

    @property
    def vocabulary(self) -> Path:
        return self._archive.vocabulary(self._console)
