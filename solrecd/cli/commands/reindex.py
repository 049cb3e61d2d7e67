"""`solrecctl reindex`: rebuild boots and events from the bytes of the archive."""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from solrecd.analysis.boot.rules import RuleSet
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared import names
from solrecd.cli.shared.output import screen, warn
from solrecd.cli.shared.read_reports import Faults, Progress
from solrecd.cli.shared.source import Source, marker_rules, reading_archive
from solrecd.storage.archive.vocabulary_file import rewrite
from solrecd.storage.history.files import Report
from solrecd.storage.history.replay import replay
from solrecd.storage.history.search import learn
from solrecd.storage.history.segments import Archive
from solrecd.storage.index import Batch, Index, open_or_replace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.add_argument(
        "--index",
        type=Path,
        metavar="FILE",
        help="index file to rebuild (default: the archive's own)",
    )
    parser.add_argument(
        "--markers",
        metavar="FOLDER",
        help="marker rules of your own (default: the daemon's)",
    )


def main(args: argparse.Namespace) -> int:
    """Rebuild index and vocabularies; exit status 1 when not all could be read."""
    source, faults = Source(args), Faults()
    with reading_archive():
        known = source.archive.consoles()
    chosen = names.select(args.names, known, source.labels)
    path = args.index or source.index_path
    rules = marker_rules(args.markers or source.markers_dir)
    everything = len(chosen) == len(known)
    try:
        boots = _reindex(
            path, source.archive, chosen, rules, faults, everything=everything
        )
    except (sqlite3.Error, OSError) as error:
        raise CommandError(
            f"{path}: {error} (reindex runs as the recorder's user)"
        ) from None
    _relearn(source.archive, chosen)
    line = {"consoles": len(chosen), "boots": boots, "faults": faults.count}
    if args.json:
        screen().objects([line])
    else:
        screen().line(f"{boots} boots of {len(chosen)} consoles: {path}")
    return faults.status


def _reindex(
    path: Path,
    archive: Archive,
    consoles: Collection[str],
    rules: RuleSet,
    report: Report,
    *,
    everything: bool,
) -> int:
    """Write into the daemon's index: it goes on writing meanwhile."""
    suffix = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    opened = open_or_replace(path, suffix)
    if opened.set_aside is not None:
        warn(f"the old index was unusable; it is now {opened.set_aside}")
    with closing(opened.index) as index:
        boots = replay_into(index, archive, consoles, rules, report)
        if everything:
            index.mark_stale(None)
    return boots


def _relearn(archive: Archive, consoles: Collection[str]) -> None:
    """Rewrite which words the logs hold: a search without them takes longer."""
    progress = Progress("learning the words", len(consoles))
    for console in consoles:
        progress.step(console)
        with reading_archive():
            segments = archive.segments(console)
        found = [words for words in map(learn, segments) if words is not None]
        try:
            rewrite(archive.folder / console, found)
        except OSError as error:
            progress.clear()
            warn(f"{error.filename}: {error.strerror}; searches will take longer")
            return
    progress.clear()


def replay_into(
    index: Index,
    archive: Archive,
    consoles: Collection[str],
    rules: RuleSet,
    report: Report,
) -> int:
    """Replay consoles into an index; return how many boots there are.

    A boot that is still going on and known to the index is left to the daemon, who
    knows more of it.
    """
    progress, count = Progress("reading the archive", len(consoles)), 0
    for console in consoles:
        progress.step(console)
        with reading_archive():
            found = replay(archive.segments(console), rules, report)
        known = {boot["boot"] for boot in index.boots([console])}
        boots = [b for b in found.boots if b.ended is not None or b.boot not in known]
        numbers = {boot.boot for boot in boots}
        events = [event for event in found.events if event.boot in numbers]
        index.replace(console, numbers, Batch(boots, events, found.segments))
        count += len(found.boots)
    progress.clear()
    return count


__all__ = ["Exit", "add_arguments", "main", "replay_into"]
