"""Writes what is derived from an archive again: the index, and the words of its logs.

Read are the bytes alone. It takes minutes of a processor, so the daemon runs it as a
program of its own (`command`), beside which it goes on recording::

    python -m solrecd.storage.rebuild ARCHIVE INDEX MARKERS

prints one JSON object and exits with 0, or 1 if not all could be read.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solrecd.analysis.boot.rules import RuleSet
from solrecd.analysis.interpreter.last_words import UNEXPLAINED
from solrecd.events.event import Kind
from solrecd.storage import marker_files
from solrecd.storage.archive.vocabulary_file import rewrite
from solrecd.storage.history.files import Fault, Report
from solrecd.storage.history.replay import replay
from solrecd.storage.history.search import learn
from solrecd.storage.history.segments import Archive, NoArchiveError
from solrecd.storage.index import Batch, Index, open_or_replace

Watch = Callable[[str, Collection[str]], Iterable[str]]
"""Given what is done and to which consoles, yields each when its turn comes."""


def unwatched(_what: str, consoles: Collection[str]) -> Iterable[str]:
    """Show no progress."""
    return consoles


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """An archive, how to read it, and who hears of it.

    Args:
        archive: with the bytes.
        rules: the marker rules.
        report: told of damaged files; what can be read of them counts.
        warn: told, in a sentence, what else is not as it should be.
        watch: shows the progress.
        until: stamp until which all consoles are recorded; None: that is not known.
    """

    archive: Archive
    rules: RuleSet
    report: Report
    warn: Callable[[str], None]
    watch: Watch = unwatched
    until: int | None = None

    def rebuild(
        self, path: Path, consoles: Collection[str], *, everything: bool
    ) -> int:
        """Rebuild an index and the vocabularies; return how many boots there are.

        The daemon may write into the same index meanwhile.

        Args:
            path: the index; an unusable one is set aside.
            consoles: which.
            everything: these are all: nothing is missing in the index from now on.

        Raises:
            NoArchiveError: the archive cannot be read.
            sqlite3.Error: the index cannot be written.
            OSError: a useless index cannot be set aside.
        """
        suffix = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        opened = open_or_replace(path, suffix)
        if opened.set_aside is not None:
            self.warn(f"the old index was unusable; it is now {opened.set_aside}")
        with closing(opened.index) as index:
            boots = self.replay_into(index, consoles)
            if everything:
                index.mark_stale(None)
        self._relearn(consoles)
        return boots

    def replay_into(self, index: Index, consoles: Collection[str]) -> int:
        """Replay consoles into an index; return how many boots there are.

        What is known of a boot that is still going on is left to the daemon, which
        knows more of it; of its events those are added that are missing.

        Raises:
            NoArchiveError: the archive cannot be read.
            sqlite3.Error: the index cannot be written.
        """
        steps = self.watch("reading the archive", consoles)
        return sum(self._replay(index, console) for console in steps)

    def _replay(self, index: Index, console: str) -> int:
        segments = self.archive.segments(console)
        found = replay(segments, self.rules, self.report, until=self.until)
        known = {boot["boot"] for boot in index.boots([console])}
        going_on = {b.boot for b in found.boots if b.ended is None and b.boot in known}
        boots = [boot for boot in found.boots if boot.boot not in going_on]
        told = {
            _key(event) for boot in going_on for event in _events(index, console, boot)
        }
        events = [
            event
            for event in found.events
            if event.boot not in going_on or _key(event.as_dict()) not in told
        ]
        numbers = {boot.boot for boot in boots}
        index.replace(console, numbers, Batch(boots, events, found.segments))
        return len(found.boots)

    def _relearn(self, consoles: Collection[str]) -> None:
        """Write again which words the logs hold: a search without them takes longer."""
        try:
            for console in self.watch("learning the words", consoles):
                words = map(learn, self.archive.segments(console))
                known = [each for each in words if each is not None]
                rewrite(self.archive.folder / console, known)
        except OSError as error:
            self.warn(f"{error.filename}: {error.strerror}; searches will take longer")


def _events(index: Index, console: str, boot: int) -> Iterator[Mapping[str, Any]]:
    return index.events([console], boot=boot)


def _key(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells an event of a boot from its others.

    Two that looks at the clock tell of the same silence differ in their times.
    """
    by_clock = event["kind"] == Kind.STUCK or event["name"] == UNEXPLAINED
    return event["kind"], event["name"], None if by_clock else event["time"]


def command(archive: Path, index: Path, markers: str) -> list[str]:
    """Return the command that rebuilds a whole index.

    Args:
        archive: the folder.
        index: the file.
        markers: folder of the administrator's marker rules; it need not exist.
    """
    return [sys.executable, "-m", __name__, str(archive), str(index), markers]


def main(archive: str, index: str, markers: str) -> int:
    """Rebuild a whole index, as a program; arguments as in `command`."""
    faults: set[Fault] = set()
    folder = Archive(Path(archive))
    try:
        rules = marker_files.load(markers)
        now = time.time_ns() // 1000
        work = Rebuilding(folder, rules, faults.add, warn=_complain, until=now)
        consoles = folder.consoles()
        boots = work.rebuild(Path(index), consoles, everything=True)
    except (NoArchiveError, marker_files.RuleError, sqlite3.Error, OSError) as error:
        _complain(str(error))
        return 1
    for fault in sorted(faults):
        _complain(str(fault))
    done = {"consoles": len(consoles), "boots": boots, "faults": len(faults)}
    sys.stdout.write(json.dumps(done) + "\n")
    return 1 if faults else 0


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
