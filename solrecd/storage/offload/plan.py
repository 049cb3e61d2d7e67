"""Which segments are to be copied, and which to be deleted in the store; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from solrecd.process.stamps import SECOND
from solrecd.storage.formats.names import SegmentName, parse_file_name
from solrecd.storage.offload.manifest import Manifest

SETTLED = 90 * SECOND
"""Microseconds after a segment's end until which events of its time may still change:
losses of one minute become one event."""


class LocalFile(NamedTuple):
    """A file in a console's folder."""

    name: str
    size: int
    changed: int
    """Stamp."""


class LocalSegment(NamedTuple):
    """A segment as it lies on the disk."""

    name: SegmentName
    files: Mapping[str, str]
    """File names by what they end with: ``raw.zst``."""
    size: int
    ended: int
    """Stamp of its last byte."""
    since: int | None
    until: int
    """Stamps: the part of the console's time that is told with it, from its beginning
    (None: from the first) to that of the next one."""


def local_segments(files: Iterable[LocalFile]) -> list[LocalSegment]:
    """Return the segments of a folder that take no more bytes, in stream order.

    The newest is never among them, be it open or not. One whose files are being
    compressed is left for later.
    """
    found: dict[SegmentName, dict[str, LocalFile]] = {}
    for file in files:
        parsed = parse_file_name(file.name)
        if parsed is not None:
            suffix = f"{parsed.kind}{'.zst' * parsed.closed}"
            found.setdefault(parsed.segment, {})[suffix] = file
    names = sorted(found)
    segments = []
    for name, following in pairwise(names):
        its = found[name]
        kinds = [suffix.removesuffix(".zst") for suffix in its]
        if len(set(kinds)) < len(kinds):
            continue
        segments.append(
            LocalSegment(
                name,
                {suffix: file.name for suffix, file in its.items()},
                sum(file.size for file in its.values()),
                max(file.changed for file in its.values()),
                None if name == names[0] else name.started,
                following.started,
            )
        )
    return segments


def choose_copied(
    segments: Sequence[LocalSegment],
    stored: Collection[str],
    now: int,
    *,
    packed: bool,
) -> list[LocalSegment]:
    """Return the segments that are to be copied now, oldest first.

    Args:
        segments: of one console, from `local_segments`.
        stored: stems of those that are in the store.
        now: stamp.
        packed: closed segments are compressed: others wait for that.
    """
    return [
        segment
        for segment in segments
        if str(segment.name) not in stored
        and segment.until + SETTLED <= now
        and (not packed or all(suffix.endswith(".zst") for suffix in segment.files))
    ]


def choose_deleted(manifest: Manifest, retention: int | None, now: int) -> list[str]:
    """Return the stems of what is to be deleted in the store, oldest first.

    Args:
        manifest: what this member has written.
        retention: microseconds since a segment's last byte; None: all is kept.
        now: stamp.
    """
    if retention is None:
        return []
    old = [one for one in manifest.segments.values() if one.ended < now - retention]
    return [one.stem for one in sorted(old, key=lambda one: one.name)]
