"""How long a client may take no bytes while we have some for it.

Who asks a question and does not take the answer is gone. Who watches may have stopped
his terminal over lunch: what is kept for him is bounded elsewhere, and he is told how
much he missed. So the end of the connection depends on what is asked on it.
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
"""Seconds for a stream that somebody watches; the seat is bounded, the socket is one
descriptor."""


@dataclass(slots=True)
class SendTimeout:
    """With one connection."""

    seconds: float = SEND_TIMEOUT


def wait_for_watcher(scope: Mapping[str, Any]) -> None:
    """Have patience with the connection of a request from now on."""
    send_timeout = scope.get("state", {}).get(SEND_TIMEOUT_STATE)
    if isinstance(send_timeout, SendTimeout):
        send_timeout.seconds = WATCHING_TIMEOUT
