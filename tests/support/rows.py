"""Rows as the daemon tells them, for walls."""

from __future__ import annotations

from typing import Any

from solrecd.api.rows import News

SECOND = 1_000_000
NOW = 1_000_000 * SECOND


def found(name: str, **changes: Any) -> dict[str, Any]:
    """Return an object of ``/v1/watch``: a console that is well."""
    return {
        "console": name,
        "session": "up",
        "power": "on",
        "boot": 3,
        "stage": "login",
        "stage_since": "1970-01-12T13:00:00.000000Z",
        "outcome": "ok",
        "title": None,
        "acknowledged": None,
        "viewers": 0,
        "last_output": None,
        "error": None,
        "labels": {},
        "line": f"{name} login:",
        **changes,
    }


def failed(name: str, since: str = "13:00:00", **changes: Any) -> dict[str, Any]:
    """Return one whose boot failed."""
    at = f"1970-01-12T{since}.000000Z"
    title = "Kernel panic - not syncing"
    return found(name, outcome="failed", title=title, stage_since=at, **changes)


def news(*rows: dict[str, Any], is_whole: bool = True) -> News:
    """Return rows as they come in one set."""
    return News(is_whole, {row["console"]: row for row in rows}, NOW)
