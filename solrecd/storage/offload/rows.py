"""What the index knows of a segment's time, as a file beside it in the store.

One JSON object a line, ``{"boot": ...}`` or ``{"event": ...}`` with the contract's
objects, compressed. A reader makes an index of them without replaying the bytes; and
sessions, power and operators' acts stand in no bytes at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import zstandard

from solrecd.events.boots import Boot
from solrecd.events.event import Event, Kind, Severity
from solrecd.process.stamps import parse_stamp
from solrecd.storage.index import Batch, Index
from solrecd.storage.index.reading import STRANGE, boot_value
from solrecd.storage.offload.plan import LocalSegment

LARGEST: Final = 1 << 28
"""Bytes of text in one such file that are read at most."""

Object = Mapping[str, Any]


class UnreadableError(Exception):
    """The file is damaged or of a later version."""


def rows_of(index: Index, console: str, segment: LocalSegment) -> list[Object]:
    """Return the boot of a segment, if it is known, and the events of its time.

    Raises:
        sqlite3.Error: the index cannot be read.
    """
    boots = index.boots([console], boot=segment.name.boot)
    events = index.events([console], since=segment.since, until=segment.until)
    return [*({"boot": each} for each in boots), *({"event": each} for each in events)]


def gap_events(rows: Iterable[Object]) -> Iterator[Object]:
    """Yield the gaps among rows."""
    for row in rows:
        event = row.get("event")
        if event is not None and event["kind"] == Kind.GAP:
            yield event


def encode(rows: Iterable[Object]) -> bytes:
    """Return the content of a file."""
    lines = [json.dumps(row, separators=(",", ":")) for row in rows]
    return zstandard.compress("\n".join(lines).encode())


def decode(data: bytes) -> Batch:
    """Return what an index can be given.

    Raises:
        UnreadableError: it is no such file.
    """
    try:
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=LARGEST)
        rows = [json.loads(line) for line in text.decode().splitlines()]
        return Batch(tuple(_boots(rows)), tuple(_events(rows)))
    except (*STRANGE, zstandard.ZstdError) as error:
        raise UnreadableError(str(error)) from None


def _boots(rows: Sequence[Object]) -> Iterator[Boot]:
    for row in rows:
        if "boot" in row:
            yield boot_value(row["boot"])


def _events(rows: Sequence[Object]) -> Iterator[Event]:
    for row in rows:
        if "event" in row:
            found = dict(row["event"])
            yield Event(
                **{
                    **found,
                    "time": parse_stamp(found["time"]),
                    "kind": Kind(found["kind"]),
                    "severity": Severity(found["severity"]),
                }
            )
