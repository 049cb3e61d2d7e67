"""Opening an index for writing whatever lies there: no file may stop the recorder."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from solrecd.storage.index.store import COMPANIONS, Index, IndexFileError

FILE_NAME = "index.sqlite"


class Opened:
    """An index open for writing and what became of a file that was unusable.

    A plain class: `dataclasses` takes 20 of the 80 ms that `solrecctl` has to start.
    """

    __slots__ = ("index", "set_aside")

    def __init__(self, index: Index, set_aside: Path | None) -> None:
        self.index = index
        self.set_aside = set_aside
        """The old file's new name; the index is empty and wants a rebuild."""


def open_or_replace(path: Path, suffix: str) -> Opened:
    """Open an index for writing; put a damaged or foreign file out of the way.

    Args:
        path: the index file; its folder must exist.
        suffix: what the old file's name gets appended, e.g. a time.

    Raises:
        sqlite3.OperationalError: the file or its folder cannot be written just now.
        OSError: the old file could not be renamed.
    """
    try:
        return Opened(Index.create(path), None)
    except IndexFileError:
        aside = set_aside(path, suffix)
        return Opened(Index.create(path), aside)


def set_aside(path: Path, suffix: str) -> Path:
    """Rename an index and its WAL; return the new name."""
    aside = path.with_name(f"{path.name}.{suffix}")
    for companion in COMPANIONS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + companion).rename(
                aside.with_name(aside.name + companion)
            )
    return aside


def holds_any(archive: Path) -> bool:
    """Tell whether an archive has anything that an index could miss."""
    if not archive.is_dir():
        return False
    return any(not path.name.startswith(".") for path in archive.iterdir())


def is_complete(path: Path) -> bool:
    """Tell whether an index can be read, misses nothing, and has sense in every row."""
    try:
        with closing(Index.read(path)) as index:
            return index.fault() is None and index.stale_since is None
    except (IndexFileError, sqlite3.Error):
        return False
