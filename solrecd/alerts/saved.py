"""The alerts that fire, as text: a restart finds them again, and resolves them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from solrecd.alerts.alert import Alert
from solrecd.events.event import Event, Kind, Severity
from solrecd.process.stamps import format_stamp, parse_stamp

_VERSION = 1


def save(alerts: Mapping[str, Iterable[Alert]]) -> bytes:
    """Return the alerts of all receivers, by the receiver's name, as text."""
    content = {name: [_object(one) for one in its] for name, its in alerts.items()}
    text = json.dumps({"version": _VERSION, "firing": content}, ensure_ascii=False)
    return text.encode("utf-8", "replace")


def load(text: bytes) -> dict[str, list[Alert]]:
    """Return what `save` wrote; damaged parts are left out."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        return {}
    firing = content.get("firing")
    if not isinstance(firing, dict):
        return {}
    return {
        name: [alert for one in its if (alert := _alert(one)) is not None]
        for name, its in firing.items()
        if isinstance(its, list)
    }


def _object(alert: Alert) -> dict[str, Any]:
    return {
        "event": alert.event.as_dict(),
        "since": alert.since,
        "labels": dict(alert.labels),
        "kernel": alert.kernel,
        "excerpt": alert.excerpt,
        "count": alert.count,
    }


def _alert(found: Any) -> Alert | None:
    try:
        return Alert(
            _event(found["event"]),
            _stamp(found["since"]),
            {str(name): str(text) for name, text in found["labels"].items()},
            str(found["kernel"]),
            str(found["excerpt"]),
            int(found["count"]),
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _stamp(found: Any) -> int:
    """Return a stamp, or raise where no clock has ever shown it."""
    stamp = int(found)
    format_stamp(stamp)
    return stamp


def _event(found: Mapping[str, Any]) -> Event:
    signature = found["signature"]
    return Event(
        time=parse_stamp(found["time"]),
        console=str(found["console"]),
        boot=_number(found["boot"]),
        kind=Kind(found["kind"]),
        name=str(found["name"]),
        severity=Severity(found["severity"]),
        title=str(found["title"]),
        line=_number(found["line"]),
        signature=None if signature is None else str(signature),
        fields=dict(found["fields"]),
    )


def _number(found: Any) -> int | None:
    return None if found is None else int(found)
