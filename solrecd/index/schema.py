"""The tables of the index, the statements that use them, and rows to and from values.

A reader gets times as the contract's text, made in SQL (see the package).
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from solrecd.events import Boot, Event

SCHEMA_VERSION = 1
"""Any other version is set aside and rebuilt: cheaper than migrations for ever."""

APPLICATION_ID = 0x50_1E_EC_D0
"""Marks the file as ours (SQLite's ``application_id``)."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (
    console TEXT NOT NULL, name TEXT NOT NULL, boot INTEGER NOT NULL,
    part INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER,
    offset INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (console, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (
    console TEXT NOT NULL, boot INTEGER NOT NULL, started INTEGER NOT NULL,
    ended INTEGER, cause TEXT NOT NULL, outcome TEXT NOT NULL,
    last_stage TEXT NOT NULL, stages TEXT NOT NULL, kernel TEXT, cmdline TEXT,
    title TEXT, failures INTEGER NOT NULL, gaps INTEGER NOT NULL,
    bytes INTEGER NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (console, boot)) WITHOUT ROWID;
-- boot and line are 0 where an event has none: a key column cannot be NULL, and the
-- key makes the replay after a crash write nothing twice.
CREATE TABLE IF NOT EXISTS events (
    console TEXT NOT NULL, time INTEGER NOT NULL, boot INTEGER NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, line INTEGER NOT NULL,
    severity TEXT NOT NULL, title TEXT NOT NULL, signature TEXT,
    fields TEXT NOT NULL,
    PRIMARY KEY (console, time, kind, name, line)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS boots_started ON boots (started);
CREATE INDEX IF NOT EXISTS events_time ON events (time);
CREATE VIEW IF NOT EXISTS boot_objects AS SELECT console, boot,
    strftime('%Y-%m-%dT%H:%M:%S', started / 1000000, 'unixepoch')
        || printf('.%06dZ', started % 1000000) AS started,
    strftime('%Y-%m-%dT%H:%M:%S', ended / 1000000, 'unixepoch')
        || printf('.%06dZ', ended % 1000000) AS ended,
    cause, outcome, last_stage, stages, kernel, cmdline, title, failures, gaps,
    bytes, facts, started AS started_at FROM boots;
CREATE VIEW IF NOT EXISTS event_objects AS SELECT
    strftime('%Y-%m-%dT%H:%M:%S', time / 1000000, 'unixepoch')
        || printf('.%06dZ', time % 1000000) AS time,
    console, nullif(boot, 0) AS boot, kind, name, severity, title,
    nullif(line, 0) AS line, signature, fields, time AS at
    FROM events;
"""

PUT_BOOT = """INSERT INTO boots VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT DO UPDATE SET started = excluded.started, ended = excluded.ended,
    cause = excluded.cause, outcome = excluded.outcome,
    last_stage = excluded.last_stage, stages = excluded.stages,
    kernel = excluded.kernel, cmdline = excluded.cmdline, title = excluded.title,
    failures = excluded.failures, gaps = excluded.gaps, bytes = excluded.bytes,
    facts = excluded.facts"""

# A replay sees console bytes only: what was learned elsewhere (the power, sessions
# that were lost) is kept.
REPLACE_BOOT = (
    PUT_BOOT.replace("cause = excluded.cause", "cause = boots.cause")
    .replace("gaps = excluded.gaps", "gaps = max(boots.gaps, excluded.gaps)")
    .replace("started = excluded.started", "started = boots.started")
)
PUT_EVENT = "INSERT OR REPLACE INTO events VALUES (?,?,?,?,?,?,?,?,?,?)"
PUT_SEGMENT = "INSERT OR REPLACE INTO segments VALUES (?,?,?,?,?,?,?,?)"
FORGET_REPLAYED = """DELETE FROM events WHERE console = ? AND boot = ?
    AND kind IN ('stage', 'failure', 'stuck')"""
FORGET_SEGMENT = "DELETE FROM segments WHERE console = ? AND name = ?"
FORGET_SEGMENTS = "DELETE FROM segments WHERE console = ?"

_BOOTS = """SELECT console, boot, started, ended, cause, outcome, last_stage, stages,
    kernel, cmdline, title, failures, gaps, bytes, facts FROM boot_objects"""
_EVENTS = """SELECT time, console, boot, kind, name, severity, title, line, signature,
    fields, at FROM event_objects"""

_CONSOLES = "console IN (SELECT value FROM json_each(:consoles))"
_BOOT_FILTERS = {
    "consoles": _CONSOLES,
    "boot": "boot = :boot",
    "since": "started_at >= :since",
    "until": "started_at < :until",
    "kernel": "(kernel GLOB :kernel OR kernel GLOB :kernel || '[^0-9]*')",
    "outcomes": "outcome IN (SELECT value FROM json_each(:outcomes))",
}
_EVENT_FILTERS = {
    "consoles": _CONSOLES,
    "boot": "boot = :boot",
    "since": "at >= :since",
    "until": "at < :until",
    "kinds": "kind IN (SELECT value FROM json_each(:kinds))",
    "names": "EXISTS (SELECT 1 FROM json_each(:names) WHERE name GLOB value)",
}

# Statements are put together of the constants above; values are always parameters. A
# filter that is not asked for is left out: SQLite uses a key only where it is certain.


def select_boots(given: Container[str]) -> str:
    """Return what finds boots, oldest first.

    Args:
        given: names of the filters that have a value, and ``newest`` for only so many
            of each console, the last of those that fit.
    """
    found = _BOOTS + _where(_BOOT_FILTERS, given)
    if "newest" not in given:
        return found + " ORDER BY started_at, console"
    return f"""SELECT console, boot, started, ended, cause, outcome, last_stage, stages,
        kernel, cmdline, title, failures, gaps, bytes, facts FROM (
            SELECT *, row_number() OVER (PARTITION BY console ORDER BY boot DESC)
            AS rank FROM ({found}))
        WHERE rank <= :newest ORDER BY started, console"""  # noqa: S608


def select_events(given: Container[str]) -> str:
    """Return what finds events in order of time; see `select_boots`.

    ``newest`` counts events, of all consoles together.
    """
    found = _EVENTS + _where(_EVENT_FILTERS, given)
    if "newest" not in given:
        return found + " ORDER BY at, console"
    newest = f"{found} ORDER BY at DESC, console LIMIT :newest"
    return f"SELECT * FROM ({newest}) ORDER BY at, console"  # noqa: S608


def _where(filters: Mapping[str, str], given: Container[str]) -> str:
    chosen = [condition for name, condition in filters.items() if name in given]
    return f" WHERE {' AND '.join(chosen)}" if chosen else ""


LAST_READING = """SELECT max(time) FROM events WHERE console = ?
    AND kind IN ('stage', 'failure', 'stuck')"""
SEGMENTS = """SELECT console, name, boot, part, started, ended, offset, bytes
    FROM segments WHERE (:consoles IS NULL
        OR console IN (SELECT value FROM json_each(:consoles)))
    ORDER BY console, name"""


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


def boot_row(boot: Boot) -> tuple[object, ...]:
    """Return the row of ``boots``."""
    return (
        boot.console,
        boot.boot,
        boot.started,
        boot.ended,
        boot.cause,
        boot.outcome.value,
        boot.last_stage.value,
        json.dumps(dict(boot.stages)),
        boot.kernel,
        boot.cmdline,
        boot.title,
        boot.failures,
        boot.gaps,
        boot.bytes,
        json.dumps(dict(boot.facts)),
    )


def event_row(event: Event) -> tuple[object, ...]:
    """Return the row of ``events``."""
    return (
        event.console,
        event.time,
        event.boot or 0,
        event.kind.value,
        event.name,
        event.line or 0,
        event.severity.value,
        event.title,
        event.signature,
        json.dumps(dict(event.fields)),
    )


def boot_value(found: Mapping[str, Any]) -> Boot:
    """Return the boot of an object that `BOOTS` found."""
    # Imported here because only the daemon needs it: see the package's docstring.
    from solrecd.events import Boot, Outcome, Stage  # noqa: PLC0415
    from solrecd.stamps import parse_stamp  # noqa: PLC0415

    ended = found["ended"]
    return Boot(
        **{
            **found,
            "started": parse_stamp(found["started"]),
            "ended": None if ended is None else parse_stamp(ended),
            "outcome": Outcome(found["outcome"]),
            "last_stage": Stage(found["last_stage"]),
        }
    )
