"""Failures of many machines that are the same one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]


def group(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Return one object per failure, those on most machines first.

    Events with the same signature are the same failure; without one, those of the
    same kind and name.
    """
    groups: dict[object, dict[str, Any]] = {}
    for event in events:
        signature = event["signature"]
        key = signature or (event["kind"], event["name"])
        found = groups.setdefault(key, _new_group(event))
        found["count"] += 1
        found["consoles"][event["console"]] = None
        found["first"] = min(found["first"], event["time"])
        found["last"] = max(found["last"], event["time"])
    for each in groups.values():
        each["consoles"] = sorted(each["consoles"])
        each["machines"] = len(each["consoles"])
    return sorted(
        groups.values(),
        key=lambda each: (each["machines"], each["count"], each["last"]),
        reverse=True,
    )


def _new_group(event: Event) -> dict[str, Any]:
    return {
        "signature": event["signature"],
        "kind": event["kind"],
        "name": event["name"],
        "severity": event["severity"],
        "title": event["title"],
        "count": 0,
        "machines": 0,
        "consoles": {},
        "first": event["time"],
        "last": event["time"],
    }
