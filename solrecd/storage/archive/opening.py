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
from solrecd.storage.archive.missing_bytes import MissingBytes
from solrecd.storage.archive.recorder import Recorder
from solrecd.storage.archive.recovery import (
    end_of_closed,
    look_into,
    pending_chunks,
    restore,
)
from solrecd.storage.archive.segment_types import (
    OpenedConsole,
    Resume,
    Shared,
    Spool,
)
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.recovered import Recovered

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
    """

    def __init__(
        self,
        log_dir: Path,
        spool: Spool,
        shared: Shared,
        closer: Closer,
    ) -> None:
        self._log_dir = log_dir
        self._spool = spool
        self._shared = shared
        self._closer = closer
        self._doubts: dict[str, list[str]] = {}
        """What may be missing of consoles that are not open yet."""

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
            self._doubt(name, f"what lay under the name of a file is now {aside.name}")
        journal = self._spool.records(name)
        if found.open is None:
            return self._open_new(name, found.last, journal)
        try:
            return self._open_again(name, found.open, journal)
        except OSError:
            raise
        except Exception:
            log.exception("archive.crashed", console=name, segment=str(found.open))
        self._doubt(name, f"{found.open} cannot be gone on with (a bug in solrecd)")
        self._closer.add(name, found.open)
        return self._open_new(name, found.open, journal)

    def _doubt(self, name: str, text: str) -> None:
        self._doubts.setdefault(name, []).append(text)

    def _take_doubts(self, name: str, *, is_new: bool) -> list[str]:
        """Return, one line each, what else may be lost; once, when it is opened.

        Args:
            name: of the console.
            is_new: it has no archive, so that no unknown bytes in the journal are its.
        """
        own = self._doubts.pop(name, [])
        return own if is_new else own + self._spool.doubts(name)

    def _open_new(
        self, name: str, last: SegmentName | None, journal: Recovered
    ) -> Opened:
        """Go on without an open segment: the first byte begins one."""
        end = journal.offset
        if last is not None:
            end = end_of_closed(self._log_dir / name, last) or journal.offset
        pending = pending_chunks(journal, end)
        stream = self._spool.stream(name, end)
        lost = MissingBytes(journal, end, stream.offset, pending)
        recorder = Recorder(
            name,
            self._log_dir / name,
            stream,
            self._shared,
            Resume(last, lost.begin),
        )
        _add_notes(recorder, journal, noted=0)
        if not recorder.inbox:
            stream.release(end)
        opened = OpenedConsole(
            stream=stream,
            offset=lost.begin,
            boot=0 if last is None else last.boot,
            continues=False,
            started=None if last is None else last.started,
            last_output=pending[-1].at if pending else None,
            restored=[],
            pending=pending,
            losses=lost.gaps(0, self._take_doubts(name, is_new=last is None)),
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
        stream = self._spool.stream(name, segment.end)
        lost = MissingBytes(journal, segment.end, stream.offset, pending)
        begin = lost.begin
        recorder = Recorder(
            name,
            folder,
            stream,
            self._shared,
            Resume(
                segment_name,
                begin,
                segment,
                restored.skip,
                restored.last_line,
                restored.notes,
                jump=begin if begin > segment.end else None,
            ),
        )
        noted = max([segment.noted, *[note.at for note in restored.notes]])
        _add_notes(recorder, journal, noted=noted)
        if not (recorder.inbox or restored.notes or segment.pending):
            # Else the first drain gives it back: until then another kill may come.
            stream.release(segment.end)
        doubts = self._take_doubts(name, is_new=False)
        opened = OpenedConsole(
            stream=stream,
            offset=restored.offset + begin - segment.end,
            boot=segment_name.boot,
            continues=True,
            started=segment_name.started,
            last_output=pending[-1].at if pending else segment.stamp,
            restored=restored.chunks,
            pending=pending,
            boot_offset=segment.offset if segment.name.part == 1 else None,
            losses=lost.gaps(segment.stamp, doubts, restored.torn),
        )
        return Opened(recorder, opened)


def _add_notes(recorder: Recorder, journal: Recovered, *, noted: int) -> None:
    """Give a recorder the notes that are in no log yet."""
    recorder.inbox.extend(note for note in journal.notes if note.at > noted)
