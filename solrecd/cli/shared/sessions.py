"""How a console and its session are, in words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from solrecd.cli.shared import when


def session_words(row: Mapping[str, Any], now: str = "") -> str:
    """Return a clause about the session: since when, why not, when the next try is.

    Args:
        row: the daemon's object of a console.
        now: a time of the contract; empty: the clock's.
    """
    text = f"session {row['session']}"
    if row["since"] is not None:
        text += f" since {when.short(row['since'])}"
    return f"{text}: {row['error']}{next_try(row, now)}" if row["error"] else text


def next_try(row: Mapping[str, Any], now: str = "") -> str:
    """Return ``, next try in 8s``, or nothing where none is planned."""
    if row["next_try"] is None:
        return ""
    now = now or when.format_when(time.time_ns() // 1000)
    return f", next try in {when.duration(when.seconds_between(now, row['next_try']))}"
