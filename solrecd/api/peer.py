"""Who asks: the user at the other end of a unix socket, as the kernel knows them."""

from __future__ import annotations

import pwd
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

import trio

KEY: Final = "user"
"""Of a connection's ASGI state."""

_CREDENTIALS: Final = struct.Struct("3i")
"""``struct ucred``: process, user and group ID (unix(7), SO_PEERCRED)."""

UNKNOWN: Final = "unknown"
"""Who comes over TCP, which has no credentials."""


def user_of(connection: socket.socket | trio.socket.SocketType) -> str:
    """Return the login name behind a connection, or ``uid N`` for one without."""
    if connection.family != socket.AF_UNIX:
        return UNKNOWN
    packed = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    _, uid, _ = _CREDENTIALS.unpack(packed)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def user_in(scope: Mapping[str, Any]) -> str:
    """Return who asks, from the scope of a request."""
    user: str = scope.get("state", {}).get(KEY, UNKNOWN)
    return user
