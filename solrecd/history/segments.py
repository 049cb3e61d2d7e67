"""Which consoles, boots and files an archive folder holds; reads names only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from solrecd.archive.names import SegmentName, parse_file_name


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a console: up to three files with one stem."""

    console: str
    name: SegmentName
    files: Mapping[str, Path]
    """By kind: ``log``, ``raw``, ``timing``; a kind may be missing."""

    @property
    def closed(self) -> bool:
        """Whether the recorder has finished with it."""
        return all(path.suffix == ".zst" for path in self.files.values())


class NoArchiveError(Exception):
    """The folder is not there or cannot be read; the message names it."""


class Archive:
    """An archive folder: one folder per console, segments in it."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; nothing is read yet."""
        self.folder = folder

    def consoles(self) -> list[str]:
        """Return the names of the consoles that have a folder, sorted.

        Raises:
            NoArchiveError: the archive cannot be read.
        """
        try:
            with os.scandir(self.folder) as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if entry.is_dir() and not entry.name.startswith(".")
                )
        except OSError as error:
            raise NoArchiveError(f"{self.folder}: {error.strerror}") from None

    def segments(self, console: str) -> list[Segment]:
        """Return a console's segments in stream order; none for an unknown console.

        Raises:
            NoArchiveError: the console's folder cannot be read.
        """
        folder = self.folder / console
        found: dict[SegmentName, dict[str, Path]] = {}
        for name in _names_in(folder):
            understood = parse_file_name(name)
            if understood is None:
                continue
            files = found.setdefault(understood.segment, {})
            # While a segment is being closed both forms lie there: the open one is
            # the one that is known to be whole.
            if not understood.closed or understood.kind not in files:
                files[understood.kind] = folder / name
        return [Segment(console, name, found[name]) for name in sorted(found)]

    def segments_of_boot(self, console: str, boot: int) -> list[Segment]:
        """Return the parts of one boot in order."""
        return [each for each in self.segments(console) if each.name.boot == boot]


def _names_in(folder: Path) -> Sequence[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise NoArchiveError(f"{folder}: {error.strerror}") from None


def boot_numbers(segments: Sequence[Segment]) -> list[int]:
    """Return the numbers of the boots that segments belong to, ascending."""
    return sorted({segment.name.boot for segment in segments})


def within(
    segments: Sequence[Segment], since: int | None, until: int | None
) -> list[Segment]:
    """Return the segments that may hold output of a time; both stamps, or None."""
    ends = [segment.name.started for segment in segments[1:]] + [None]
    return [
        segment
        for segment, end in zip(segments, ends, strict=True)
        if (since is None or end is None or end >= since)
        and (until is None or segment.name.started < until)
    ]
