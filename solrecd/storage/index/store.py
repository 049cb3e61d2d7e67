"""One open index: write batches, ask for boots, events and segments."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solrecd.process.plain_files import is_plain_or_missing
from solrecd.storage.index import audit, reading, schema
from solrecd.storage.index.schema import Batch, SegmentRow

if TYPE_CHECKING:
    from typing import Unpack

    from solrecd.events.boots import Boot
    from solrecd.storage.index.filters import BootFilters

BUSY_TIMEOUT = 5.0
"""Seconds to wait for another writer: `reindex` writes beside a live daemon."""

CACHE = 256
"""KiB of pages that a writer keeps: what is appended needs the last ones. SQLite's own
2 MiB would only ever be filled."""

_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        # Our statements are constants: a table or a column is missing, or refers to
        # a row that has gone.
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)
_PRIMARY_CODE = 0xFF

COMPANIONS = ("", "-wal", "-shm")
"""What the names of an index's files end with."""


class IndexFileError(Exception):
    """The index cannot be used; the message names the file and the remedy."""


class Index:
    """An open index; use one per thread or one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def in_memory(cls) -> Index:
        """Return an empty index that lives as long as the object."""
        index = cls(sqlite3.connect(":memory:", check_same_thread=False), None)
        index._create()
        return index

    @classmethod
    def create(cls, path: Path) -> Index:
        """Open an index for writing, with its tables if the file is new.

        Raises:
            IndexFileError: damaged, not ours, or another version.
            sqlite3.OperationalError: the file cannot be written just now.
        """
        _check_kind(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT, check_same_thread=False, isolation_level=None
        )
        index = cls(connection, path)
        try:
            index._prepare()
        except BaseException:
            connection.close()
            raise
        return index

    @classmethod
    def read(cls, path: Path) -> Index:
        """Open an existing index for reading.

        Raises:
            IndexFileError: it does not exist, cannot be read, or is not ours.
        """
        if not path.is_file():
            raise IndexFileError(
                f"{path}: there is no index (solrecctl reindex makes one)"
            )
        _check_kind(path)
        index = cls(_connect_read_only(path), path)
        try:
            index._check_identity()
        except IndexFileError:
            index.close()
            raise
        except sqlite3.Error as error:
            index.close()
            raise IndexFileError(
                f"{path}: {error} (solrecctl reindex repairs it)"
            ) from None
        return index

    def _prepare(self) -> None:
        try:
            if self._empty():
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._create()
            self._check_identity()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(f"PRAGMA cache_size = -{CACHE}")
            (answer,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            fault = answer if answer != "ok" else self.fault()
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise IndexFileError(f"{self.path}: {error}") from None
            raise
        if fault is not None:
            raise IndexFileError(f"{self.path}: {fault}")

    def _empty(self) -> bool:
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master")
        return bool(tables.fetchone()[0] == 0)

    def _create(self) -> None:
        # A daemon and a reindex may both find no index and make one.
        self._connection.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {schema.APPLICATION_ID};"
            f"PRAGMA user_version = {schema.SCHEMA_VERSION}; {schema.SCHEMA} COMMIT;"
        )

    def _check_identity(self) -> None:
        (ours,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if ours != schema.APPLICATION_ID:
            raise IndexFileError(f"{self.path}: this is not an index of solrecd")
        if version != schema.SCHEMA_VERSION:
            raise IndexFileError(
                f"{self.path}: index version {version}, this solrecd writes"
                f" {schema.SCHEMA_VERSION} (solrecctl reindex rebuilds it)"
            )

    def close(self) -> None:
        """Close the file; the object cannot be used any more."""
        self._connection.close()

    # Writing

    def write(self, batch: Batch) -> None:
        """Write rows in one transaction; a row of the same key is replaced.

        Raises:
            sqlite3.Error: nothing was written; `is_damage` says whether it ever can be.
        """
        # Imported here because only the daemon writes: see the package's docstring.
        from solrecd.storage.index import writing  # noqa: PLC0415

        with self._transaction():
            writing.put(self._connection, batch)

    def replace(self, console: str, boots: Collection[int], batch: Batch) -> None:
        """Write what a replay of these boots found in place of what was there.

        Events that no replay can find (sessions, power, operators) stay.

        Raises:
            sqlite3.Error: nothing was written.
        """
        from solrecd.storage.index import writing  # noqa: PLC0415

        with self._transaction():
            writing.replace(self._connection, console, boots, batch)

    def mark_stale(self, since: int | None) -> None:
        """Remember since when (stamp) rows may be missing; None: it is complete."""
        with self._transaction():
            self._connection.execute("DELETE FROM meta WHERE key = 'stale'")
            if since is not None:
                self._connection.execute(
                    "INSERT INTO meta VALUES ('stale', ?)", (since,)
                )

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    # Reading

    def fault(self) -> str | None:
        """Return what is strange in it, if anything; looks at every row.

        Raises:
            sqlite3.Error: a table is missing, or a page cannot be read.
        """
        return next(audit.faults(self._connection), None)

    @property
    def stale_since(self) -> int | None:
        """Stamp since when rows may be missing, or None."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'stale'")
        found = row.fetchone()
        return None if found is None else int(found[0])

    def consoles(self) -> list[str]:
        """Return the names of all consoles with a boot or an event, sorted."""
        return [name for (name,) in self._connection.execute(reading.CONSOLES)]

    def boots(
        self,
        consoles: Collection[str] | None = None,
        **filters: Unpack[BootFilters],
    ) -> Iterator[dict[str, Any]]:
        """Yield the contract's boot objects, oldest first.

        Args:
            consoles: only these; None for all.
            filters: see `BootFilters`.
        """
        parameters = _boot_parameters(consoles, filters)
        statement = reading.select_boots(parameters)
        yield from reading.boot_objects(self._connection.execute(statement, parameters))

    def boot_lines(
        self,
        keys: Sequence[str],
        consoles: Collection[str] | None = None,
        **filters: Unpack[BootFilters],
    ) -> Iterator[str]:
        """Yield values of the boots that `boots` finds, tab-separated.

        What a console printed has no tab in it, but may hold other control characters.

        Args:
            keys: of a boot object, but not ``facts``; ``stages.kernel``: the seconds to
                that stage, to a tenth. What is None is empty.
            consoles: only these; None for all.
            filters: see `BootFilters`.
        """
        parameters = _boot_parameters(consoles, filters)
        statement = reading.select_boots(parameters, reading.boot_line(keys))
        return (line for (line,) in self._connection.execute(statement, parameters))

    def events(
        self,
        consoles: Collection[str] | None = None,
        *,
        boot: int | None = None,
        since: int | None = None,
        until: int | None = None,
        kinds: Collection[str] | None = None,
        names: Collection[str] | None = None,
        newest: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the contract's event objects in time order; filters as in `boots`.

        Args:
            consoles: only these; None for all.
            boot: only of the boot of this number.
            since: only at or after this stamp.
            until: only before this stamp.
            kinds: only these.
            names: only these; globs.
            newest: only so many, the last of those that fit.
        """
        parameters = _given(
            consoles=_json_or_none(consoles),
            boot=boot,
            since=since,
            until=until,
            kinds=_json_or_none(kinds),
            names=_json_or_none(names),
            newest=newest,
        )
        statement = reading.select_events(parameters)
        found = self._connection.execute(statement, parameters)
        yield from reading.event_objects(found)

    def segments(self, consoles: Collection[str] | None = None) -> Iterator[SegmentRow]:
        """Yield segments by console in stream order."""
        parameters = {"consoles": _json_or_none(consoles)}
        for row in self._connection.execute(reading.SEGMENTS, parameters):
            yield SegmentRow(*row)

    def good_boots(
        self, console: str, outcomes: Collection[str], count: int
    ) -> list[Boot]:
        """Return the newest boots of a console that ended like this, oldest first."""
        found = self.boots([console], outcomes=outcomes, newest=count)
        return [reading.boot_value(each) for each in found]

    def last_reading(self, console: str) -> int:
        """Return the stamp of the newest event read in a console's output, or 0."""
        row = self._connection.execute(reading.LAST_READING, [console]).fetchone()
        return 0 if row is None else int(row[0])


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK when anything was raised.

    Immediate: a transaction that begins by reading cannot wait for another writer,
    SQLite refuses it at once.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
        else:
            # A full disk may have rolled it back already.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("ROLLBACK")


def _check_kind(path: Path) -> None:
    """Refuse what SQLite would fail at, or wait for endlessly: a folder, a FIFO.

    Raises:
        IndexFileError: one of the files is none.
    """
    for companion in COMPANIONS:
        file = path.with_name(path.name + companion)
        if not is_plain_or_missing(file):
            raise IndexFileError(f"{file}: this is not a file")


def is_damage(error: sqlite3.Error) -> bool:
    """Tell whether an error means that the file itself is broken."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & _PRIMARY_CODE in _DAMAGE


def has_writer(path: Path) -> bool:
    """Tell whether a process has an index open for writing, or died with it open."""
    return path.with_name(path.name + "-wal").exists()


def _connect_read_only(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    if not has_writer(path):
        # A reader who may not write the folder could not create
        # the shared memory that WAL wants; nothing changes meanwhile, so it need not.
        uri += "&immutable=1"
    try:
        return sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise IndexFileError(f"{path}: {error}") from None


def _given(**values: object) -> dict[str, object]:
    """Return the parameters that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def _boot_parameters(
    consoles: Collection[str] | None, filters: BootFilters
) -> dict[str, object]:
    outcomes = _json_or_none(filters.get("outcomes"))
    chosen = {**filters, "consoles": _json_or_none(consoles), "outcomes": outcomes}
    return _given(**chosen)


def _json_or_none(values: Collection[str] | None) -> str | None:
    return None if values is None else json.dumps(list(values))
