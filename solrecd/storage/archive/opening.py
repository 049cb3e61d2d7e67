"""Opens a console's archive: where it ends, and what goes on there.

Nothing is written here: what a kill -9 left undone becomes part of what the recorder
writes first. What a bug cannot go on with is left to the closer, and a new segment
begins: a console is recorded whatever its files are like.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import structlog

from solrecd.storage.archive.closer import Closer
from solrecd.storage.archive.lane import Reports
from solrecd.storage.archive.recorder import Recorder
from solrecd.storage.archive.recovery import (
    end_of_closed,
    look_into,
    pending_chunks,
    restore,
)
from solrecd.storage.archive.segment_types import (
    ArchiveLoss,
    OpenedConsole,
    Resume,
    Shared,
    Spool,
)
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.recovered import JournalNote, Recovered

log = structlog.get_logger()


class Opened(NamedTuple):
    """A console that can go on."""

    recorder: Recorder
    console: OpenedConsole


class Opener:
    """Opens consoles, in any thread.

    Args:
        log_dir: holds one folder per console.
        spool: the journal.
        shared: what all recorders have in common.
        closer: takes segments that are complete.
        reports: takes losses.
    """

    def __init__(
        self,
        log_dir: Path,
        spool: Spool,
        shared: Shared,
        closer: Closer,
        reports: Reports,
    ) -> None:
        self._log_dir = log_dir
        self._spool = spool
        self._shared = shared
        self._closer = closer
        self._reports = reports

    def open(self, name: str) -> Opened:
        """Read where a console ends; the lock of its lane is held.

        Raises:
            OSError: the folder cannot be read.
        """
        folder = self._log_dir / name
        found = look_into(folder)
        for segment in found.unfinished:
            self._closer.add(name, segment)
        for aside in found.aside:
            self._lose(name, f"what lay under the name of a file is now {aside.name}")
        journal = self._spool.records(name)
        if found.open is None:
            return self._open_anew(name, found.last, journal)
        try:
            return self._open_again(name, found.open, journal)
        except OSError:
            raise
        except Exception:
            log.exception("archive.crashed", console=name, segment=str(found.open))
        self._lose(name, f"{found.open} cannot be gone on with (a bug in solrecd)")
        self._closer.add(name, found.open)
        return self._open_anew(name, found.open, journal)

    def _lose(self, name: str, text: str, count: int = 0) -> None:
        loss = ArchiveLoss(name, self._shared.wall_clock(), text, count)
        self._reports.news.append(loss)

    def _open_anew(
        self, name: str, last: SegmentName | None, journal: Recovered
    ) -> Opened:
        """Go on without an open segment: the first byte begins one."""
        end = journal.offset
        if last is not None:
            end = end_of_closed(self._log_dir / name, last) or journal.offset
        pending = pending_chunks(journal, end)
        begin = max(end, journal.offset if journal.chunks else 0)
        recorder = Recorder(
            name,
            self._log_dir / name,
            self._spool.stream(name, begin),
            self._shared,
            Resume(last, begin),
        )
        _add_notes(recorder, journal, noted=0)
        opened = OpenedConsole(
            stream=recorder.stream,
            offset=begin,
            boot=0 if last is None else last.boot,
            continues=False,
            started=None if last is None else last.started,
            last_output=pending[-1].at if pending else None,
            restored=[],
            pending=pending,
        )
        return Opened(recorder, opened)

    def _open_again(
        self, name: str, segment_name: SegmentName, journal: Recovered
    ) -> Opened:
        """Go on in the open segment."""
        folder = self._log_dir / name
        restored = restore(
            self._shared.files, folder, segment_name, journal, self._shared.text
        )
        segment = restored.segment
        pending = pending_chunks(journal, segment.end)
        begin = max(segment.end, journal.offset if pending else 0)
        recorder = Recorder(
            name,
            folder,
            self._spool.stream(name, segment.end),
            self._shared,
            Resume(
                segment_name,
                begin,
                segment,
                restored.skip,
                restored.notes,
                jump=begin if begin > segment.end else None,
            ),
        )
        _add_notes(recorder, journal, noted=segment.noted)
        # What the journal still has is written again.
        lost = begin - segment.end if pending else restored.missing
        if lost:
            text = f"{lost} bytes of this log were lost"
            recorder.stream.note(segment.stamp, f"gap: {text}")
            place = recorder.stream.offset
            recorder.inbox.append(JournalNote(place, segment.stamp, f"gap: {text}"))
            self._lose(name, text, lost)
        opened = OpenedConsole(
            stream=recorder.stream,
            offset=restored.offset + begin - segment.end,
            boot=segment_name.boot,
            continues=True,
            started=segment_name.started,
            last_output=pending[-1].at if pending else segment.stamp,
            restored=restored.chunks,
            pending=pending,
            boot_offset=segment.offset if segment.name.part == 1 else None,
        )
        return Opened(recorder, opened)


def _add_notes(recorder: Recorder, journal: Recovered, *, noted: int) -> None:
    """Give a recorder the notes that are in no log yet."""
    recorder.inbox.extend(note for note in journal.notes if note.at > noted)
