"""What the files of a segment are called, and what their names say."""

from __future__ import annotations

import re
from typing import NamedTuple

from solrecd.process.stamps import format_stamp, parse_stamp

_STEM = re.compile(
    # No more digits than an index can count on from.
    r"(\d{8})T(\d{6}\.\d{6})Z\.boot-(\d{6,15})(?:\.part-(\d{4,15}))?",
    re.ASCII,
)

KINDS = ("raw", "timing", "log")
"""The files of a segment, in the order in which they are written."""


class SegmentName(NamedTuple):
    """What a segment's file names say; sorts in stream order within a console."""

    boot: int
    part: int
    """1 for the first; only later ones are named."""
    started: int
    """Stamp."""

    def __str__(self) -> str:
        """Return the stem, ``20261122T120005.123456Z.boot-000042[.part-0002]``."""
        stamp = format_stamp(self.started).replace("-", "").replace(":", "")
        part = f".part-{self.part:04d}" if self.part > 1 else ""
        return f"{stamp}.boot-{self.boot:06d}{part}"

    def file(self, kind: str, *, closed: bool = False) -> str:
        """Return the name of one of the three files."""
        return f"{self}.{kind}{'.zst' if closed else ''}"


class SegmentFile(NamedTuple):
    """A file name in a console's folder, understood."""

    segment: SegmentName
    kind: str
    closed: bool
    """Compressed."""


def parse_file_name(name: str) -> SegmentFile | None:
    """Return what a file name says, None when it is none of ours."""
    plain = name.removesuffix(".zst")
    stem, _, kind = plain.rpartition(".")
    segment = parse_stem(stem) if kind in KINDS else None
    return None if segment is None else SegmentFile(segment, kind, plain != name)


def parse_stem(stem: str) -> SegmentName | None:
    """Return what the stem of a segment's files says, None when it is none of ours."""
    match = _STEM.fullmatch(stem)
    if match is None:
        return None
    date, clock, boot, part = match.groups()
    try:
        started = parse_stamp(
            f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"
        )
    except ValueError:
        return None
    return SegmentName(int(boot), int(part or 1), started)


def next_segment(current: SegmentName, boot: int, at: int) -> SegmentName:
    """Return the name that follows: another part, or the first of another boot."""
    return SegmentName(boot, current.part + 1 if boot == current.boot else 1, at)
