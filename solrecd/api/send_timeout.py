"""How long a client may take no bytes while we have some for it.

A client that asks a question and does not take the answer is gone. One that watches may
have stopped its terminal over lunch: what is kept for it is bounded elsewhere, and it
is told how much it missed. So the limit depends on what the connection is used for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SEND_TIMEOUT_STATE: Final = "patience"
"""Of a connection's ASGI state."""

SEND_TIMEOUT: Final = 30.0
"""Seconds for an answer."""

WATCHING_TIMEOUT: Final = 24 * 3600.0
"""Seconds for a stream that is watched; its buffer is bounded, the socket is one
descriptor."""


@dataclass(slots=True)
class SendTimeout:
    """Of one connection."""

    seconds: float = SEND_TIMEOUT


def wait_for_watcher(scope: Mapping[str, Any]) -> None:
    """Give the connection of a request more time from now on."""
    send_timeout = scope.get("state", {}).get(SEND_TIMEOUT_STATE)
    if isinstance(send_timeout, SendTimeout):
        send_timeout.seconds = WATCHING_TIMEOUT
