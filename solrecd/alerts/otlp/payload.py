"""Entries as log records of OTLP 1.x, in its JSON encoding (``POST /v1/logs``).

JSON rather than protobuf: every receiver has to know both, gzip makes them about as
small, and it needs no library. 64-bit numbers are text in it, as in all of protobuf's
JSON.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from solrecd import __version__
from solrecd.alerts.shipping.reading import Entry
from solrecd.alerts.shipping.receiver import Answer, Stream

PATH: Final = "/v1/logs"
HEADERS: Final = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

_LEVEL: Final = 1
"""Of gzip, as for Loki."""

_SCOPE: Final = {"name": "solrecd", "version": __version__}


def encode(streams: Sequence[Stream], *, common: Mapping[str, str]) -> bytes:
    """Return an ExportLogsServiceRequest, compressed: a resource for each console.

    Args:
        streams: what consoles printed.
        common: attributes of all resources.
    """
    body = {"resourceLogs": [_resource_logs(stream, common) for stream in streams]}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode("utf-8", "replace"), _LEVEL, mtime=0)


def rejected(answer: Answer) -> int:
    """Return how many records a "partial success" says were rejected."""
    try:
        return int(json.loads(answer.text)["partialSuccess"]["rejectedLogRecords"])
    except (KeyError, TypeError, ValueError):
        # An empty answer, or one in another form: all was taken.
        return 0


def _resource_logs(stream: Stream, common: Mapping[str, str]) -> Mapping[str, Any]:
    # The service, as OpenTelemetry has it, is what logs: the recorder.
    texts = {"service.name": "solrecd", **common, **stream.labels}
    records = [
        _record(stream.console, entry, stage) for entry, stage in stream.with_stages()
    ]
    return {
        "resource": {"attributes": [_text(*each) for each in texts.items()]},
        "scopeLogs": [{"scope": _SCOPE, "logRecords": records}],
    }


def _record(console: str, entry: Entry, stage: str | None) -> Mapping[str, Any]:
    attributes: list[Mapping[str, Any]] = [
        _text("console", console),
        {"key": "boot", "value": {"intValue": str(entry.boot)}},
        _text("kind", "note" if entry.is_note else "output"),
    ]
    if stage is not None:
        attributes.append(_text("stage", stage))
    return {
        "timeUnixNano": str(entry.ns),
        "observedTimeUnixNano": str(entry.ns),
        "body": {"stringValue": entry.text},
        "attributes": attributes,
    }


def _text(key: str, value: str) -> Mapping[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
