"""Which stage of its boot a line, or a moment, belongs to. Pure."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

UNKNOWN = "unknown"
"""The stage of lines before the first that was recognised."""


class Span(NamedTuple):
    """An uninterrupted stay in a stage; a boot may come back to one."""

    stage: str
    lines: range
    """Numbers of its console lines in the boot."""
    since: str
    """The contract's text of its beginning."""
    until: str | None
    """Likewise of its end; None for the last."""


def stage_spans(events: Iterable[Mapping[str, Any]]) -> list[Span]:
    """Return the stays of one boot, in order.

    Args:
        events: the boot's, as the index has them; those that are not stages, or have no
            line, are passed over, and so is a stage that was entered already.
    """
    first = (0, "", "")
    entries = [
        first,
        *sorted(
            (event["line"], event["time"], event["name"])
            for event in events
            if event["kind"] == "stage" and event["line"] is not None
        ),
    ]
    spans: list[Span] = []
    end, until = sys.maxsize, None
    for (_, _, before), (line, since, stage) in reversed(list(pairwise(entries))):
        if stage == before:
            continue
        spans.append(Span(stage, range(line, end), since, until))
        end, until = line, since
    return spans[::-1]


class StageOf:
    """Answers which stage a line belongs to."""

    def __init__(self, spans: Sequence[Span]) -> None:
        """Take the stays of one boot."""
        self._begins = [span.lines.start for span in spans]
        self._stages = [UNKNOWN, *(span.stage for span in spans)]

    def __getitem__(self, line: int) -> str:
        """Return the stage of a line's number."""
        return self._stages[bisect_right(self._begins, line)]
