"""Whether what was whole in an archive still is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from solrecd.storage.formats.names import parse_file_name
from solrecd.storage.history.files import read_blocks

Contents = Mapping[str, bytes]
"""By console, stem and kind of a segment's file: what it holds, decompressed."""

_MAY_CHANGE = 3
"""Lines at the end of an open log that are written again when it goes on: the last one,
and a note behind it."""


def contents(archive: Path) -> Contents:
    """Return what the segments' logs and exact bytes hold, as far as they are files."""
    found: dict[str, bytes] = {}
    for path in sorted(archive.glob("*/*")):
        file = parse_file_name(path.name)
        # One that is gone since it was listed has just been compressed.
        is_file = path.is_file() or not path.exists()
        if file is not None and file.kind != "timing" and is_file:
            data = b"".join(read_blocks(path, lambda _fault: None))
            found[f"{path.parent.name}/{file.segment}.{file.kind}"] = data
    return found


def what_is_missing(before: Contents, after: Contents, damaged: Path) -> list[str]:
    """Return the files of which something is gone, but for the damaged one."""
    own = f"{damaged.parent.name}/{damaged.name.removesuffix('.zst')}"
    return [
        f"{name}: {len(data)} bytes, now {len(after.get(name, b''))}"
        for name, data in before.items()
        if name != own and not after.get(name, b"").startswith(_kept(name, data))
    ]


def _kept(name: str, data: bytes) -> bytes:
    if not name.endswith(".log"):
        return data
    return b"\n".join(data.split(b"\n")[: -1 - _MAY_CHANGE])
