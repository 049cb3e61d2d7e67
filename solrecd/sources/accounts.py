"""The account on the other end of a console: its keys in the configuration. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from solrecd.config.console_kinds import SecretKeys
from solrecd.config.keys import Key, Schema
from solrecd.config.values import absolute_path, text

_MOST: Final = 255
"""Bytes of a name or a password: more than any of these servers takes."""

_EXPANDS: Final = " `{name}` and `{n}` expand in it."

ACCOUNT_KEYS: Final[Schema] = MappingProxyType(
    {
        "username": Key(
            text(min_bytes=1, max_bytes=_MOST),
            "The account that may use the console.",
            example="recorder",
        ),
        "password_credential": Key(
            text(min_bytes=1, max_bytes=_MOST),
            "Its password is the systemd credential of this name, from"
            " `LoadCredential=` of the unit." + _EXPANDS,
            example="bmc",
        ),
        "password_file": Key(
            absolute_path,
            "Its password is in this file, which no other user may read (mode 0600)."
            + _EXPANDS,
            example="/etc/solrecd/bmc.pw",
        ),
        "password": Key(
            text(max_bytes=_MOST, hidden=True),
            "The password itself; then no other user may read this file (mode 0600).",
            example="secret",
        ),
    }
)
"""Of every kind that logs in with a name and a password."""


def _password(content: bytes) -> bytes:
    if not 1 <= len(content) <= _MOST or b"\0" in content or b"\n" in content:
        raise ValueError(
            f"found a password of {len(content)} bytes; allowed: one line of 1 to"
            f" {_MOST} bytes without NUL"
        )
    return content


PASSWORD: Final = SecretKeys("password", _password, is_required=True)
