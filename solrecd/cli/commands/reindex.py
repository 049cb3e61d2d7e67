"""`solrecctl reindex`: rebuild boots and events from the bytes of the archive."""

from __future__ import annotations

import argparse
import sqlite3
from pathlib import Path

from solrecd.cli.program import CommandError
from solrecd.cli.shared.amounts import counted
from solrecd.cli.shared.output import screen, warn
from solrecd.cli.shared.read_reports import Faults, watch
from solrecd.cli.shared.source import Source, marker_rules, reading_archive
from solrecd.storage.rebuild import Rebuilding


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
    rules = marker_rules(args.markers or source.markers_dir)
    path: Path = args.index or source.index_path
    work = Rebuilding(source.archive, rules, faults, warn, watch)
    known = source.archived()
    chosen = source.choose(args.names, known)
    everything = len(chosen) == len(known)
    with reading_archive():
        try:
            boots = work.rebuild(path, chosen, everything=everything)
        except (sqlite3.Error, OSError) as error:
            raise CommandError(
                f"{path}: {error} (reindex runs as the recorder's user)"
            ) from None
    line = {"consoles": len(chosen), "boots": boots, "faults": faults.count}
    if args.json:
        screen().objects([line])
    else:
        screen().line(
            f"{counted(boots, 'boot')} of {counted(len(chosen), 'console')}: {path}"
        )
    return faults.status
