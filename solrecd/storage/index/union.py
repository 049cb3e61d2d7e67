"""Several index files read as one: each shard of a recorder writes its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from solrecd.storage.index.schema import REACHED
from solrecd.storage.index.store import Index, IndexFileError

_REACHED: Final = ", ".join(f"old.{column}" for column in REACHED)

_CONSOLE: Final = """JOIN other.consoles AS theirs ON theirs.id = old.console
    JOIN main.consoles AS ours ON ours.name = theirs.name"""

_BOOTS: Final = f"""INSERT OR REPLACE INTO main.boots
    SELECT ours.id, old.boot, old.started, old.ended, old.cause, old.outcome,
    old.last_stage, old.kernel, old.cmdline + :shift, old.title + :shift,
    old.failures, old.gaps, old.bytes, old.facts + :shift, {_REACHED}
    FROM other.boots AS old {_CONSOLE} WHERE NOT EXISTS (SELECT 1 FROM main.boots
    WHERE console = ours.id AND boot = old.boot AND bytes > old.bytes)"""  # noqa: S608 - constants
"""Of a console that moved, two shards may know a boot: who saw more counts."""

_EVENTS: Final = f"""INSERT OR REPLACE INTO main.events
    SELECT ours.id, old.time, ours_too.id, old.line, old.boot, old.title + :shift,
    old.detail + :shift, old.numbers FROM other.events AS old {_CONSOLE}
    JOIN other.sorts AS known ON known.id = old.sort JOIN main.sorts AS ours_too
    ON ours_too.kind = known.kind AND ours_too.name = known.name"""  # noqa: S608 - constants

_COPY: Final = (
    "INSERT OR IGNORE INTO main.consoles (name) SELECT name FROM other.consoles",
    "INSERT OR IGNORE INTO main.sorts (kind, name) SELECT kind, name FROM other.sorts",
    "INSERT INTO main.texts SELECT id + :shift, hash, text FROM other.texts",
    "INSERT OR REPLACE INTO main.segments SELECT * FROM other.segments",
    _BOOTS,
    _EVENTS,
)


def read_all(paths: Sequence[Path]) -> Index:
    """Return an index in memory with the rows of several files; a copy, made once.

    Raises:
        IndexFileError: one of them cannot be used.
    """
    index = Index.in_memory()
    try:
        for path in paths:
            _copy(path, index)
    except BaseException:
        index.close()
        raise
    return index


def _copy(path: Path, index: Index) -> None:
    known = Index.read(path)
    try:
        if known.stale_since is not None:
            index.mark_stale(known.stale_since)
        index.copy_from(path, _COPY)
    except sqlite3.Error as error:
        raise IndexFileError(f"{path}: {error}") from None
    finally:
        known.close()
