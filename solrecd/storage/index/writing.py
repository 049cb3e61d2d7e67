"""Boots and events as rows, and the statements that write them.

An event's text fields, with its severity and signature, are one text: events of the
same sort mostly differ in numbers only, which stand in the row.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from solrecd.storage.index.schema import REACHED, REPLAYED, STAGES, Batch

if TYPE_CHECKING:
    import sqlite3

    from solrecd.events.boots import Boot
    from solrecd.events.event import Event

Row = dict[str, Any]
"""Values of a statement's parameters."""

MICROSECONDS = 1_000_000
"""In a second."""

NUMBER = None
"""Stands in an event's fields for the next number of its row."""

TITLE: tuple[()] = ()
"""Stands in an event's fields for its title, which failures repeat as a field."""


def _text(name: str) -> str:
    """Return what finds the number of a text."""
    return f"(SELECT id FROM texts WHERE hash = :{name}_hash AND text = :{name})"  # noqa: S608


_CONSOLE = "(SELECT id FROM consoles WHERE name = :console)"
_BOOT_VALUES = {
    "started": ":started",
    "ended": ":ended",
    "cause": ":cause",
    "outcome": ":outcome",
    "last_stage": ":last_stage",
    "kernel": ":kernel",
    "cmdline": _text("cmdline"),
    "title": _text("title"),
    "failures": ":failures",
    "gaps": ":gaps",
    "bytes": ":bytes",
    "facts": _text("facts"),
    **{column: f":{column}" for column in REACHED},
}


def _put_boot(kept: Mapping[str, str]) -> str:
    """Return what writes a boot.

    Args:
        kept: columns that a row that is there decides on, and how.
    """
    columns, values = ", ".join(_BOOT_VALUES), ", ".join(_BOOT_VALUES.values())
    new = {column: f"excluded.{column}" for column in _BOOT_VALUES} | dict(kept)
    changes = ", ".join(f"{column} = {value}" for column, value in new.items())
    return (
        f"INSERT INTO boots (console, boot, {columns})"  # noqa: S608 - constants
        f" VALUES ({_CONSOLE}, :boot, {values}) ON CONFLICT DO UPDATE SET {changes}"
    )


PUT_CONSOLE = "INSERT OR IGNORE INTO consoles (name) VALUES (:console)"
PUT_SORT = "INSERT OR IGNORE INTO sorts (kind, name) VALUES (:kind, :name)"
PUT_TEXT = """INSERT INTO texts (hash, text) SELECT :hash, :text
    WHERE NOT EXISTS (SELECT 1 FROM texts WHERE hash = :hash AND text = :text)"""
PUT_BOOT = _put_boot({})
# A replay sees console bytes only: what was learned elsewhere (the power, sessions
# that were lost) is kept.
REPLACE_BOOT = _put_boot(
    {
        "cause": "boots.cause",
        "gaps": "max(boots.gaps, excluded.gaps)",
        "started": "boots.started",
    }
)
PUT_EVENT = f"""INSERT OR REPLACE INTO events VALUES ({_CONSOLE}, :time,
    (SELECT id FROM sorts WHERE kind = :kind AND name = :name), :line, :boot,
    {_text("title")}, {_text("detail")}, :numbers)"""  # noqa: S608 - constants
PUT_SEGMENT = "INSERT OR REPLACE INTO segments VALUES (?,?,?,?,?,?,?,?)"
FORGET_REPLAYED = f"""DELETE FROM events
    WHERE console = {_CONSOLE} AND boot = :boot AND sort IN ({REPLAYED})"""  # noqa: S608
# Segments go oldest first: with one goes all that lies before its end. Rows of boots
# stay: they are few, and what a machine normally needs is learned from them.
FORGET_EVENTS = """DELETE FROM events
    WHERE console = (SELECT id FROM consoles WHERE name = :console) AND time <= (
        SELECT coalesce(ended, started) FROM segments
        WHERE console = :console AND name = :segment)
    """
FORGET_TEXTS = """DELETE FROM texts WHERE id NOT IN (
    SELECT title FROM events UNION SELECT detail FROM events
    UNION SELECT cmdline FROM boots WHERE cmdline NOT NULL
    UNION SELECT title FROM boots WHERE title NOT NULL
    UNION SELECT facts FROM boots WHERE facts NOT NULL)"""
FORGET_SEGMENT = "DELETE FROM segments WHERE console = ? AND name = ?"
FORGET_SEGMENTS = "DELETE FROM segments WHERE console = ?"


def put(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write rows; one of the same key is replaced."""
    _put(connection, batch, PUT_BOOT)


def replace(
    connection: sqlite3.Connection,
    console: str,
    boots: Iterable[int],
    batch: Batch,
) -> None:
    """Write what a replay of these boots found in place of what was there."""
    replayed = ({"console": console, "boot": boot} for boot in boots)
    connection.executemany(FORGET_REPLAYED, replayed)
    connection.execute(FORGET_SEGMENTS, (console,))
    _put(connection, batch, REPLACE_BOOT)


def _put(connection: sqlite3.Connection, batch: Batch, put_boot: str) -> None:
    boots = [boot_row(boot) for boot in batch.boots]
    events = [event_row(event) for event in batch.events]
    rows = [*boots, *events]
    connection.executemany(PUT_CONSOLE, rows)
    connection.executemany(PUT_SORT, events)
    found = dict.fromkeys(each for row in rows for each in texts(row))
    connection.executemany(
        PUT_TEXT, [{"hash": hash_, "text": text} for hash_, text in found]
    )
    connection.executemany(put_boot, boots)
    connection.executemany(PUT_EVENT, events)
    connection.executemany(PUT_SEGMENT, batch.segments)
    _forget(connection, batch.removed)


def _forget(
    connection: sqlite3.Connection, removed: Collection[tuple[str, str]]
) -> None:
    """Remove segments that are no more, and the events of their time."""
    if not removed:
        return
    of = [{"console": console, "segment": segment} for console, segment in removed]
    if connection.executemany(FORGET_EVENTS, of).rowcount > 0:
        connection.execute(FORGET_TEXTS)
    connection.executemany(FORGET_SEGMENT, removed)


def boot_row(boot: Boot) -> Row:
    """Return the parameters of what writes a boot."""
    reached = zip(REACHED, map(boot.stages.get, STAGES), strict=True)
    return {
        "console": boot.console,
        "boot": boot.boot,
        "started": boot.started,
        "ended": boot.ended,
        "cause": boot.cause,
        "outcome": boot.outcome.value,
        "last_stage": boot.last_stage.value,
        "kernel": boot.kernel,
        "failures": boot.failures,
        "gaps": boot.gaps,
        "bytes": boot.bytes,
        **_hashed("cmdline", boot.cmdline),
        **_hashed("title", boot.title),
        **_hashed("facts", _json(dict(boot.facts)) if boot.facts else None),
        **{column: _microseconds(seconds) for column, seconds in reached},
    }


def event_row(event: Event) -> Row:
    """Return the parameters of what writes an event."""
    fields, numbers = _taken_apart(event)
    detail = _json([event.severity.value, event.signature, fields])
    return {
        "console": event.console,
        "time": event.time,
        "boot": event.boot or 0,
        "kind": event.kind.value,
        "name": event.name,
        "line": event.line or 0,
        "numbers": _json(numbers) if numbers else None,
        **_hashed("title", event.title),
        **_hashed("detail", detail),
    }


def texts(row: Row) -> Iterator[tuple[int, str]]:
    """Yield the texts of a row, each after its hash."""
    for name in ("title", "cmdline", "facts", "detail"):
        text = row.get(name)
        if text is not None:
            yield row[f"{name}_hash"], text


def _taken_apart(event: Event) -> tuple[dict[str, Any], list[int | float]]:
    """Return an event's fields with marks where its numbers and its title stood."""
    fields: dict[str, Any] = dict(event.fields)
    numbers: list[int | float] = []
    for name, value in fields.items():
        if value == event.title:
            fields[name] = TITLE
        # A bool is an int, too.
        elif type(value) in {int, float}:
            fields[name] = NUMBER
            numbers.append(value)
    return fields, numbers


def _hashed(name: str, text: str | None) -> Row:
    code = None if text is None else zlib.crc32(text.encode("utf-8", "surrogatepass"))
    return {name: text, f"{name}_hash": code}


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * MICROSECONDS)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
