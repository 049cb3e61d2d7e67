"""What the journal is told: names of fields, priorities, message ids.

``systemd/solrecd.catalog`` explains the ids to ``journalctl -x``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from solrecd.events import Event, Kind, Severity

EVENT: Final = "console.event"
"""The message of everything that happens on a console: its ``occurrence`` says what."""

MESSAGE_IDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.STAGE: "feb4418836d54ce39fed2efc3e9d63cd",
        Kind.FAILURE: "bb819787b9834d668c3d877ed31b224b",
        Kind.SESSION: "a66d19373c0e477c8d6e975c28769584",
        Kind.GAP: "c58f74237e7c4d69b7e55eb121190176",
        Kind.POWER: "72739774af234207a5e559a61abe32b0",
        Kind.OPERATOR: "afd1129b601d461681fbe1a3c11dd62a",
        Kind.STUCK: "1a49ade5c03c495f9efd37854a4f3e87",
        Kind.SEL: "3750d194022446279d9f64f2dbeb6d0a",
    }
)
"""MESSAGE_ID by kind of event: people filter and alert by these; they never change."""

_IDS: Final = {kind.value: message_id for kind, message_id in MESSAGE_IDS.items()}

LEVELS: Final[Mapping[Severity, int]] = MappingProxyType(
    {
        Severity.FATAL: 50,
        Severity.CRITICAL: 50,
        Severity.ERROR: 40,
        Severity.WARNING: 30,
        Severity.INFO: 20,
    }
)
"""`logging`'s levels by the severity of an event."""

PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""syslog(3) priorities by the level of a message."""

MAX_NAME = 64
"""Bytes of a field's name that the journal takes."""

_FOREIGN = re.compile(r"[^A-Z0-9_]")


def field_name(key: str) -> str:
    """Return the journal's name of a key: ``console`` is ``SOLRECD_CONSOLE``."""
    return ("SOLRECD_" + _FOREIGN.sub("_", key.upper()))[:MAX_NAME]


def keys_of(event: Event) -> dict[str, object]:
    """Return what a log tells of an event, by key; what is unknown is left out."""
    keys = event.as_dict()
    fields = {f"field_{key}": value for key, value in event.fields.items()}
    known = {key: keys[key] for key in keys if keys[key] not in (None, {})}
    known.pop("fields", None)
    return {**known, **fields}


def journal_fields(
    keys: Mapping[str, object], message: str, level: str
) -> dict[str, str]:
    """Return the fields of an entry.

    Args:
        keys: what the message is about, without level and message.
        message: the line for people.
        level: a name of `logging`'s.
    """
    entry = {
        "MESSAGE": message,
        "PRIORITY": str(PRIORITIES.get(level, 6)),
        "SYSLOG_IDENTIFIER": "solrecd",
    }
    message_id = _IDS.get(str(keys.get("kind")))
    if message_id is not None:
        entry["MESSAGE_ID"] = message_id
    return entry | {
        field_name(key): str(value) for key, value in keys.items() if value is not None
    }
