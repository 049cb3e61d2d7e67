"""Whether the values of an index make sense: SQLite keeps anything in any column.

A damaged page that still is a page, or an index that another program has changed, has
all its tables and passes SQLite's own check. Each statement finds a row that cannot be
read back as it was written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from solrecd.process.stamps import END_OF_TIME
from solrecd.storage.index.schema import REACHED

_LONGEST = 64
"""Characters of a damaged value that are told."""


def _any_of(*conditions: str) -> str:
    return " OR ".join(conditions)


def _is_no_number(*columns: str) -> str:
    return _any_of(*(f"typeof({column}) <> 'integer'" for column in columns))


def _is_no_count(*columns: str) -> str:
    return _any_of(_is_no_number(*columns), *(f"{column} < 0" for column in columns))


def _is_no_text(*columns: str) -> str:
    return _any_of(*(f"typeof({column}) <> 'text'" for column in columns))


def _is_given(column: str, condition: str) -> str:
    return f"({column} IS NOT NULL AND ({condition}))"


def _is_no_stamp(column: str) -> str:
    bounds = f"{column} NOT BETWEEN 0 AND {END_OF_TIME - 1}"
    return f"{_is_no_number(column)} OR {bounds}"


def _is_unknown(column: str, table: str) -> str:
    return f"{column} NOT IN (SELECT id FROM {table})"  # noqa: S608 - constants


def _is_no_json(column: str, kind: str) -> str:
    # CASE: json_type raises where the text is not JSON, and OR is not always in order.
    return (
        f"CASE WHEN json_valid({column}) THEN json_type({column}) <> '{kind}'"
        " ELSE 1 END"
    )


_STRANGE = {
    "meta": _is_no_number("value"),
    "consoles": _is_no_text("name"),
    "sorts": _is_no_text("kind", "name"),
    "texts": _any_of(_is_no_text("text"), _is_no_number("hash")),
    "segments": _any_of(
        _is_no_text("console", "name"),
        _is_no_count("boot", "part", "offset", "bytes"),
        _is_no_stamp("started"),
        _is_given("ended", _is_no_stamp("ended")),
    ),
    "boots": _any_of(
        _is_no_count("boot", "failures", "gaps", "bytes"),
        _is_no_stamp("started"),
        _is_given("ended", _is_no_stamp("ended")),
        _is_no_text("cause", "outcome", "last_stage"),
        _is_given("kernel", _is_no_text("kernel")),
        *(_is_given(column, _is_no_number(column)) for column in REACHED),
        _is_unknown("console", "consoles"),
        *(
            _is_given(column, _is_unknown(column, "texts"))
            for column in ("cmdline", "title", "facts")
        ),
    ),
    "texts WHERE id IN (SELECT facts FROM boots) AND": _is_no_json("text", "object"),
    "texts WHERE id IN (SELECT detail FROM events) AND": _is_no_json("text", "array"),
    "events": _any_of(
        _is_no_stamp("time"),
        _is_no_count("line", "boot"),
        _is_unknown("console", "consoles"),
        _is_unknown("sort", "sorts"),
        _is_unknown("title", "texts"),
        _is_unknown("detail", "texts"),
        _is_given("numbers", _is_no_json("numbers", "array")),
    ),
}
"""By table (or part of one): the condition that no row of it may meet."""


def faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what is strange in an index, one line each.

    Raises:
        sqlite3.Error: a table or a column is missing, or a page cannot be read.
    """
    for place, condition in _STRANGE.items():
        joint = "" if place.endswith("AND") else " WHERE"
        statement = f"SELECT * FROM {place}{joint} ({condition}) LIMIT 1"  # noqa: S608
        row = connection.execute(statement).fetchone()
        if row is not None:
            yield f"{place.partition(' ')[0]}: strange row {str(row)[:_LONGEST]}"
