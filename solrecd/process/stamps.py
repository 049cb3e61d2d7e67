"""Wall-clock times: ``int`` microseconds since the epoch, UTC, and their text.

A float cannot hold a microsecond of today exactly, and archives are compared byte by
byte. A module of its own, because the vocabulary takes half as long to import as
`solrecctl` has to start.
"""

from __future__ import annotations

import datetime as dt
import re

SECOND = 1_000_000
"""Microseconds."""

END_OF_TIME = 253_402_300_800 * SECOND
"""The year 10000: no stamp from there on has a text."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def format_stamp(stamp: int) -> str:
    """Return a stamp as RFC 3339 UTC, ``2026-11-22T12:00:05.123456Z``."""
    moment = _EPOCH + dt.timedelta(microseconds=stamp)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> int:
    """Return the stamp that `format_stamp` wrote.

    Raises:
        ValueError: the text is not of that form.
    """
    # Twenty times as fast as strptime, and an archive has tens of thousands of names;
    # fromisoformat takes other forms, too, which are ruled out here.
    if not _FORM.fullmatch(text):
        raise ValueError(f"{text!r} is not a time stamp")
    return (dt.datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
