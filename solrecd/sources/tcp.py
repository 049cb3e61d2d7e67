"""TCP connections to consoles, which may be silent for days."""

from __future__ import annotations

import socket
from typing import Final

import trio

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for name look-up and connection together."""

_IDLE: Final = 30
_INTERVAL: Final = 10
_PROBES: Final = 3

UNNOTICED: Final = float(_IDLE + _INTERVAL * _PROBES)
"""Seconds for which a peer that lost its power may be thought to be there."""

_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
"""A silent console is not a reason to give up."""


async def connect_tcp(host: str, port: int) -> socket.socket:
    """Return a connection that does not block.

    Raises:
        OSError: there is none.
    """
    try:
        stream = await trio.open_tcp_stream(host, port)
    except OSError as error:
        raise _first_cause(error) from None
    connected = socket.socket(fileno=stream.socket.detach())
    for level, option, value in _KEEPALIVE:
        connected.setsockopt(level, option, value)
    return connected


def _first_cause(error: OSError) -> OSError:
    """Return why the first address of several did not answer: the others say less."""
    cause = error.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause if isinstance(cause, OSError) else error
