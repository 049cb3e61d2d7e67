"""The keys that all ``[alerts.NAME]`` tables have; each kind has more of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from solrecd.config import alert_values as v
from solrecd.config.alerts import ReceiverConfig, Selection
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.kinds import Kinds
from solrecd.config.values import choice, duration, integer, off_or, one_of
from solrecd.events.event import Kind, Severity

_DAY = 24 * 3600.0

SELECTING: Final[Schema] = {
    "kinds": Key(
        v.list_of(choice(Kind), '["failure", "stuck"]', minimum=1),
        "The kinds of events that it receives.",
    ),
    "names": Key(
        v.one_or_more(v.word, '["panic", "oops*"]'),
        "The names of events that it receives, as globs; every name where it is not"
        " set.",
        example=["panic", "oops*"],
    ),
    "severity": Key(
        choice(Severity), "The lowest severity of events that it receives."
    ),
    "consoles": Key(
        v.one_or_more(v.word, '["node[001-128]", "gpu*"]'),
        "The consoles whose events it receives, as host ranges and globs; every console"
        " where it is not set.",
        example=["node[001-128]", "gpu*"],
    ),
    "match": Key(
        v.patterns,
        "It receives events of consoles whose labels match all of these globs.",
        example={"rack": "r1*"},
    ),
}
"""Which events a receiver selects: the fields of `Selection`."""

NOTIFYING: Final[Schema] = {
    "damping": Key(
        off_or(duration(1, _DAY)),
        "The same signature (or name) on the same console is sent once in this time,"
        " together with how many were held back. At most 16 different ones of a console"
        " are sent in this time.",
    ),
    "resolve_after": Key(
        duration(60, 30 * _DAY),
        "How long after its last event an alert is resolved that has no end of its own."
        " A failure is also resolved by the next good boot.",
    ),
    "excerpt": Key(
        off_or(integer(1, 200)),
        "Lines of the console before the event that are sent with it and those after"
        " it, at most 4 KiB together.",
    ),
    "labels": Key(
        v.extra_labels,
        "Labels that every alert gets, beside those of its console.",
        example={"site": "hall2"},
    ),
    "runbook": Key(
        v.template("name", "kind"),
        "Where people read what to do; `{name}` and `{kind}` of the event expand in"
        " it.",
        example="https://wiki.example.net/consoles/{name}",
    ),
    "link": Key(
        v.template("console", "boot"),
        "Where people see the console; `{console}` and `{boot}` expand in it.",
        example="https://consoles.example.net/{console}",
    ),
}
"""How it is notified: fields of `ReceiverConfig`."""


def keys_of(name: str, kinds: Kinds) -> Schema:
    """Return all keys of a receiver of that kind."""
    return {**_common(kinds), **kinds[name].keys}


def alerts_tables(kinds: Kinds) -> Iterator[TableSchema]:
    """Yield what all receivers have in common, and what each kind has of its own."""
    yield TableSchema(
        path=("alerts", "NAME"),
        keys=_common(kinds),
        defaults={**defaults_of(ReceiverConfig), **defaults_of(Selection)},
        help="Receivers that solrecd notifies directly, without a scrape: any number of"
        " them, each with a name. `packaging/docs/alerts.md`"
        " has what they are sent. A reload applies changes. All types have these keys;"
        " those of each type follow.",
    )
    for kind in kinds.values():
        chosen = Key(
            one_of((kind.name,)), "Required for receivers of this type.", kind.name
        )
        yield TableSchema(
            path=("alerts", f"MY-{kind.name.upper()}"),
            keys={"type": chosen, **kind.keys},
            defaults=kind.defaults,
            help=kind.help,
        )


def _common(kinds: Kinds) -> Schema:
    return {"type": _type_key(kinds), **SELECTING, **NOTIFYING}


def _type_key(kinds: Kinds) -> Key:
    example = next(iter(kinds), None)
    return Key(one_of(tuple(kinds)), "What kind of receiver it is.", example)
