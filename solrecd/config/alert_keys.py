"""Which keys an ``[alerts.NAME]`` table has, by its type; `alerts` has defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from solrecd.config import alert_values as v
from solrecd.config.alerts import (
    Alertmanager,
    Hook,
    Http,
    ReceiverConfig,
    Selection,
    Webhook,
)
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.values import (
    absolute_path,
    boolean,
    choice,
    duration,
    integer,
    off_or,
    refusal,
    size,
    text,
)
from solrecd.events import Kind, Severity

SECRET_MAX: Final = 4096
"""Bytes of a token, a password or a key."""

_HOUR = 3600.0
_DAY = 24 * _HOUR
_MIB = 1024 * 1024

_secret = text(min_bytes=1, max_bytes=SECRET_MAX, hidden=True)
_credential = text(min_bytes=1, max_bytes=255)


def _secret_keys(key: str, what: str, example: str) -> dict[str, Key]:
    """Return the three keys of which one gives a secret."""
    return {
        f"{key}_credential": Key(
            _credential,
            f"{what} is the systemd credential of this name, from `LoadCredential=` of"
            " the unit.",
            example=f"alerts-{key}",
        ),
        f"{key}_file": Key(
            absolute_path,
            f"{what} is in this file, which no other user may read (mode 0600).",
            example=f"/etc/solrecd/alerts.{key}",
        ),
        key: Key(
            _secret,
            f"{what} itself, in a file of mode 0600. `{key}_credential` or"
            f" `{key}_file` is better.",
            example=example,
        ),
    }


_SELECTING: Final[dict[str, Key]] = {
    "kinds": Key(
        v.list_of(choice(Kind), '["failure", "stuck"]', minimum=1),
        "The kinds of events that it hears of.",
    ),
    "names": Key(
        v.one_or_more(v.word, '["panic", "oops*"]'),
        "The names of events that it hears of, as globs; every name where it is not"
        " set.",
        example=["panic", "oops*"],
    ),
    "severity": Key(
        choice(Severity), "It hears of events that are this severe, or more."
    ),
    "consoles": Key(
        v.one_or_more(v.word, '["node[001-128]", "gpu*"]'),
        "The consoles that it hears of, as host ranges and globs; every console where"
        " it is not set.",
        example=["node[001-128]", "gpu*"],
    ),
    "match": Key(
        v.patterns,
        "It hears of consoles whose labels match all of these globs.",
        example={"rack": "r1*"},
    ),
}

_TELLING: Final[dict[str, Key]] = {
    "damping": Key(
        off_or(duration(1, _DAY)),
        "The same signature (or name) on the same console is told once in this time,"
        " together with how many were held back. A console has 16 different things to"
        " tell in it at most.",
    ),
    "resolve_after": Key(
        duration(60, 30 * _DAY),
        "When an alert is over that nothing ends by itself: so long after its last"
        " event. A failure is over with the next good boot, too.",
    ),
    "excerpt": Key(
        off_or(integer(1, 200)),
        "Lines of the console from before the event that go with it and what came"
        " after it, 4 KiB together at most.",
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

_TIMEOUT: Final[dict[str, Key]] = {
    "timeout": Key(
        duration(0.1, _HOUR),
        "How long an exchange with a server may take, or a program: it is killed then,"
        " with all its children.",
    ),
}

HTTP_KEYS: Final[dict[str, Key]] = {
    "ca_file": Key(
        absolute_path,
        "Certificates (PEM) that vouch for the server, instead of the system's.",
        example="/etc/solrecd/ca.pem",
    ),
    "proxy": Key(
        v.base_url,
        "The proxy to go through. What the environment says of proxies counts for"
        " nothing.",
        example="http://proxy.example.net:3128",
    ),
    "username": Key(
        text(min_bytes=1, max_bytes=255),
        "The account on the server (basic authentication).",
        example="solrecd",
    ),
    **_secret_keys("password", "The password of that account", "secret"),
    **_secret_keys("token", "The server's bearer token", "secret"),
}

_ALERTMANAGER: Final[dict[str, Key]] = {
    "urls": Key(
        v.one_or_more(v.base_url, '["http://127.0.0.1:9093"]'),
        "The Alertmanagers (type `alertmanager`). Each of them gets every alert, as"
        " Prometheus does it.",
        example=["http://127.0.0.1:9093"],
    ),
    "resend": Key(
        duration(1, _HOUR),
        "How often an Alertmanager is told of an alert that goes on. When it has not"
        " been for four times as long, it takes the alert for over.",
    ),
}

_RESOLVED: Final[dict[str, Key]] = {
    "send_resolved": Key(
        boolean,
        "Whether a webhook or a program (types `webhook`, `exec`) is told as well when"
        " an alert is over.",
    ),
}

_WEBHOOK: Final[dict[str, Key]] = {
    "url": Key(
        v.url,
        "Where a webhook (type `webhook`) takes JSON by POST.",
        example="https://hooks.example.net/solrecd",
    ),
    **_secret_keys(
        "secret", "The key that a webhook's requests are signed with", "key"
    ),
    "queue_size": Key(
        size(64 * 1024, 1024 * _MIB),
        "What waits for a webhook that does not answer is kept in `state_dir`, up to"
        " this size; then the oldest is dropped, and counted.",
    ),
}

_EXEC: Final[dict[str, Key]] = {
    "command": Key(
        v.command,
        "The program that is started for each alert (type `exec`), and its arguments;"
        " no shell reads them. It has the JSON on its standard input.",
        example=["/usr/local/bin/page", "--now"],
    ),
    "concurrency": Key(
        integer(1, 64),
        "How many of these programs may run at the same time; those of one console run"
        " one after the other.",
    ),
}

_COMMON: Final = _SELECTING | _TELLING | _TIMEOUT

TYPES: Final[Mapping[str, Mapping[str, Key]]] = MappingProxyType(
    {
        "alertmanager": _ALERTMANAGER | _COMMON | HTTP_KEYS,
        "webhook": _WEBHOOK | _RESOLVED | _COMMON | HTTP_KEYS,
        "exec": _EXEC | _RESOLVED | _COMMON,
    }
)
"""The keys of each type of receiver, beside ``type``."""

REQUIRED: Final = MappingProxyType(
    {"alertmanager": "urls", "webhook": "url", "exec": "command"}
)
"""What a receiver of a type cannot do without."""


def _type(value: object) -> str:
    """Return the type of a receiver.

    Raises:
        ValueError: there is no such type.
    """
    if isinstance(value, str) and value in TYPES:
        return value
    raise refusal(value, ", ".join(f'"{name}"' for name in TYPES))


_TYPE: Final[dict[str, Key]] = {
    "type": Key(
        _type,
        "What kind of receiver it is: Prometheus Alertmanagers, a server of your own,"
        " or a program.",
        example="alertmanager",
    ),
}


def keys_of(kind: str) -> Schema:
    """Return the keys of a type of receiver."""
    return {**_TYPE, **TYPES[kind]}


def alerts_table() -> TableSchema:
    """Return the table with the keys of all types."""
    keys: dict[str, Key] = dict(_TYPE)
    for its in TYPES.values():
        keys |= its
    models = (ReceiverConfig, Selection, Alertmanager, Webhook, Hook, Http)
    return TableSchema(
        path=("alerts", "NAME"),
        keys=keys,
        defaults={k: d for one in models for k, d in defaults_of(one).items()},
        help="Who is told at once of what happens, with no scrape in between: any"
        " number of receivers, each with a name of its own. `packaging/docs/alerts.md`"
        " has what they are sent. A reload takes changes over.",
    )
