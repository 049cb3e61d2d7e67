"""The statements that find boots and events, and rows as the contract's objects.

Statements are put together of constants; values are always parameters. A filter that
is not asked for is left out, and CROSS JOIN keeps the order of the tables: SQLite uses
a key only where it is certain.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from operator import itemgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from solrecd.storage.index.schema import REACHED, REPLAYED, STAGES

if TYPE_CHECKING:
    from solrecd.events.boots import Boot

Value = TypeVar("Value")
Object = dict[str, Any]
"""One of the contract's JSON objects."""

_CONSOLES = "consoles.name IN (SELECT value FROM json_each(:consoles))"
_BOOT_FILTERS = {
    "consoles": _CONSOLES,
    "boot": "boot = :boot",
    "since": "started >= :since",
    "until": "started < :until",
    "kernel": "(kernel GLOB :kernel OR kernel GLOB :kernel || '[^0-9]*')",
    "outcomes": "outcome IN (SELECT value FROM json_each(:outcomes))",
}
_EVENT_FILTERS = {
    "consoles": _CONSOLES,
    "boot": "boot = :boot",
    "since": "time >= :since",
    "until": "time < :until",
    "kinds": "kind IN (SELECT value FROM json_each(:kinds))",
    "names": "EXISTS (SELECT 1 FROM json_each(:names) WHERE sorts.name GLOB value)",
}


def _time(column: str) -> str:
    """Return what makes the contract's text of a stamp."""
    return (
        f"strftime('%Y-%m-%dT%H:%M:%S.', {column} / 1000000, 'unixepoch')"
        f" || substr({column} % 1000000 + 1000000, 2) || 'Z'"
    )


_BOOT_COLUMNS = f"""name AS console, boot, {_time("started")} AS started,
    {_time("ended")} AS ended, cause, outcome, last_stage, NULL AS stages, kernel,
    cmdlines.text AS cmdline, titles.text AS title, failures, gaps, bytes,
    facts.text AS facts, {", ".join(REACHED)}"""
_BOOTS = """found LEFT JOIN texts AS cmdlines ON cmdlines.id = found.cmdline
    LEFT JOIN texts AS titles ON titles.id = found.title
    LEFT JOIN texts AS facts ON facts.id = found.facts"""
_EVENTS = f"""SELECT {_time("time")} AS time, console_name AS console,
    nullif(boot, 0) AS boot, kind, name, NULL AS severity, titles.text AS title,
    nullif(line, 0) AS line, NULL AS signature, NULL AS fields, details.text AS detail,
    numbers
    FROM found CROSS JOIN texts AS titles ON titles.id = found.title
    CROSS JOIN texts AS details ON details.id = found.detail"""  # noqa: S608


def select_boots(given: Container[str], columns: str = _BOOT_COLUMNS) -> str:
    """Return what finds boots, oldest first.

    Args:
        given: names of the filters that have a value, and ``newest`` for only so many
            of each console, the last of those that fit.
        columns: what of them; as `boot_objects` reads it, or a `boot_line`.
    """
    rank = "row_number() OVER (PARTITION BY console ORDER BY boot DESC)"
    newest = "newest" in given
    return f"""WITH found AS (SELECT name, boots.*{f", {rank} AS rank" * newest}
        FROM consoles CROSS JOIN boots ON console = consoles.id
        {_where(_BOOT_FILTERS, given)})
        SELECT {columns} FROM {_BOOTS}{" WHERE rank <= :newest" * newest}
        ORDER BY found.started, name"""  # noqa: S608


def boot_line(keys: Iterable[str]) -> str:
    """Return what makes one text of a boot: its values, with tabs between them.

    A script that lists boots gets them as SQLite puts them together: objects, and their
    texts in Python, would take twice as long.

    Args:
        keys: of `BOOT_KEYS`; ``stages.kernel``: seconds to that stage, to a tenth.
    """
    return " || char(9) || ".join(_LINE[key] for key in keys)


def _printed(column: str) -> str:
    """Return what makes one cell of a text that a console may have printed."""
    return f"replace(ifnull({column}, ''), char(9), '\\x09')"


_LINE: Mapping[str, str] = {
    "console": "name",
    "boot": "boot",
    "started": _time("found.started"),
    "ended": f"ifnull({_time('found.ended')}, '')",
    "cause": "cause",
    "outcome": "outcome",
    "last_stage": "last_stage",
    "kernel": _printed("kernel"),
    "cmdline": _printed("cmdlines.text"),
    "title": _printed("titles.text"),
    "failures": "failures",
    "gaps": "gaps",
    "bytes": "bytes",
    **{
        f"stages.{stage}": f"iif({column} IS NULL, '', printf('%.1f', {column} / 1e6))"
        for stage, column in zip(STAGES, REACHED, strict=True)
    },
}


def select_events(given: Container[str]) -> str:
    """Return what finds events in order of time; see `select_boots`.

    ``newest`` counts events, of all consoles together.
    """
    # What came in one packet has one time: the line tells what was printed first.
    last_first = "time DESC, consoles.name DESC, boot DESC, line DESC"
    newest = f" ORDER BY {last_first} LIMIT :newest"
    return f"""WITH found AS (
        SELECT consoles.name AS console_name, kind, sorts.name AS name, events.*
        FROM consoles CROSS JOIN events ON console = consoles.id
        CROSS JOIN sorts ON sorts.id = sort
        {_where(_EVENT_FILTERS, given)}{newest * ("newest" in given)})
        {_EVENTS} ORDER BY found.time, console_name, found.boot,
        found.line"""  # noqa: S608


def _where(filters: Mapping[str, str], given: Container[str]) -> str:
    chosen = [condition for name, condition in filters.items() if name in given]
    return f" WHERE {' AND '.join(chosen)}" if chosen else ""


CONSOLES = """SELECT name FROM consoles
    WHERE EXISTS (SELECT 1 FROM boots WHERE console = consoles.id)
    OR EXISTS (SELECT 1 FROM events WHERE console = consoles.id) ORDER BY name"""
LAST_READING = f"""SELECT time FROM consoles
    CROSS JOIN events ON console = consoles.id
    WHERE name = ? AND sort IN ({REPLAYED}) ORDER BY time DESC LIMIT 1"""  # noqa: S608
SEGMENTS = """SELECT console, name, boot, part, started, ended, offset, bytes
    FROM segments WHERE (:consoles IS NULL
        OR console IN (SELECT value FROM json_each(:consoles)))
    ORDER BY console, name"""

BOOT_KEYS = (
    "console",
    "boot",
    "started",
    "ended",
    "cause",
    "outcome",
    "last_stage",
    "stages",
    "kernel",
    "cmdline",
    "title",
    "failures",
    "gaps",
    "bytes",
    "facts",
)
"""Of a boot object; the columns of what finds boots begin with them."""

EVENT_KEYS = (
    "time",
    "console",
    "boot",
    "kind",
    "name",
    "severity",
    "title",
    "line",
    "signature",
    "fields",
)
"""Likewise of an event object."""


def boot_objects(rows: Iterable[tuple[Any, ...]]) -> Iterator[Object]:
    """Yield the contract's boot objects."""
    width = len(BOOT_KEYS)
    for row in rows:
        found = dict(zip(BOOT_KEYS, row, strict=False))
        found["stages"] = _stages(row[width:])
        facts = found["facts"]
        found["facts"] = {} if facts is None else dict(_parsed(facts))
        yield found


def event_objects(rows: Iterable[tuple[Any, ...]]) -> Iterator[Object]:
    """Yield the contract's event objects."""
    for *row, detail, numbers in rows:
        found = dict(zip(EVENT_KEYS, row, strict=True))
        severity, signature, fields = _parsed(detail)
        found["severity"], found["signature"] = severity, signature
        found["fields"] = _put_together(fields, found["title"], numbers)
        yield found


def _stages(reached: Iterable[int | None]) -> dict[str, float]:
    """Return seconds to each stage, in the order in which they were entered."""
    found = [
        (stage, at / 1e6)
        for stage, at in zip(STAGES, reached, strict=True)
        if at is not None
    ]
    return dict(sorted(found, key=_BY_SECONDS))


_BY_SECONDS: Callable[[tuple[str, float]], float] = itemgetter(1)


def _put_together(
    fields: Mapping[str, Any], title: str, numbers: str | None
) -> dict[str, Any]:
    """Return fields with their numbers, and the title, in their places again."""
    found = {k: title if v == [] else v for k, v in fields.items()}
    if numbers is not None:
        left = iter(json.loads(numbers))
        found = {k: next(left) if v is None else v for k, v in found.items()}
    return found


# Few texts stand for many rows. What comes back is shared: it must not be changed.
@functools.lru_cache(maxsize=1024)
def _parsed(text: str) -> Any:
    return json.loads(text)


STRANGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What reading a row raises whose values make no sense."""


def boot_value(found: Mapping[str, Any]) -> Boot:
    """Return the boot of an object that `boot_objects` yielded.

    An outcome or a stage of a later version counts as unknown.

    Raises:
        STRANGE: a value is none that was ever written.
    """
    # Imported here because only the daemon needs it: see the package's docstring.
    from solrecd.events.boots import Boot, Outcome  # noqa: PLC0415
    from solrecd.events.stages import Stage  # noqa: PLC0415
    from solrecd.process.stamps import parse_stamp  # noqa: PLC0415

    _check_kinds(found)
    ended = found["ended"]
    outcomes, stages = Outcome.__members__.values(), Stage.__members__.values()
    return Boot(
        **{
            **found,
            "started": parse_stamp(found["started"]),
            "ended": None if ended is None else parse_stamp(ended),
            "outcome": _one_of(outcomes, found["outcome"], Outcome.UNKNOWN),
            "last_stage": _one_of(stages, found["last_stage"], Stage.UNKNOWN),
        }
    )


_KINDS: Mapping[type | tuple[type, ...], tuple[str, ...]] = {
    int: ("boot", "failures", "gaps", "bytes"),
    str: ("console", "started", "cause", "outcome", "last_stage"),
    (str, NoneType): ("ended", "kernel", "cmdline", "title"),
}


def _check_kinds(found: Mapping[str, Any]) -> None:
    """Raise `TypeError` where a value of a boot is of a kind that it never had."""
    for kind, keys in _KINDS.items():
        for key in keys:
            if not isinstance(found[key], kind):
                raise TypeError(f"{key}: {found[key]!r}")


def _one_of(known: Iterable[Value], value: str, otherwise: Value) -> Value:
    return next((each for each in known if each == value), otherwise)
