"""Where a daemon keeps what is not in the archive: index, journal and their folders."""

from __future__ import annotations

from pathlib import Path

import structlog

from solrecd.config import DaemonConfig
from solrecd.storage.archive.sink import ArchiveError
from solrecd.storage.index import FILE_NAME, overdue
from solrecd.storage.journal import Journal

log = structlog.get_logger()


def make_folders(settings: DaemonConfig) -> None:
    """Make the folders of index, socket and journal where they are missing.

    Raises:
        ArchiveError: one cannot be made.
    """
    beside = (Path(settings.control).parent, Path(settings.journal_path).parent)
    for folder in (Path(settings.state_dir), *beside):
        try:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise ArchiveError(
                f"{folder}: cannot be made ({error.strerror}); make it by hand for "
                "this user, or set state_dir, control or journal in [daemon]"
            ) from error


def index_file(settings: DaemonConfig) -> Path:
    """Return where the index is."""
    return Path(settings.state_dir) / FILE_NAME


def overdue_file(settings: DaemonConfig) -> Path:
    """Return where it is noted that the index has not got all of its rows."""
    return Path(settings.journal_path).with_name(overdue.FILE_NAME)


def open_journal(settings: DaemonConfig) -> Journal:
    """Return the journal, with what an earlier daemon left in it.

    Raises:
        JournalError: it cannot be used.
    """
    path = Path(settings.journal_path)
    return Journal.open(path, settings.journal_size, warn=_warn_of_journal)


def _warn_of_journal(message: str) -> None:
    log.warning("journal.warning", reason=message)
