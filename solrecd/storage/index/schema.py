"""The tables of the index, and what is written into them.

What repeats is kept once: consoles, sorts of events and texts (titles, command lines,
what a marker read) are numbers in the rows of boots and events. A boot with its events
takes about a kilobyte, a fiftieth of its compressed segments.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from solrecd.events.stages import Stage

if TYPE_CHECKING:
    from solrecd.events.boots import Boot
    from solrecd.events.event import Event

SCHEMA_VERSION = 2
"""Any other version is set aside and rebuilt: cheaper than endless migrations."""

APPLICATION_ID = 0x50_1E_EC_D0
"""Marks the file as ours (SQLite's ``application_id``)."""

STAGES = tuple(stage.value for stage in Stage)
"""The stages in the order of a boot."""

REACHED = tuple(f"{stage}_after" for stage in STAGES)
"""Columns: microseconds from a boot's start to its first entry into each stage."""

REPLAYED = "SELECT id FROM sorts WHERE kind IN ('stage', 'failure', 'stuck')"
"""The sorts of events that are read in a console's output."""

SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE consoles (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE sorts (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (kind, name));
-- A key on the text itself would hold every text a second time.
CREATE TABLE texts (
    id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX texts_hash ON texts (hash);
CREATE TABLE segments (
    console TEXT NOT NULL, name TEXT NOT NULL, boot INTEGER NOT NULL,
    part INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER,
    offset INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (console, name)) WITHOUT ROWID;
-- cmdline, title and facts are texts, or NULL. Nothing is sorted by time: a question
-- names its consoles, and the rows of each lie in order.
CREATE TABLE boots (
    console INTEGER NOT NULL, boot INTEGER NOT NULL, started INTEGER NOT NULL,
    ended INTEGER, cause TEXT NOT NULL, outcome TEXT NOT NULL,
    last_stage TEXT NOT NULL, kernel TEXT, cmdline INTEGER, title INTEGER,
    failures INTEGER NOT NULL, gaps INTEGER NOT NULL, bytes INTEGER NOT NULL,
    facts INTEGER, {", ".join(f"{column} INTEGER" for column in REACHED)},
    PRIMARY KEY (console, boot)) WITHOUT ROWID;
-- boot and line are 0 where an event has none: a key column cannot be NULL, and the
-- key makes the replay after a crash write nothing twice. title and detail are texts.
CREATE TABLE events (
    console INTEGER NOT NULL, time INTEGER NOT NULL, sort INTEGER NOT NULL,
    line INTEGER NOT NULL, boot INTEGER NOT NULL, title INTEGER NOT NULL,
    detail INTEGER NOT NULL, numbers TEXT,
    PRIMARY KEY (console, time, sort, line)) WITHOUT ROWID;
"""


class SegmentRow(NamedTuple):
    """One segment of a console's stream; ``ended`` None while it is open."""

    console: str
    name: str
    """File name without ``.log``, ``.raw`` ... and without ``.zst``."""
    boot: int
    part: int
    started: int
    """Stamp."""
    ended: int | None
    offset: int
    """Stream offset of its first byte."""
    bytes: int


class Batch(NamedTuple):
    """Rows to be written in one transaction."""

    boots: Collection[Boot] = ()
    events: Collection[Event] = ()
    segments: Collection[SegmentRow] = ()
    removed: Collection[tuple[str, str]] = ()
    """Console and name of segments that are no more."""
