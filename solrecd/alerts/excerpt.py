"""What a console printed before something happened, and the report of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from solrecd.events.event import Event, Kind
from solrecd.storage.formats.lines import (
    LINE_MARK,
    MARK_POSITION,
    line_mark,
    line_stamp,
)

EXCERPT_MAX = 4096
"""Bytes: what a pager shows, and Alertmanager's mails carry for each alert."""

TAIL = 128 * 1024
"""Bytes of the log's end that are looked at: a report of 200 lines and what was before.
More would be read for each alert of a fleet that fails at once."""

_CUT = " ..."


class _Line(NamedTuple):
    at: int
    text: str


def excerpt(log: bytes, event: Event, before: int, *, whole: bool = False) -> str:
    """Return the console's lines around an event, at most `EXCERPT_MAX` bytes.

    Args:
        log: the end of the text of the event's boot.
        event: what happened.
        before: lines wanted from before it.
        whole: the text begins with a whole line.

    Returns:
        The lines without their stamps. Of a failure its headline and what follows it
        as far as it is there; of other events what was printed last.
    """
    lines = _output(log if whole else log.partition(b"\n")[2])
    place = _place_of(event, lines)
    earlier = [line.text for line in lines[max(0, place - before) : place]]
    return _bounded(earlier, [line.text for line in lines[place:]])


def _output(log: bytes) -> list[_Line]:
    return [
        _Line(line_stamp(raw), raw[MARK_POSITION + 2 :].decode("utf-8", "replace"))
        for raw in log.split(b"\n")
        if line_mark(raw) == LINE_MARK
    ]


def _place_of(event: Event, lines: Sequence[_Line]) -> int:
    """Return the index of a failure's headline; that behind the last line otherwise."""
    if event.kind is not Kind.FAILURE:
        return len(lines)
    headline = str(event.fields.get("headline", event.title))
    # A report may begin before the line that names it.
    since = [n for n, line in enumerate(lines) if line.at >= event.time]
    named = (n for n in since if headline in lines[n].text)
    return next(named, since[0] if since else len(lines))


def _bounded(earlier: Sequence[str], later: Sequence[str]) -> str:
    """Join lines; the headline and what is nearest to it have precedence."""
    head = _fitting(later, EXCERPT_MAX // 2 if earlier else EXCERPT_MAX)
    room = EXCERPT_MAX - _size(head)
    kept = _fitting(earlier[::-1], room)[::-1]
    rest = EXCERPT_MAX - _size(kept) - _size(head)
    more = _fitting(later[len(head) :], rest) if len(head) < len(later) else []
    return "\n".join([*kept, *head, *more])


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    """Return the first lines that fit; the very first is cut rather than left out."""
    kept: list[str] = []
    for line in lines:
        size = len(line.encode()) + 1
        if size > room:
            if not kept and room > len(_CUT):
                cut = line.encode()[: room - len(_CUT) - 1].decode("utf-8", "ignore")
                kept.append(cut + _CUT)
            return kept
        kept.append(line)
        room -= size
    return kept


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
