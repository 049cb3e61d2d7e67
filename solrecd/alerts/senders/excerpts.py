"""Reads what a console printed last, in its archive: no other copy is kept."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from solrecd.alerts.excerpt import TAIL, excerpt
from solrecd.events.event import Event
from solrecd.process.plain_files import open_plain
from solrecd.storage.formats.names import parse_file_name

_CURRENT = "current.log"


class Wanted(NamedTuple):
    """Excerpts that receivers want of an event."""

    event: Event
    sizes: Collection[int]
    """Lines before the event."""


def read_excerpts(log_dir: Path, wanted: Sequence[Wanted]) -> list[Mapping[int, str]]:
    """Return the excerpts by their sizes, for each event; none where nothing is found.

    Blocks: for a thread.
    """
    return [_read(log_dir / one.event.console, one) for one in wanted]


def _read(folder: Path, wanted: Wanted) -> Mapping[int, str]:
    try:
        log, whole = _tail(_log_of(folder, wanted.event.boot))
    except OSError:
        return {}
    return {n: excerpt(log, wanted.event, n, whole=whole) for n in wanted.sizes}


def _log_of(folder: Path, boot: int | None) -> Path:
    """Return the open log of a boot: the current one, or the last part of that boot.

    Raises:
        OSError: there is none.
    """
    current = folder / _CURRENT
    found = parse_file_name(current.readlink().name)
    if boot is None or found is None or found.segment.boot == boot:
        return current
    names = os.listdir(folder)  # noqa: PTH208 - no paths: there may be thousands
    parts = (parse_file_name(name) for name in names)
    its = [
        part.segment
        for part in parts
        if part and part.segment.boot == boot and part.kind == "log" and not part.closed
    ]
    if not its:
        raise FileNotFoundError(folder)
    return folder / max(its).file("log")


def _tail(path: Path) -> tuple[bytes, bool]:
    """Return the end of a file, and whether that is all of it."""
    with open_plain(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        return file.read(TAIL), size <= TAIL
