"""What the recorder noted of a console that its bytes do not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from solrecd.events.operator_acts import ORDERS, Order
from solrecd.process.stamps import parse_stamp
from solrecd.storage.history.files import Report, read_blocks
from solrecd.storage.history.segments import Segment
from solrecd.storage.history.text import MAX_LINE

_NOTE = re.compile(
    rb"^(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) # "
    rb"(?:power: (?P<power>on|off)|.* asked for power (?P<order>[a-z]+)"
    rb"|(?P<gap>gap: ).*)$",
    re.MULTILINE,
)


class Note(NamedTuple):
    """One of them; exactly one of its meanings is set."""

    at: int
    """Stamp."""
    power: bool | None = None
    """The chassis was switched on or off."""
    order: Order | None = None
    """What a user asked of the power."""
    gap: bool = False
    """Output is missing here."""


def read_notes(segment: Segment, report: Report) -> Iterator[Note]:
    """Yield the notes of a segment that matter for its boot, in order."""
    path = segment.files.get("log")
    if path is None:
        return
    rest = b""
    for block in read_blocks(path, report):
        text = rest + block
        end = text.rfind(b"\n") + 1
        rest = text[end:][-MAX_LINE:]
        yield from filter(None, map(_note, _NOTE.finditer(text, 0, end)))


def _note(found: re.Match[bytes]) -> Note | None:
    """Return what a note says; None for words that only look like one."""
    try:
        at = parse_stamp(found["at"].decode())
    except ValueError:
        return None
    if found["gap"]:
        return Note(at, gap=True)
    if found["power"]:
        return Note(at, power=found["power"] == b"on")
    order = ORDERS.get(f"power_{found['order'].decode()}")
    return None if order is None else Note(at, order=order)
