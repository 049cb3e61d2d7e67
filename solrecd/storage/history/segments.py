"""Which consoles, boots and files an archive folder holds; reads names only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from solrecd.storage.formats.names import KINDS, SegmentName, parse_stem

WORDS = ".words"
"""In a console's folder: `formats.vocabulary`, whose import takes longer than that of
all that is here. A test keeps the two alike."""


class Files(Mapping[str, Path]):
    """Files by kind; a path is made when it is asked for, for most never are."""

    __slots__ = ("_folder", "_names")

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self._folder = folder
        self._names = names

    def __getitem__(self, kind: str) -> Path:
        return self._folder / self._names[kind]

    @property
    def paths(self) -> Iterator[Path]:
        """Where each is, or will be once it is asked for."""
        return (self._folder / name for name in self._names.values())

    @property
    def vocabulary(self) -> Path:
        """Where the words of all logs of the console are, if they are known."""
        return self._folder / WORDS

    def is_packed(self, kind: str) -> bool:
        """Whether a file is there and compressed."""
        return self._names.get(kind, "").endswith(".zst")

    def __contains__(self, kind: object) -> bool:
        return kind in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Segment(NamedTuple):
    """One segment of a console: up to three files with one stem.

    No dataclass: importing those takes a quarter of the time `solrecctl` has to start.
    """

    console: str
    name: SegmentName
    files: Files
    """By kind: ``log``, ``raw``, ``timing``; a kind may be missing."""
    stem: str
    """What their names begin with; the text of ``name``."""

    @property
    def closed(self) -> bool:
        """Whether the recorder has finished with it."""
        return all(map(self.files.is_packed, self.files))


class NoArchiveError(Exception):
    """The folder is not there or cannot be read; the message names it."""


class Archive:
    """An archive folder: one folder per console, segments in it."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; nothing is read yet."""
        self.folder = folder

    @property
    def processes(self) -> int:
        """How many processes may read it side by side."""
        return len(os.sched_getaffinity(0))

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
        found: dict[str, dict[str, str]] = {}
        for name in _names_in(folder):
            stem, _, kind = name.removesuffix(".zst").rpartition(".")
            if kind in KINDS:
                files = found.setdefault(stem, {})
                # While a segment is being closed both forms lie there: the open one
                # is the one that is known to be whole.
                if kind not in files or not name.endswith(".zst"):
                    files[kind] = name
        segments = [
            Segment(console, parsed, Files(folder, files), stem)
            for stem, files in found.items()
            if (parsed := parse_stem(stem)) is not None
        ]
        return sorted(segments, key=lambda segment: segment.name)


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
