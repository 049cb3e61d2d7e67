"""What the commands about the past share: the index, whatever state it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from solrecd.cli.program import CommandError
from solrecd.cli.shared.output import warn
from solrecd.cli.shared.read_reports import Faults, watch
from solrecd.cli.shared.source import Source, marker_rules, reading_archive
from solrecd.storage.history.segments import Archive, boot_numbers
from solrecd.storage.index import Index, IndexFileError

if TYPE_CHECKING:
    from solrecd.storage.rebuild import Rebuilding


@contextmanager
def indexed(
    source: Source,
    consoles: Callable[[Collection[str]], Collection[str]],
    faults: Faults | None = None,
) -> Iterator[tuple[Index, Collection[str]]]:
    """Yield an index and the consoles chosen from those it knows.

    Without an index that can be used the archive of the chosen consoles is replayed
    into one in memory.

    Args:
        source: where.
        consoles: chooses among all names.
        faults: told what is damaged of an archive that has to be replayed.

    Raises:
        CommandError: there is no index and no archive either, or the index cannot be
            read just now.
    """
    if source.is_store:
        with _copied(source, consoles, faults or Faults()) as found:
            yield found
        return
    try:
        index = Index.read(source.index_path)
    except IndexFileError as error:
        with _replayed(source, consoles, error, faults or Faults()) as found:
            yield found
        return
    with closing(index):
        _warn_if_stale(index)
        try:
            yield index, consoles(index.consoles())
        except sqlite3.Error as error:
            raise CommandError(
                f"{source.index_path}: {error} (solrecctl reindex repairs it)"
            ) from None


def _warn_if_stale(index: Index) -> None:
    if index.stale_since is not None:
        warn("the index is not complete: solrecctl reindex heals it")


@contextmanager
def _copied(
    source: Source,
    consoles: Callable[[Collection[str]], Collection[str]],
    faults: Faults,
) -> Iterator[tuple[Index, Collection[str]]]:
    """Yield an index of what was copied to a store together with the segments.

    Consoles with a boot that was not known when it was copied are replayed.
    """
    # Imported here: few read from a store.
    from solrecd.storage.offload.rows import UnreadableError  # noqa: PLC0415

    archive = source.store_archive
    with closing(Index.in_memory()) as index:
        chosen = consoles(source.archived())
        with reading_archive():
            archive.read_ahead(chosen)
        for console in watch("fetching", chosen):
            try:
                for batch in archive.batches(console):
                    index.write(batch)
            except UnreadableError as error:
                warn(f"{console}: what is known of a boot is damaged: {error}")
        unknown = [name for name in chosen if _lacks_boots(index, archive, name)]
        if unknown:
            with reading_archive():
                _replaying(source, faults).replay_into(index, unknown)
        yield index, chosen


def _lacks_boots(index: Index, archive: Archive, console: str) -> bool:
    known = {boot["boot"] for boot in index.boots([console])}
    return not known.issuperset(boot_numbers(archive.segments(console)))


def _replaying(source: Source, faults: Faults) -> Rebuilding:
    # Imported here: with an index nothing is replayed.
    from solrecd.storage.rebuild import Rebuilding  # noqa: PLC0415

    rules = marker_rules(source.markers_dir)
    return Rebuilding(source.archive, rules, faults, warn, watch)


@contextmanager
def _replayed(
    source: Source,
    consoles: Callable[[Collection[str]], Collection[str]],
    reason: IndexFileError,
    faults: Faults,
) -> Iterator[tuple[Index, Collection[str]]]:
    if not source.is_folder:
        warn(f"{reason}; reading the archive instead")
    work = _replaying(source, faults)
    with closing(Index.in_memory()) as index:
        chosen = consoles(source.archived())
        with reading_archive():
            work.replay_into(index, chosen)
        yield index, chosen
