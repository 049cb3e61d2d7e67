"""Which keys an ``[access.NAME]`` table has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from solrecd.config.keys import Key, Schema
from solrecd.config.values import (
    Parser,
    absolute_path,
    choice,
    labels as plain_labels,
    refusal,
    text,
)
from solrecd.process.access import Role

MAX_LISTED = 1000
"""Names in one list of a grant."""

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,255}\Z")


def names_of(what: str, example: str) -> Parser[frozenset[str]]:
    """Return a parser of a list of names."""

    def parse(value: object) -> frozenset[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_LISTED:
            raise refusal(value, f'a list of {what}, ["{example}"]')
        for each in value:
            if not isinstance(each, str) or not _PRINTABLE.match(each):
                raise refusal(each, f"in this list, {what} such as {example!r}")
        return frozenset(value)

    return parse


def _selection(value: object) -> Mapping[str, frozenset[str]]:
    """Return which values each label may have."""
    if not isinstance(value, dict):
        raise refusal(value, 'a table, { rack = "r1" } or { rack = ["r1", "r2"] }')
    some = {key: one if isinstance(one, list) else [one] for key, one in value.items()}
    for key, each in some.items():
        if not each:
            raise ValueError(f"found no value for label {key}, which no console has")
        for one in each:
            plain_labels({key: one})
    return MappingProxyType({key: frozenset(each) for key, each in some.items()})


def _digests(value: object) -> tuple[bytes, ...]:
    """Return the SHA-256 of tokens; one, or a list while a token is replaced."""
    listed = value if isinstance(value, list) else [value]
    return tuple(_digest(each) for each in listed)


def _digest(value: object) -> bytes:
    if isinstance(value, str) and _DIGEST.match(value):
        return bytes.fromhex(value)
    # Not shown: it may be a token that was left unhashed by mistake.
    raise ValueError(
        "found something else than a SHA-256; allowed: 64 digits 0-9 and a-f, or a"
        " list of such, as `solrecd token` prints"
    )


ACCESS_KEYS: Schema = MappingProxyType(
    {
        "role": Key(
            choice(Role),
            "`view` reads everything; `operate` also attaches to type, switches power,"
            " sends breaks, notes and messages, releases consoles and takes them"
            " back; `admin` also reloads.",
            example="operate",
        ),
        "labels": Key(
            _selection,
            "On consoles with these labels only; of several values one has to match."
            " Other consoles are hidden from a user without another grant, also in"
            " lists.",
            example={"rack": ["r1", "r2"]},
        ),
        "users": Key(
            names_of("login names", "alice"),
            "Users of this machine, on the control socket.",
            example=["alice", "bob"],
        ),
        "groups": Key(
            names_of("unix groups", "operators"),
            "Unix groups, on the control socket: those that the asking process has.",
            example=["operators"],
        ),
        "certificates": Key(
            names_of("names in client certificates", "ci.example.net"),
            "Client certificates on the TLS listener with one of these names, as common"
            " name or as subject alternative name.",
            example=["ci.example.net"],
        ),
        "token_sha256": Key(
            _digests,
            "Bearer of a token with this SHA-256, on the TLS listener; a list while a"
            " token is replaced by another. `solrecd token` makes a token and this"
            " hash.",
            example="0" * 64,
        ),
        "token_file": Key(
            absolute_path,
            "Bearer of a token in this file, one in each line, which no other user may"
            " read (mode 0600).",
            example="/etc/solrecd/ci.token",
        ),
        "token_credential": Key(
            text(min_bytes=1, max_bytes=255),
            "The same for the systemd credential of this name, from `LoadCredential=`"
            " of the unit.",
            example="ci-token",
        ),
    }
)
