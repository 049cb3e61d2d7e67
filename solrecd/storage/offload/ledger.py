"""The manifests that this recorder has written, kept in the state folder as well.

The store is asked for one of them only when it is not here: after the state folder
was lost, copying goes on where it had come to.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from solrecd.process.plain_files import make_way, read_plain, set_aside
from solrecd.storage.formats.coverage import Recorded
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.offload.keys import manifest_key
from solrecd.storage.offload.manifest import (
    SENSELESS,
    Manifest,
    decode,
    encode,
    recorded,
)
from solrecd.storage.offload.store import MissingError, Store

FOLDER = "offload"
"""In ``state_dir``."""

_NONE: frozenset[str] = frozenset()


class Ledger:
    """What is in the store of this recorder's own; used from several threads.

    A manifest is replaced as a whole, so that readers need no lock; each console is
    worked on by one thread at a time.

    Args:
        folder: holds a file for each console.
        member: whose manifests they are.
    """

    def __init__(self, folder: Path, member: str) -> None:
        self._folder = folder
        self.member = member
        self._manifests: dict[str, Manifest] = {}

    def manifests(self) -> list[Manifest]:
        """Return all that are known by now."""
        return list(self._manifests.values())

    def stored(self, console: str) -> Collection[str]:
        """Return the stems of a console's segments that are in the store."""
        manifest = self._manifests.get(console)
        return _NONE if manifest is None else manifest.segments.keys()

    def holds(self, console: str, name: SegmentName) -> bool:
        """Whether a segment is in the store, verified."""
        return str(name) in self.stored(console)

    def recorded(self, console: str) -> Recorded:
        """Return how the copied segments of a console were recorded."""
        manifest = self._manifests.get(console)
        return recorded(() if manifest is None else manifest.segments.values())

    def load(self) -> None:
        """Read what is in the folder; a damaged file is set aside.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        for path in self._files():
            make_way(path)
            try:
                manifest = decode(read_plain(path))
            except FileNotFoundError:
                continue
            except SENSELESS:
                set_aside(path)
                continue
            if (manifest.console, manifest.member) == (path.stem, self.member):
                self._manifests[manifest.console] = manifest

    def _files(self) -> Iterator[Path]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    yield self._folder / entry.name

    def of(self, console: str, store: Store) -> Manifest:
        """Return the manifest of a console, from the store if there is none here.

        Raises:
            StoreError: the store cannot be asked.
        """
        known = self._manifests.get(console)
        if known is not None:
            return known
        try:
            found = decode(store.get(manifest_key(console, self.member)))
        except (MissingError, *SENSELESS):
            found = Manifest(console, self.member)
        self._manifests[console] = found
        return found

    def keep(self, manifest: Manifest, store: Store) -> None:
        """Replace a console's manifest, in the store first.

        Raises:
            StoreError: it is not in the store; the one before counts.
            OSError: it is not here; after a restart the one before counts.
        """
        text = encode(manifest)
        store.put(manifest_key(manifest.console, self.member), text)
        _write(self._folder / f"{manifest.console}.json", text)
        self._manifests[manifest.console] = manifest


def _write(path: Path, text: bytes) -> None:
    """Replace a file as a whole, forced to the disk."""
    fresh = path.with_name(f".{path.name}.new")
    make_way(fresh)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
