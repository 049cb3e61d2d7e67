"""What of a console is in a store; pure.

A manifest is JSON. It tells enough to list boots' segments, to fetch and check each
file, and to say how much of the time was recorded, without fetching anything else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from solrecd.storage.formats.coverage import Missing, Recorded
from solrecd.storage.formats.names import SegmentName, parse_stem

VERSION: Final = 1

_LARGEST: Final = 1 << 62
"""No size or stamp of ours is beyond it."""

SENSELESS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What parsing raises of a text that was never written."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store."""

    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal, of all of it."""


@dataclass(frozen=True, slots=True)
class CopiedSegment:
    """A segment that is in the store, every file of it verified."""

    name: SegmentName
    ended: int
    """Stamp of its last byte."""
    files: Mapping[str, StoredFile]
    """By what their names end with: ``raw.zst``, ``words``, ..."""
    missing: tuple[Missing, ...] = ()
    """Gaps from its beginning to that of the next one."""

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return str(self.name)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one member has copied of one console."""

    console: str
    member: str
    segments: Mapping[str, CopiedSegment] = field(default_factory=dict)
    """By stem."""

    def with_segments(self, added: Iterable[CopiedSegment]) -> Manifest:
        """Return it with more segments, or newer words of some."""
        return replace(
            self, segments={**self.segments, **{each.stem: each for each in added}}
        )

    def without(self, stems: Iterable[str]) -> Manifest:
        """Return it without some segments."""
        gone = set(stems)
        kept = {stem: one for stem, one in self.segments.items() if stem not in gone}
        return replace(self, segments=kept)


def encode(manifest: Manifest) -> bytes:
    """Return the text of a manifest."""
    segments = sorted(manifest.segments.values(), key=lambda one: one.name)
    return json.dumps(
        {
            "version": VERSION,
            "console": manifest.console,
            "member": manifest.member,
            "segments": [_segment_object(one) for one in segments],
        },
        separators=(",", ":"),
    ).encode()


def _segment_object(one: CopiedSegment) -> Mapping[str, Any]:
    return {
        "stem": one.stem,
        "ended": one.ended,
        "files": {
            kind: {"size": file.size, "sha256": file.sha256}
            for kind, file in one.files.items()
        },
        "gaps": [[each.at, each.length, each.places] for each in one.missing],
    }


def decode(text: bytes) -> Manifest:
    """Return the manifest of a text; raises `SENSELESS` where it is none."""
    found = json.loads(text)
    if found["version"] != VERSION:
        raise ValueError(f"version {found['version']!r}, not {VERSION}")
    segments = [_segment(each) for each in found["segments"]]
    return Manifest(
        str(found["console"]), str(found["member"]), {one.stem: one for one in segments}
    )


def _segment(found: Mapping[str, Any]) -> CopiedSegment:
    name = parse_stem(found["stem"])
    if name is None:
        raise ValueError(f"no segment: {found['stem']!r}")
    files = {
        _suffix(kind): StoredFile(_number(file["size"]), str(file["sha256"]))
        for kind, file in found["files"].items()
    }
    missing = tuple(Missing(*map(_number, each)) for each in found["gaps"])
    return CopiedSegment(name, _number(found["ended"]), files, missing)


def _suffix(text: str) -> str:
    if not text or not text.replace(".", "").isalnum():
        raise ValueError(f"no end of a file's name: {text!r}")
    return text


def _number(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise ValueError(f"no number of ours: {value!r}")
    return value


def together(manifests: Iterable[Manifest]) -> list[CopiedSegment]:
    """Return the segments of all members, each once, in stream order."""
    every = chain.from_iterable(each.segments.values() for each in manifests)
    return sorted({one.stem: one for one in every}.values(), key=lambda one: one.name)


def next_boot(manifests: Iterable[Manifest]) -> int:
    """Return the number that a console's next boot gets, by what is in the store.

    For a member that takes a console over and has no archive of it: numbers go on
    behind those of all members.
    """
    return max((one.name.boot for one in together(manifests)), default=0) + 1


def recorded(segments: Iterable[CopiedSegment]) -> Recorded:
    """Return what segments of one console tell of how it was recorded."""
    known = list(segments)
    oldest = min((one.name.started for one in known), default=None)
    missing = tuple(chain.from_iterable(one.missing for one in known))
    return Recorded(oldest, oldest, missing)
