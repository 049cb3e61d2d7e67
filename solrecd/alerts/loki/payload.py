"""Entries as Loki's push API takes them (``POST /loki/api/v1/push``).

One stream per console: its labels are few and do not change from line to line. What
does, the number of the boot and its stage, is structured metadata.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Final

from solrecd.alerts.shipping.reading import Entry
from solrecd.alerts.shipping.receiver import Stream

PATH: Final = "/loki/api/v1/push"
HEADERS: Final = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
TENANT: Final = "X-Scope-OrgID"

JOB: Final = "solrecd"

_LEVEL: Final = 1
"""Of gzip: a fifth of the size for a tenth of the time that the best would take."""


def labels_of(
    console: str, own: Mapping[str, str], common: Mapping[str, str]
) -> Mapping[str, str]:
    """Return a stream's labels: ours, the configuration's, those of the console."""
    return {**common, **own, "job": common.get("job", JOB), "console": console}


def encode(streams: Sequence[Stream], *, common: Mapping[str, str]) -> bytes:
    """Return the body of a push, compressed; ``common``: labels of all streams."""
    body = {"streams": [_stream(stream, common) for stream in streams]}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8", "replace"), _LEVEL, mtime=0)


def _stream(stream: Stream, common: Mapping[str, str]) -> Mapping[str, object]:
    values = [
        [str(one.ns), one.text, _metadata(one, stage)]
        for one, stage in stream.with_stages()
    ]
    labels = labels_of(stream.console, stream.labels, common)
    return {"stream": labels, "values": values}


def _metadata(entry: Entry, stage: str | None) -> Mapping[str, str]:
    """Return the structured metadata of a line; Loki takes texts only."""
    found = {"boot": str(entry.boot), "kind": "note" if entry.is_note else "output"}
    return found if stage is None else {**found, "stage": stage}
