"""Entries as Loki's push API takes them (``POST /loki/api/v1/push``).

One stream per console: its labels are few and do not change from line to line. What
does, the number of the boot and its stage, is structured metadata.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from solrecd.alerts.loki.reading import Entry

PATH: Final = "/loki/api/v1/push"
HEADERS: Final = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
TENANT: Final = "X-Scope-OrgID"

JOB: Final = "solrecd"

_LEVEL: Final = 1
"""Of gzip: a fifth of the size for a tenth of the time that the best would take."""


class Stream(NamedTuple):
    """Entries of one console, in order."""

    labels: Mapping[str, str]
    entries: Sequence[Entry]
    stages: Sequence[tuple[int, str]]
    """Stamp of the entry into a stage, and the stage, in order, as far as known."""


def labels_of(
    console: str, own: Mapping[str, str], common: Mapping[str, str]
) -> Mapping[str, str]:
    """Return a stream's labels: ours, the configuration's, those of the console."""
    return {**common, **own, "job": common.get("job", JOB), "console": console}


def encode(streams: Sequence[Stream]) -> bytes:
    """Return the body of a push, compressed."""
    body = {"streams": [_stream(stream) for stream in streams]}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8", "replace"), _LEVEL, mtime=0)


def _stream(stream: Stream) -> Mapping[str, object]:
    values = [
        [str(one.ns), one.text, _metadata(one, stream.stages)] for one in stream.entries
    ]
    return {"stream": dict(stream.labels), "values": values}


def _metadata(entry: Entry, stages: Sequence[tuple[int, str]]) -> Mapping[str, str]:
    """Return the structured metadata of a line; Loki takes texts only."""
    found = {"boot": str(entry.boot), "kind": "note" if entry.is_note else "output"}
    for since, stage in reversed(stages):
        if entry.ns >= since * 1000:
            return {**found, "stage": stage}
    return found
