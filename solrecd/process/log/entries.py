"""What the journal is told: names of fields, priorities, message ids.

``systemd/solrecd.catalog`` explains the ids to ``journalctl -x``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

EVENT: Final = "console.event"
"""The message of everything that happens on a console: its ``occurrence`` says what."""

MESSAGE_IDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stage": "feb4418836d54ce39fed2efc3e9d63cd",
        "failure": "bb819787b9834d668c3d877ed31b224b",
        "session": "a66d19373c0e477c8d6e975c28769584",
        "gap": "c58f74237e7c4d69b7e55eb121190176",
        "power": "72739774af234207a5e559a61abe32b0",
        "operator": "afd1129b601d461681fbe1a3c11dd62a",
        "stuck": "1a49ade5c03c495f9efd37854a4f3e87",
        "sel": "3750d194022446279d9f64f2dbeb6d0a",
    }
)
"""MESSAGE_ID by kind of event: people filter and alert by these; they never change."""

LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "fatal": 50,
        "critical": 50,
        "error": 40,
        "warning": 30,
        "info": 20,
    }
)
"""`logging`'s levels by the severity of an event."""

PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""syslog(3) priorities by the level of a message."""

MAX_NAME = 64
"""Bytes of a field's name that the journal takes."""

_FOREIGN = re.compile(r"[^A-Z0-9_]")


class Occurrence(Protocol):
    """An event of a console, as far as a log needs it."""

    @property
    def fields(self) -> Mapping[str, object]:
        """What is known of this one only."""

    def as_dict(self) -> dict[str, Any]:
        """Return the contract's object."""


def field_name(key: str) -> str:
    """Return the journal's name of a key: ``console`` is ``SOLRECD_CONSOLE``."""
    return ("SOLRECD_" + _FOREIGN.sub("_", key.upper()))[:MAX_NAME]


def keys_of(event: Occurrence) -> dict[str, object]:
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
    message_id = MESSAGE_IDS.get(str(keys.get("kind")))
    if message_id is not None:
        entry["MESSAGE_ID"] = message_id
    return entry | {
        field_name(key): str(value) for key, value in keys.items() if value is not None
    }
