"""The differences of boots as objects: of ``diff --json``, and for pages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from solrecd.process.stamps import SECOND, format_stamp, parse_stamp
from solrecd.storage.history.compare import (
    Difference,
    Found,
    Said,
    Slower,
    stage_durations,
)

Object = dict[str, Any]


def objects(
    first: Mapping[str, Any], second: Mapping[str, Any], difference: Difference
) -> list[Object]:
    """Return one object per finding; the first one is about the boots.

    Args:
        first: the boot compared with, as the index has it.
        second: the other.
        difference: of what they said.
    """
    console, began = second["console"], second["started"]
    head: Object = {
        "console": console,
        "change": "boots",
        "boots": [_boot(first), _boot(second)],
    }
    parts = {
        "slower": [_slower(it, began) for it in difference.slower],
        "new": [_found(it, began) for it in difference.new],
        "more": [_found(it, began) for it in difference.more],
        "missing": [_found(it, first["started"]) for it in difference.missing],
        "less": [_found(it, first["started"]) for it in difference.less],
        "ahead": [_found(it, first["started"]) for it in difference.ahead],
    }
    return [head, *_with_change(console, parts)]


def novel_objects(
    boot: Mapping[str, Any], found: Sequence[Found], compared: int
) -> list[Object]:
    """Return one object per message that no good boot has; the first tells of the boot.

    Args:
        boot: as the index has it.
        found: the messages.
        compared: how many good boots were read.
    """
    console = boot["console"]
    head: Object = {
        "console": console,
        "change": "boots",
        "boots": [_boot(boot)],
        "compared": compared,
    }
    novel = [_found(it, boot["started"]) for it in found]
    return [head, *_with_change(console, {"novel": novel})]


def _with_change(console: str, parts: Mapping[str, Iterable[Object]]) -> list[Object]:
    return [
        {"console": console, "change": change, **each}
        for change, found in parts.items()
        for each in found
    ]


def _boot(boot: Mapping[str, Any]) -> Object:
    total = None
    if boot["ended"] is not None:
        total = _seconds_between(boot["started"], boot["ended"])
    took = stage_durations(boot["stages"], total)
    return {**boot, "took": {stage: round(each, 6) for stage, each in took.items()}}


def _found(found: Found, began: str) -> Object:
    return {
        **_place(found.first, began),
        "times": found.times,
        "other_times": found.other,
        "text": found.first.text,
        "message": found.first.key,
    }


def _place(said: Said, began: str) -> Object:
    time = None if said.at is None else format_stamp(said.at)
    after = None if time is None else round(_seconds_between(began, time), 6)
    return {"time": time, "after": after, "line": said.line, "stage": said.stage}


def _slower(slower: Slower, began: str) -> Object:
    return {
        **_place(slower.begin, began),
        "seconds": [slower.before, slower.after],
        "begin": slower.begin.text,
        "pause_after": slower.pause.text,
        "end": slower.end.text,
    }


def _seconds_between(earlier: str, later: str) -> float:
    return (parse_stamp(later) - parse_stamp(earlier)) / SECOND
